"""Circumstances of the method: what is trained, on which base, with which objective, with which optimizer states."""

from __future__ import annotations

import re

from trainclinic.catalogue.circumstance import Circumstance
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Verdict
from trainclinic.catalogue.wording import percent
from trainclinic.findings.stated import (
    absent,
    by_flag,
    framework,
    is_adapter_method,
    mentioned,
    other_settings,
    present,
    shown,
)
from trainclinic.signals.measured import Measured

ADAPTER_SHARE = 0.05
"""Trainable share of all parameters below which only an adapter (or a head) can be trained; LoRA reaches 3 %."""
WHOLE_SHARE = 0.999
TOKEN_LOSS_TOOLS = ("nanogpt", "megatron", "mlx-lm", "litgpt", "llama.cpp")
"""Tools whose trainers know no other objective."""
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


def _objective(run: Measured, kind: str, columns: str) -> Verdict:
    """Whether the objective is of a kind. Rows without its columns prove nothing: excerpts drop columns."""
    objective = run.objective
    evidence = Evidence(objective.reason, objective.source)
    if objective.kind == kind:
        return Present((evidence,))
    if objective.kind == "unknown":
        return NotEvaluated("the objective (`stage`, `rl`, the trainer's class)")
    if objective.kind != "causal-lm" or run.record.facts.get("objective") is not None:
        return Absent((evidence,))
    tool = run.record.facts.get("framework")
    if tool is not None and any(word in framework(run) for word in TOKEN_LOSS_TOOLS):
        return absent(tool, "it trains with a token loss alone")
    for name in ("train/token_accuracy", "train/tokens", "eval/perplexity", "train/perplexity"):
        if (rows := run.record.get(name)) is not None:
            says = f"`{name}` is logged, and no {columns}"
            return Absent((Evidence(says, rows.source(0), series=name),))
    return NotEvaluated("the objective (`stage`, `rl`, the trainer's class)")


def _preference(run: Measured) -> Verdict:
    return _objective(run, "preference", "rewards of chosen and rejected answers")


def _sampled(run: Measured) -> Verdict:
    return _objective(run, "rl", "rewards or lengths of completions")


def _completion_only(run: Measured) -> Verdict:
    facts = run.record.facts
    inputs = facts.get("train_on_inputs")
    if inputs is not None:
        return absent(inputs, "the prompt is a target too") if inputs.value else present(inputs)
    seen = mentioned(
        run,
        r"could not find (?:response|instruction) key|tokenization mismatch: \d+ vs",
        "the log speaks of a mask over the prompt",
    )
    if seen is not None:
        return seen
    objective, tool = facts.get("objective"), facts.get("framework")
    if objective is not None and objective.value == "pretraining":
        return absent(objective, "all tokens are targets")
    stage = facts.text("objective") or ("sft" if "chat_template" in facts else "")
    if tool is not None and "llama-factory" in framework(run) and stage == "sft":
        return present(tool, "it trains on answers alone unless `train_on_prompt` is set")
    if tool is not None and "nanogpt" in framework(run):
        return absent(tool, "all tokens are targets")
    return NotEvaluated("which tokens are targets (`train_on_inputs`, `completion_only_loss`)")


def _scratch(run: Measured) -> Verdict:
    for fact in other_settings(run, "config_overrides"):
        return present(fact, "accepted for a new model only")
    fresh = other_settings(run, "init_from", "from_scratch", "train_from_scratch", "pretrained")
    source = next((fact.source for fact in fresh), None)
    start, why = run.objective.started_from, run.objective.start_reason
    if start == "scratch":
        return Present((Evidence(why, source),))
    if start == "pretrained" and not why.startswith("the name"):
        model = run.record.facts.get("model_name")
        return Absent((Evidence(why, source or (model.source if model is not None else None)),))
    return NotEvaluated("what the weights were before (`model_name_or_path`, `init_from`)")


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
        code="CIR919",
        slug="preference-objective",
        title="The objective compares preferred with rejected answers (DPO, ORPO, KTO ...).",
        matters="Its loss begins at ln 2 by definition, and its scale says nothing about tokens.",
        needs=("objective", "reward columns"),
        check=_preference,
    ),
    Circumstance(
        code="CIR920",
        slug="sampled-completions-objective",
        title="The objective rewards completions that the model samples (GRPO, PPO ...).",
        matters="Its loss is near 0 in health, and generation is part of the training.",
        needs=("objective", "reward and completion columns"),
        check=_sampled,
    ),
    Circumstance(
        code="CIR921",
        slug="completion-only-loss",
        title="Only answers are targets; prompts carry no loss.",
        matters="Without a mask over the prompt nothing can be wrong with it.",
        needs=("train_on_inputs", "objective", "framework", "events"),
        check=_completion_only,
    ),
    Circumstance(
        code="CIR923",
        slug="training-from-scratch",
        title="The weights started at random.",
        matters="A first loss at ln V is then healthy, and knowledge of a pretrained model plays no part.",
        needs=("model_name", "method", "init_from", "train/loss", "vocabulary_size"),
        check=_scratch,
    ),
)
