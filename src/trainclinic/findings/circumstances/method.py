"""Circumstances of the method: what is trained, on which base, with which optimizer states."""

from __future__ import annotations

import re

from trainclinic.catalogue.circumstance import Circumstance
from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present, Verdict
from trainclinic.catalogue.wording import percent
from trainclinic.findings.stated import (
    absent,
    by_flag,
    framework,
    is_adapter_method,
    present,
    shown,
)
from trainclinic.signals.measured import Measured

ADAPTER_SHARE = 0.05
"""Trainable share of all parameters below which only an adapter (or a head) can be trained; LoRA reaches 3 %."""
WHOLE_SHARE = 0.999
_PACKED_NAMES = {4: r"(?:bnb-)?4bit|-awq\b|nf4", 8: r"(?:bnb-)?8bit|int8"}


def _adapter(run: Measured) -> Verdict:
    facts = run.record.facts
    stated = is_adapter_method(run)
    told = facts.get("method") or facts.get("lora_rank")
    if stated is not None and told is not None:
        return present(told) if stated else absent(told)
    trained, total = facts.get("trainable_parameter_count"), facts.get("parameter_count")
    if trained is not None and total is not None and float(total.value) > 0:
        share = float(trained.value) / float(total.value)
        evidence = (shown(trained, f"{percent(share)} of all parameters"),)
        if 0 < share < ADAPTER_SHARE:
            return Present(evidence)
        if share > WHOLE_SHARE:
            return Absent(evidence)
    tool = facts.get("framework")
    if tool is not None and "mlx-lm" in framework(run):
        return present(tool, "`mlx_lm.lora` trains adapters unless `fine_tune_type` is set")
    return NotEvaluated("the method (`lora_r`, `finetuning_type`, trainable and total parameters)")


def _quantised(run: Measured, bits: int) -> Verdict:
    facts = run.record.facts
    stated, model = facts.get("quantization_bits"), facts.get("model_name")
    if stated is not None:
        return present(stated) if float(stated.value) == bits else absent(stated)
    if model is not None:
        for size, pattern in _PACKED_NAMES.items():
            if re.search(pattern, str(model.value), re.I):
                return present(model) if size == bits else absent(model)
    method, off = facts.get("method"), facts.get(f"load_in_{bits}bit")
    if method is not None and "qlora" in str(method.value):
        return present(method) if bits == 4 else absent(method)
    if method is not None and method.value == "full":
        return absent(method, "quantised weights cannot be trained in full")
    if off is not None:
        return absent(off)
    loaded = facts.get("weights_dtype") or facts.get("attention_implementation")
    if loaded is not None and loaded.how == "config":
        return absent(loaded, "what is set for loading the model names no quantisation")
    return NotEvaluated(f"how the base is loaded (`load_in_{bits}bit`)")


def _four_bit(run: Measured) -> Verdict:
    return _quantised(run, 4)


def _eight_bit(run: Measured) -> Verdict:
    return _quantised(run, 8)


def _optimizer(run: Measured) -> Verdict:
    stated, optimizer = by_flag(run, "eight_bit_optimizer"), run.record.facts.get("optimizer")
    if isinstance(stated, Present):
        return stated
    if optimizer is not None:
        return present(optimizer) if re.search(r"8-?bit", str(optimizer.value), re.I) else absent(optimizer)
    return stated or NotEvaluated("the optimizer (`optim`)")


def _eight_bit_arithmetic(run: Measured) -> Verdict:
    both = _eight_bit(run), _optimizer(run)
    if found := next((verdict for verdict in both if isinstance(verdict, Present)), None):
        return found
    open_ = next((verdict for verdict in both if isinstance(verdict, NotEvaluated)), None)
    return open_ or Absent(
        tuple(shown for verdict in both if isinstance(verdict, Absent) for shown in verdict.evidence)
    )


CIRCUMSTANCES: tuple[Circumstance[Measured], ...] = (
    Circumstance(
        code="CIR908",
        slug="adapter-training",
        title="Only an adapter is trained, beside frozen weights.",
        matters="Merging, saving, reloading and casting of adapters can fail in ways that full training cannot.",
        needs=("method", "lora_rank", "trainable_parameter_count", "parameter_count"),
        check=_adapter,
    ),
    Circumstance(
        code="CIR909",
        slug="four-bit-base",
        title="The base model is quantised to 4 bits.",
        matters="Merging into it rounds the adapter, and its compute dtype is a setting of its own.",
        needs=("quantization_bits", "load_in_4bit", "method", "model_name"),
        check=_four_bit,
    ),
    Circumstance(
        code="CIR910",
        slug="eight-bit-base",
        title="The base model is quantised to 8 bits.",
        matters="Its int8 products depend on the generation of the GPU.",
        needs=("quantization_bits", "load_in_8bit", "method", "model_name"),
        check=_eight_bit,
    ),
    Circumstance(
        code="CIR911",
        slug="eight-bit-optimizer",
        title="The optimizer keeps its states in 8 bits.",
        matters="Some releases of its kernels wrote wrong states, and small gradients vanish in coarse blocks.",
        needs=("optimizer", "eight_bit_optimizer"),
        check=_optimizer,
    ),
    Circumstance(
        code="CIR946",
        slug="eight-bit-arithmetic",
        title="The base model or the optimizer states are kept in 8 bits.",
        matters="Kernels for 8-bit products and updates run only there.",
        needs=("quantization_bits", "load_in_8bit", "optimizer", "eight_bit_optimizer", "model_name"),
        check=_eight_bit_arithmetic,
    ),
)
