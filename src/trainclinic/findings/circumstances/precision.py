"""Circumstances of number formats: float16, bfloat16, weights in bfloat16 alone, and what a model was pretrained in.

They tell the format that the arithmetic of training uses. Whether it did any harm is the business of the rules.
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.circumstance import Circumstance
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.findings.stated import absent, is_adapter_method, mentioned, other_settings, present, shown
from trainclinic.readers.settings.value_words import dtype_name
from trainclinic.record.facts import Fact
from trainclinic.signals.measured import Measured
from trainclinic.signals.pretrained_families import bf16_family, other_precision

NO_PRECISION = "the precision of the run (`fp16`, `bf16`, `torch_dtype`)"
_SCALER = "overflow.{0,40}skipping step|loss scale.{0,40}(?:reducing|minimum)|unscale fp16 gradients"
DYNAMIC_SCALE = 2.0
"""A loss scale of at least this was chosen by a scaler of float16 losses; without one, logs print 1."""


def _weights(run: Measured, dtype: str) -> Fact | None:
    fact = run.record.facts.get("weights_dtype")
    return fact if fact is not None and str(fact.value) == dtype else None


def _on(run: Measured, name: str) -> Fact | None:
    fact = run.record.facts.get(name)
    return fact if fact is not None and fact.value else None


def _off(run: Measured, name: str) -> Fact | None:
    fact = run.record.facts.get(name)
    return fact if fact is not None and not fact.value else None


def _scaled(run: Measured) -> Verdict | None:
    """What the loss scale tells: only float16 needs one."""
    if found := mentioned(run, _SCALER, "the loss is scaled, which only float16 needs"):
        return found
    scale = run.record.get("scale/loss_scale")
    if scale is None:
        return None
    finite = scale.finite()
    if not len(finite):
        return None
    top = int(np.argmax(finite.value))
    value, step = float(finite.value[top]), int(finite.step[top])
    seen = Evidence(f"the loss scale is {number(value)} at step {step:,}", finite.source(top), step, "scale/loss_scale")
    if value >= DYNAMIC_SCALE:
        return Present((seen,))
    return (
        Absent((Evidence(f"the loss scale is {number(value)} throughout", finite.source(top)),)) if value == 1 else None
    )


def _product_dtype(run: Measured, dtype: str) -> Fact | None:
    """The setting that makes products with a quantised base run in `dtype`."""
    stated = other_settings(run, "bnb_4bit_compute_dtype", "quant_compute_dtype", "bnb_compute_dtype")
    return next((fact for fact in stated if dtype_name(fact.value) == dtype), None)


def _float16(run: Measured) -> Verdict:
    if (autocast := _on(run, "fp16")) is not None:
        return present(autocast)
    scaled, bfloat = _scaled(run), _on(run, "bf16")
    if isinstance(scaled, Present):
        return scaled
    if (products := _product_dtype(run, "float16")) is not None:
        return present(products, "the products with the quantised base")
    if bfloat is not None:
        return absent(bfloat, "the run computes in bfloat16")
    if (half := _weights(run, "float16")) is not None:
        return present(half)
    if (other := _weights(run, "bfloat16")) is not None:
        return absent(other)
    single, off = _weights(run, "float32"), _off(run, "fp16")
    if single is not None and off is not None:
        return Absent((shown(off), shown(single)))
    if scaled is not None:
        return scaled
    return NotEvaluated("the dtype of the weights (`torch_dtype`)" if off is not None else NO_PRECISION)


def _bfloat16(run: Measured) -> Verdict:
    if (autocast := _on(run, "bf16")) is not None:
        return present(autocast)
    if (weights := _weights(run, "bfloat16") or _product_dtype(run, "bfloat16")) is not None:
        return present(weights)
    if (half := _on(run, "fp16")) is not None:
        return absent(half, "the run computes in float16")
    if isinstance(scaled := _scaled(run), Present):
        return Absent(scaled.evidence)
    off = _off(run, "bf16")
    other = _weights(run, "float32") or _weights(run, "float16")
    if off is not None and other is not None:
        return Absent((shown(off), shown(other)))
    return NotEvaluated("the dtype of the weights (`torch_dtype`)" if off is not None else NO_PRECISION)


def _bfloat16_only(run: Measured) -> Verdict:
    facts = run.record.facts
    stage = facts.get("deepspeed_stage")
    weights = facts.get("weights_dtype")
    if stage is not None:
        return absent(stage, "DeepSpeed keeps float32 copies of what it trains")
    if (half := _on(run, "fp16")) is not None:
        return absent(half)
    if weights is None:
        return NotEvaluated("the dtype that the weights are loaded in (`torch_dtype`)")
    if str(weights.value) != "bfloat16":
        return absent(weights)
    if is_adapter_method(run):
        return NotEvaluated("the dtype of the adapter: peft may keep it in float32 beside bfloat16 weights")
    if facts.flag("fsdp"):
        return NotEvaluated("whether FSDP keeps float32 copies of the weights")
    return present(weights, "no setting keeps a float32 copy")


def _pretrained(run: Measured) -> Verdict:
    facts = run.record.facts
    saved = facts.get("pretrained_dtype")
    if saved is not None:
        return present(saved) if "bfloat16" in str(saved.value) else absent(saved)
    for fact in (facts.get("model_name"), facts.get("model_type")):
        if fact is None:
            continue
        if family := bf16_family(str(fact.value)):
            return present(fact, f"{family}, pretrained in bfloat16")
        if other := other_precision(str(fact.value)):
            return absent(fact, f"{other[0]}, pretrained in {other[1]}")
    return NotEvaluated("the model, or the `torch_dtype` of its config.json")


CIRCUMSTANCES: tuple[Circumstance[Measured], ...] = (
    Circumstance(
        code="CIR901",
        slug="float16-training",
        title="The run computes in float16, by mixed precision or by its weights.",
        matters="Overflow above 65,504, a loss scaler and underflow of Adam's epsilon exist only there.",
        needs=("fp16", "bf16", "weights_dtype", "scale/loss_scale", "loss-scale events"),
        check=_float16,
    ),
    Circumstance(
        code="CIR902",
        slug="bfloat16-training",
        title="The run computes in bfloat16, by mixed precision or by its weights.",
        matters="It has the range of float32 and 8 bits of precision: it loses small updates and rarely overflows.",
        needs=("bf16", "fp16", "weights_dtype"),
        check=_bfloat16,
    ),
    Circumstance(
        code="CIR903",
        slug="bfloat16-weights-only",
        title="The trained weights are bfloat16 and nothing keeps a float32 copy of them.",
        matters="Updates below 1/256 of a weight are rounded away; with a float32 copy none is lost.",
        needs=("weights_dtype", "deepspeed_stage", "fsdp", "method"),
        check=_bfloat16_only,
    ),
    Circumstance(
        code="CIR931",
        slug="bfloat16-pretrained-family",
        title="The model was pretrained in bfloat16.",
        matters="Its activations may lie outside the range of float16, so float16 training of it is a hazard.",
        needs=("pretrained_dtype", "model_name", "model_type"),
        check=_pretrained,
    ),
)
