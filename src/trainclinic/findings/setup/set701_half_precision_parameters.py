"""The parameters that the optimizer updates are held in float16.

## What it sees
Weights loaded as float16 that are trained in full, or adapters that inherit float16 from their base (peft before 0.11,
or `autocast_adapter_dtype=False`), with no sharded optimizer that keeps float32 copies. With LoRA and an unknown peft
version it is reported when no mixed precision is on either, since then nothing scales the loss.

## Why it matters
In float16, Adam's epsilon of 1e-8 rounds to 0 and its second moment underflows for gradients below 5.5e-3, so an update
becomes 0/0 or infinite: finite for one or two steps, then NaN for ever. Small updates are lost to rounding as well.

## What it does not mean
A frozen base in float16 is fine. bfloat16 weights are another matter: they lose small updates, but do not turn NaN. The
learning rate has no part in it, and neither has the device as such: float32 on the CPU cures it by its precision.

## Example
`AutoModelForCausalLM.from_pretrained(name, torch_dtype=torch.float16)` with `TrainingArguments(fp16=False)`.

## Check it by hand
`{p.dtype for p in model.parameters() if p.requires_grad}` should be `{torch.float32}`.

## References
- https://github.com/huggingface/peft/issues/1706
- https://github.com/huggingface/transformers/issues/23165
- https://docs.pytorch.org/docs/stable/amp.html
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.half_precision import first_change, smallest_felt_gradient
from trainclinic.signals.measured import Measured

if TYPE_CHECKING:
    from trainclinic.record.facts import Fact

CASTS_SINCE = (0, 11)
"""First peft release that casts float16 adapters to float32 (`autocast_adapter_dtype`)."""

HELD = Threshold(
    "training-loss rows that are all finite",
    10,
    "rows",
    "the failure strikes in the first updates",
)

HALF = {"float16", "fp16", "half", "torch.float16"}


def check(run: Measured) -> Verdict:
    """Decide from dtype, method and versions what the trained parameters are held in."""
    facts = run.record.facts
    refused = [e for e in run.record.events_of("exception", "dtype-warning") if "unscale FP16" in e.says]
    if refused:
        says = f"the loss scaler refuses float16 gradients: {refused[0].says}"
        return Present((Evidence(says, refused[0].source, refused[0].step),))
    dtype = facts.get("weights_dtype")
    if dtype is None:
        return NotEvaluated(missing="the dtype that the weights are loaded in (`torch_dtype`)")
    loaded = Evidence(f"weights are loaded as {dtype.value}", dtype.source)
    if str(dtype.value).lower() not in HALF:
        return Absent((loaded,))
    if facts.number("quantization_bits") is not None:
        return NotEvaluated(missing="the dtype of the trainable parameters (the base is quantised)")
    if facts.number("deepspeed_stage") is not None and facts.flag("fp16"):
        return Absent((loaded, Evidence("DeepSpeed keeps float32 copies of the weights it trains")))
    if facts.number("lora_rank") is not None or "lora" in (facts.text("method") or "").lower():
        return _adapters(run, loaded)
    if facts.flag("fp16") or facts.flag("bf16"):
        # A loss scaler refuses float16 parameters, and exported model configs name the dtype of the checkpoint.
        return NotEvaluated(
            missing="the dtype of the trainable parameters: mixed precision is on beside float16 weights"
        )
    return _present(run, (loaded, *_precision(run)))


def _precision(run: Measured) -> tuple[Evidence, ...]:
    """What is known about mixed precision and the optimizer."""
    shown: list[Fact | None] = [run.record.facts.get(name) for name in ("fp16", "optimizer", "adam_epsilon")]
    return tuple(Evidence(f"`{f.name}` is {f.value}", f.source) for f in shown if f is not None)


def _arithmetic(run: Measured) -> str:
    """What Adam does to a float16 parameter with this run's epsilon."""
    facts = run.record.facts
    if "fused" in (facts.text("optimizer") or ""):
        return "The fused optimizer computes in float32, so updates are finite, but the weights still round them."
    epsilon = facts.number("adam_epsilon")
    value = 1e-8 if epsilon is None else epsilon
    if math.isfinite(first_change(0.0, rate=facts.number("learning_rate") or 1e-4, epsilon=value)):
        return f"An epsilon of {value:g} is not 0 in float16, so a gradient of 0 does no harm."
    felt = number(smallest_felt_gradient(facts.number("adam_beta2") or 0.999), 2)
    return f"An epsilon of {value:g} is 0 in float16: 0/0 for a gradient of 0, infinite for one below {felt}."


def _present(run: Measured, evidence: tuple[Evidence, ...], means: str = "") -> Present:
    """A doubt, or a note where enough finite rows show that the arithmetic has held."""
    loss = run.train_loss
    proved = run.onset is None and loss is not None and len(loss) >= HELD.value
    told = f"{means} {_arithmetic(run)}".strip()
    severity = Severity.NOTE if proved else None
    return Present(evidence, means=told, settle="the dtype of the trainable parameters", severity=severity)


def _adapters(run: Measured, loaded: Evidence) -> Verdict:
    """Adapters on a float16 base: peft decides, by version and by setting."""
    for setting in run.record.other_facts:
        if setting.name.endswith("autocast_adapter_dtype") and str(setting.value).lower() in ("false", "0.0", "0"):
            return _present(run, (loaded, Evidence("`autocast_adapter_dtype` is off", setting.source)))
    peft = run.record.versions.get("peft")
    version = re.match(r"(?:==)?(\d+)\.(\d+)", str(peft.value)) if peft is not None else None
    if peft is not None and version is not None:
        told = Evidence(f"peft is {peft.value}", peft.source)
        if (int(version[1]), int(version[2])) < CASTS_SINCE:
            means = "This peft leaves adapters in the dtype of their base, so they are float16."
            return _present(run, (loaded, told, *_precision(run)), means)
        return Absent((loaded, told))
    if run.record.facts.flag("fp16") or run.record.facts.flag("bf16") or run.record.facts.flag("fp16") is None:
        return NotEvaluated(missing="the version of peft: before 0.11 adapters on a float16 base are float16")
    means = "No mixed precision is on, so nothing scales the loss; before peft 0.11 the adapters are float16 too."
    return _present(run, (loaded, *_precision(run)), means)


RULE = Rule(
    code="SET701",
    slug="half-precision-parameters",
    severity=Severity.WARNING,
    needs=("weights_dtype", "fp16", "bf16", "method", "lora_rank", "optimizer", "adam_epsilon", "versions: peft"),
    check=check,
    thresholds=(HELD,),
)
