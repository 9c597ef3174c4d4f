"""Circumstances of the objective: what the loss compares, which tokens are targets, where the weights came from."""

from __future__ import annotations

from trainclinic.catalogue.circumstance import Circumstance
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Verdict
from trainclinic.findings.stated import absent, framework, mentioned, other_settings, present
from trainclinic.signals.measured import Measured

TOKEN_LOSS_TOOLS = ("nanogpt", "megatron", "mlx-lm", "litgpt", "llama.cpp")
"""Tools whose trainers know no other objective."""


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
