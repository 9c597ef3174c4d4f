"""What kind of training the loss column belongs to, and whether it began from pretrained weights.

A value of 0.69, 10.8 or -0.02 is normal, impossible or meaningless depending on the objective, so every rule that
judges a loss *level* asks here first. The answer comes from what the files say (objective, model, tool), from columns
that only one kind of training writes, and at last from names; `unknown` with `is_language_model=None` is legal.
It does not know what a good level is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.catalogue.wording import number
from trainclinic.signals.objective_words import (
    CLASS_METRICS,
    COLUMN_MARKS,
    EXACT_SIZES,
    FINE_TUNING_TOOLS,
    LANGUAGE_MODEL_TOOLS,
    MODEL_WORDS,
    NAME_WORDS,
    OBJECTIVE_WORDS,
    PAIR_COLUMNS,
    POLICY_COLUMNS,
    POLICY_PREFIXES,
    PRETRAINED_WORDS,
    TOKEN_COLUMNS,
    TOKEN_EVENTS,
    TOKEN_FACTS,
    TUNING_WORDS,
    find_words,
)

if TYPE_CHECKING:
    from trainclinic.record.source import Source
    from trainclinic.signals.measured import Measured

Kind = Literal[
    "causal-lm",
    "seq2seq",
    "masked-lm",
    "classification",
    "preference",
    "reward",
    "rl",
    "speech",
    "vision",
    "diffusion",
    "regression",
    "unknown",
]
Start = Literal["pretrained", "scratch", "unknown"]

TOKEN_LOSS: tuple[Kind, ...] = ("causal-lm", "seq2seq", "masked-lm")
_UNITS: dict[str, str] = {
    "causal-lm": "nats/token",
    "seq2seq": "nats/token",
    "masked-lm": "nats/token",
    "classification": "nats/example",
    "preference": "nats/pair",
    "reward": "nats/pair",
}

NEGATIVE_LOSS = -0.01
"""Below this a loss is no cross-entropy; rounding and the filter of non-finite losses leave at most -0.001."""

UNIFORM_MARGIN = 0.35
"""Nats around ln V that a fresh initialisation starts in: var(logits) / 2 is 0.0-0.2 for GPT-2 style weights."""


SURE_ACCURACY = 0.8
"""Above this share of right answers classifiers and language models are too alike to tell from accuracy and loss."""

CLASSIFIER_RATIO, LANGUAGE_MODEL_RATIO = 1.3, 2.5
"""Accuracy over exp(-loss) below 80 % right: 1.0-1.3 in a calibrated classifier; in language models 1.5 at 0.7 nats,
1.7 at 1 nat and 3 or more above 2 nats; an over-confident classifier lies anywhere above, so the middle is silent."""


@dataclass(frozen=True, slots=True)
class Objective:
    """What the training loss is a loss of.

    Attributes:
        kind: Kind of training, `unknown` when nothing says.
        is_language_model: Whether the loss is a mean cross-entropy over vocabulary tokens; `None` when undetermined.
        loss_unit: Unit of the loss, e.g. `nats/token`; empty when undetermined.
        started_from: Whether the weights were pretrained.
        reason: Why this kind, in words.
        start_reason: Why this start, in words; empty when unknown.
        source: Where the evidence for the kind was read, when it is one place.
    """

    kind: Kind
    is_language_model: bool | None
    loss_unit: str
    started_from: Start
    reason: str
    start_reason: str = ""
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class _Clue:
    kind: Kind
    reason: str
    source: Source | None = None


def objective_of(run: Measured) -> Objective:
    """Decide the objective of a run; the first source of evidence that speaks decides, in order of trust."""
    sure = (_by_rl_columns, _by_objective_fact, _by_model, _by_columns, _by_tool, _by_size)
    for look in (*sure, _by_accuracy, _by_name, _by_text):
        clue = look(run)
        if clue is not None:
            break
    else:
        clue = _Clue("unknown", "no setting, column or name says what is trained")
    start, why = _start(run)
    token_loss: bool | None = clue.kind in TOKEN_LOSS
    if clue.kind in ("unknown", "speech"):
        token_loss = None
    if _has_negative_loss(run):
        token_loss = False
    if start == "unknown" and token_loss is not False:
        start, why = _start_by_level(run)
    unit = _UNITS.get(clue.kind, "")
    logged = run.record.get("train/loss") or run.record.get("eval/loss")
    if logged is not None and logged.unit.startswith("bits"):
        unit = logged.unit
    elif token_loss and start != "pretrained" and _counts_bits(run):
        unit = "bits/token"
    return Objective(clue.kind, token_loss, unit, start, clue.reason, why, clue.source)


def _by_rl_columns(run: Measured) -> _Clue | None:
    """Columns that only policy or preference training writes outrank even a setting: they were logged by it."""
    names = run.record.series
    pair = [n for n in names if n in PAIR_COLUMNS]
    if pair:
        return _Clue("preference", f"the log has preference columns (`{pair[0]}`)")
    policy = [n for n in names if n in POLICY_COLUMNS or n.lower().startswith(POLICY_PREFIXES)]
    if policy:
        return _Clue("rl", f"the log has policy-training columns (`{policy[0]}`)")
    return None


def _by_objective_fact(run: Measured) -> _Clue | None:
    fact = run.record.facts.get("objective")
    if fact is None:
        return None
    kind = find_words(str(fact.value), OBJECTIVE_WORDS)
    return None if kind is None else _Clue(kind, f"objective is `{fact.value}`", fact.source)  # type: ignore[arg-type]


def _by_model(run: Measured) -> _Clue | None:
    for name in ("model_type", "model_name"):
        fact = run.record.facts.get(name)
        kind = find_words(str(fact.value), MODEL_WORDS) if fact is not None else None
        if fact is None or kind is None:
            continue
        # An encoder or a decoder with class metrics beside its loss was given a classification head.
        if kind in ("masked-lm", "causal-lm") and _class_metric(run):
            return _Clue("classification", f"`{fact.value}` is scored by `{_class_metric(run)}`", fact.source)
        if kind == "masked-lm":
            continue
        return _Clue(kind, f"the model is `{fact.value}`", fact.source)  # type: ignore[arg-type]
    return None


def _by_columns(run: Measured) -> _Clue | None:
    names = [name.lower() for name in run.record.series]
    for kind, marks in COLUMN_MARKS:
        hit = next((n for n in names for mark in marks if mark in _parts(n)), None)
        if hit is not None:
            return _Clue(kind, f"the log has the column `{hit}`")  # type: ignore[arg-type]
    metric = _class_metric(run)
    return None if metric is None else _Clue("classification", f"the log has the class metric `{metric}`")


def _by_tool(run: Measured) -> _Clue | None:
    fact = run.record.facts.get("framework")
    text = f"{fact.value if fact else ''} {run.record.log_format}".lower()
    for word in LANGUAGE_MODEL_TOOLS:
        if word in text:
            return _Clue("causal-lm", f"`{word}` trains causal language models", fact.source if fact else None)
    return None


def _by_size(run: Measured) -> _Clue | None:
    """A parameter count that is exactly that of a public checkpoint, all or those that no adapter adds."""
    fact, trainable = run.record.facts.get("parameter_count"), run.record.facts.number("trainable_parameter_count")
    if fact is None:
        return None
    counts = {int(float(fact.value)), int(float(fact.value) - (trainable or 0.0))}
    name = next((EXACT_SIZES[count] for count in counts if count in EXACT_SIZES), None)
    return None if name is None else _Clue("causal-lm", f"the parameter count is that of {name}", fact.source)


def _by_text(run: Measured) -> _Clue | None:
    """Settings, columns, events and samples that only models of text have; an encoder may still be a classifier."""
    model = f"{run.record.facts.text('model_type')} {run.record.facts.text('model_name')}"
    if find_words(model, MODEL_WORDS) == "masked-lm":
        return None
    if run.record.generations:
        return _Clue("causal-lm", "the run has generated texts", run.record.generations[0].source)
    for name in TOKEN_FACTS:
        fact = run.record.facts.get(name)
        if fact is not None:
            return _Clue("causal-lm", f"the setting `{name}` belongs to models of text", fact.source)
    event = next(iter(run.record.events_of(*TOKEN_EVENTS)), None)
    if event is not None:
        return _Clue("causal-lm", "a message of the log is about target tokens", event.source)
    column = next((name for name in TOKEN_COLUMNS if run.record.get(name) is not None), None)
    return None if column is None else _Clue("causal-lm", f"the log has the column `{column}`")


def _by_accuracy(run: Measured) -> _Clue | None:
    """A classifier's accuracy is close to exp(-loss); a language model's is far above it.

    Both equal the mean probability of the right answer when calibrated, but exp(-loss) is its geometric mean, which the
    long tail of rare tokens pulls down: at 2.3 nats a language model gets 45-55 % right and a ten-class model 10 %.
    """
    for side in ("train", "eval"):
        loss, accuracy = run.record.get(f"{side}/loss"), run.record.get(f"{side}/accuracy")
        if loss is None or accuracy is None:
            continue
        _, i, j = np.intersect1d(loss.step, accuracy.step, return_indices=True)
        right, level = accuracy.value[j], loss.value[i]
        usable = (right > 0) & (right < SURE_ACCURACY) & (level > 0)
        if np.count_nonzero(usable) < 2:
            continue
        ratio = float(np.median(right[usable] / np.exp(-level[usable])))
        says = f"accuracy is {number(ratio, 2)} times exp(-loss)"
        if ratio < CLASSIFIER_RATIO:
            return _Clue("classification", f"{says}, as in a classifier")
        if ratio > LANGUAGE_MODEL_RATIO:
            return _Clue("causal-lm", f"{says}, as for tokens")
    return None


def _by_name(run: Measured) -> _Clue | None:
    """The weakest evidence: what the user called the data, the best checkpoint or the run."""
    facts = run.record.facts
    for text in (facts.text("best_checkpoint"), facts.text("dataset_path"), run.record.name, *run.record.files[:3]):
        kind = find_words(text, NAME_WORDS) if text else None
        if kind is not None and kind != "masked-lm":
            return _Clue(kind, f"the name `{text}` says so")  # type: ignore[arg-type]
    return None


def _start(run: Measured) -> tuple[Start, str]:
    """Evidence in words for pretrained weights or a fresh initialisation."""
    facts = run.record.facts
    for other in run.record.other_facts:
        if other.name.lower() == "init_from":
            fresh = str(other.value).lower() == "scratch"
            return ("scratch" if fresh else "pretrained"), f"`init_from` is `{other.value}`"
        if other.name.lower() in ("from_scratch", "train_from_scratch") and str(other.value).lower() == "true":
            return "scratch", f"`{other.name}` is set"
        if other.name.lower().rpartition(".")[2] == "pretrained" and str(other.value).lower() == "false":
            return "scratch", f"`{other.name}` is `{other.value}`"
    if facts.number("lora_rank") is not None:
        return "pretrained", "LoRA adapters are trained, which needs a pretrained base"
    method = (facts.text("method") or "").lower()
    if any(word in method for word in ("lora", "prefix", "prompt", "freeze", "adapter")):
        return "pretrained", f"the method `{method}` needs a pretrained base"
    if facts.number("quantization_bits") is not None:
        return "pretrained", "the base is quantised"
    model = facts.text("model_name")
    if model and find_words(model, PRETRAINED_WORDS):
        return "pretrained", f"the model is `{model}`"
    tool = (facts.text("framework") or "").lower()
    if any(word in tool for word in FINE_TUNING_TOOLS):
        return "pretrained", f"`{tool}` fine-tunes checkpoints"
    name = next((text for text in (run.record.name, *run.record.files[:3]) if find_words(text, TUNING_WORDS)), None)
    return ("unknown", "") if name is None else ("pretrained", f"the name `{name}` says so")


def _start_by_level(run: Measured) -> tuple[Start, str]:
    """A first loss at ln V that falls well below it is a fresh initialisation, when nothing claims otherwise."""
    vocabulary = run.record.facts.number("vocabulary_size")
    ends = _first_and_last(run)
    if vocabulary is None or vocabulary < 2 or ends is None:
        return "unknown", ""
    first, last = ends
    for level, name in ((math.log(vocabulary), "ln"), (math.log2(vocabulary), "log2")):
        if abs(first - level) < UNIFORM_MARGIN and last < first - 1.0:
            start = f"the loss starts at {number(first)}, {name} of {number(vocabulary)} tokens"
            return "scratch", f"{start}, and falls to {number(last)}"
    return "unknown", ""


def _counts_bits(run: Measured) -> bool:
    """Whether a fresh run starts at log2 V instead of ln V: the loss is then in bits."""
    vocabulary = run.record.facts.number("vocabulary_size")
    ends = _first_and_last(run)
    if vocabulary is None or vocabulary < 8 or ends is None:
        return False
    first = ends[0]
    return abs(first - math.log2(vocabulary)) < UNIFORM_MARGIN and first > math.log(vocabulary) + 2 * UNIFORM_MARGIN


def _first_and_last(run: Measured) -> tuple[float, float] | None:
    for series in (run.train_loss, run.eval_loss):
        values = series.finite().value if series is not None else np.empty(0)
        if values.size >= 3:
            return float(values[0]), float(np.median(values[-max(1, values.size // 10) :]))
    return None


def _has_negative_loss(run: Measured) -> bool:
    loss = run.train_loss
    return loss is not None and bool(np.any(loss.value < NEGATIVE_LOSS))


def _class_metric(run: Measured) -> str | None:
    return next((n for n in run.record.series if CLASS_METRICS & set(_parts(n.lower()))), None)


def _parts(column: str) -> list[str]:
    """`eval_f1-score` -> `eval`, `f1`, `score`, and the whole name."""
    for mark in "/-@. ":
        column = column.replace(mark, "_")
    return [column, *column.split("_")]
