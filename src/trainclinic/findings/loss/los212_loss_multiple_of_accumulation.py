"""The logged training loss is a whole multiple of what it should be.

## What it sees
The training loss is k times the evaluation loss at every evaluation, or k times the loss of another run of the folder
at every common step, or the first loss is k times a normal start of this model, where k is the number of accumulation
steps, of processes, or their product. Where neither number is known,
a steady whole-number ratio of three or more is reported as a note.

## Why it matters
A sum that should have been a mean scales the gradient too. Clipping then acts all the time, and two runs with different
accumulation cannot be compared.

## What it does not mean
It does not mean that the model is bad or that it explodes: divided by k the loss is ordinary. Adam hardly minds the
scale, so the result may be fine.

## Example
Training loss 2.63 and evaluation loss 0.66 at accumulation 4.

## Check it by hand
Run ten steps with accumulation 1 and the same total batch: the logged loss must not change.

## References
- huggingface/transformers#37197 (1 became 8-10), #35438 (doubled at accumulation 2), pull request #34191
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.findings.loss_levels import evidence_at, first_loss_evidence
from trainclinic.signals.measured import Measured

KNOWN = Threshold("distance from a known factor", 0.12, "1", "dropout and the half window between rows cost up to 10 %")
UNKNOWN = Threshold("distance from an unknown whole number", 0.05, "1", "every ratio is near some whole number")
STEADY = Threshold("spread of the ratio", 0.15, "1", "a constant factor does not change while the loss falls")
SMALLEST_UNKNOWN = 3
FEWEST_PAIRS = Threshold(
    "evaluations", 3, "rows", "a ratio must be seen to stay; one suffices for a large known factor"
)
LARGE_FACTOR = 3.0
COMMON_ROWS = Threshold("rows that two runs share", 5, "rows", "a ratio must be seen to stay while the loss moves")


@dataclass(frozen=True, slots=True)
class _Ratio:
    middle: float
    spread: float
    pairs: int


def check(run: Measured) -> Verdict:
    """Compare training with evaluation loss, and the first loss with the model's start."""
    if run.objective.kind == "rl":
        return NotEvaluated(missing="a loss that is a mean over tokens or examples")
    factors = _known_factors(run)
    shown = _by_start(run, factors) or _by_companion(run, factors)
    if shown is not None:
        return shown
    ratio = _train_over_eval(run)
    train = run.loss_rows
    lone = any(factor >= LARGE_FACTOR for factor in factors.values())
    if ratio is None or train is None or (ratio.pairs < FEWEST_PAIRS.value and not lone):
        return NotEvaluated(missing=f"{number(FEWEST_PAIRS.value)} evaluations with training rows before each of them")
    says = (
        f"training loss is {number(ratio.middle, 3)} times the evaluation loss, over {count(ratio.pairs, 'evaluation')}"
    )
    steady = ratio.spread < STEADY.value
    for name, factor in factors.items():
        enough = ratio.pairs >= FEWEST_PAIRS.value or factor >= LARGE_FACTOR
        if steady and enough and abs(ratio.middle / factor - 1.0) < KNOWN.value:
            known = Evidence(f"{name} {number(factor)}: the sum over them is logged instead of the mean")
            means = f"Divided by {number(factor)} the training loss agrees with the evaluation."
            return Present((evidence_at(train, int(train.step[-1]), says), known), means)
    whole = round(ratio.middle)
    unknown = (
        not factors
        and ratio.pairs >= FEWEST_PAIRS.value
        and whole >= SMALLEST_UNKNOWN
        and abs(ratio.middle / whole - 1.0) < UNKNOWN.value
    )
    if steady and unknown:
        means = f"If the run accumulates over {whole} micro-batches or processes, their sum is logged."
        settle = "Look up the accumulation steps and the number of processes"
        return Present((evidence_at(train, int(train.step[-1]), says),), means, settle, severity=Severity.NOTE)
    return Absent((Evidence(says),))


def _known_factors(run: Measured) -> dict[str, float]:
    accumulation = run.record.facts.number("accumulation_steps") or 1.0
    processes = run.record.facts.number("world_size") or 1.0
    named = {"accumulation": accumulation, "processes": processes, "accumulation x processes": accumulation * processes}
    return {name: factor for name, factor in named.items() if factor >= 2.0}


def _by_start(run: Measured, factors: dict[str, float]) -> Present | None:
    initial, baselines = run.initial_loss, run.baselines
    reference = baselines.reference if baselines is not None else None
    if initial is None or reference is None or reference.start is None:
        return None
    low, high = reference.start
    if initial.value <= high + 1.0:
        return None
    for name, factor in factors.items():
        # Above ln V no fault of the targets competes with the factor; below it one explains the level as well.
        beyond = baselines is not None and baselines.uniform is not None and initial.value > baselines.uniform + 0.7
        if beyond and low <= initial.value / factor <= high:
            per = f"{number(initial.value / factor)} each over {name} {number(factor)}, inside the normal start of "
            evidence = first_loss_evidence(run, initial, f"{per}{reference.title}")
            return Present((evidence,), f"Divided by {number(factor)} the first loss is ordinary.")
    return None


def _by_companion(run: Measured, factors: dict[str, float]) -> Present | None:
    """Another run of the folder has the loss divided by a known factor, at every common step."""
    mine = run.loss_rows
    if mine is None:
        return None
    for other in run.companions if factors else ():
        series = other.get("train/loss")
        if series is None or other.axis != run.record.axis:
            continue
        theirs = series.final().finite()
        steps, here, there = np.intersect1d(mine.step, theirs.step, return_indices=True)
        here, there = here[theirs.value[there] > 0], there[theirs.value[there] > 0]
        if len(steps) < COMMON_ROWS.value or len(here) < len(steps):
            continue
        ratios = mine.value[here] / theirs.value[there]
        low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75)).tolist()
        for name, factor in factors.items():
            if abs(middle / factor - 1.0) < UNKNOWN.value and high - low < UNKNOWN.value * middle:
                says = f"loss is {number(middle, 3)} times that of `{other.name}` at {len(here)} common rows"
                evidence = evidence_at(mine, int(mine.step[-1]), says)
                known = Evidence(f"{name} {number(factor)}: the sum over them is logged instead of the mean")
                return Present((evidence, known), f"Divided by {number(factor)} both runs agree.")
    return None


def _train_over_eval(run: Measured) -> _Ratio | None:
    train, held_out = run.loss_rows, run.eval_rows
    if train is None or held_out is None:
        return None
    ratios = []
    previous = -1
    for step, level in zip(held_out.step.tolist(), held_out.value.tolist(), strict=True):
        rows = train.value[(train.step > previous) & (train.step <= step)][-5:]
        previous = step
        if rows.size and level > 0.01:
            ratios.append(float(np.median(rows)) / level)
    if not ratios:
        return None
    values = np.array(ratios[-50:])
    middle = float(np.median(values))
    quartiles = np.quantile(values, (0.25, 0.75))
    return _Ratio(middle, float(quartiles[1] - quartiles[0]) / max(abs(middle), 1e-9), values.size)


RULE = Rule(
    code="LOS212",
    slug="loss-multiple-of-accumulation",
    severity=Severity.WARNING,
    needs=("train/loss", "eval/loss", "accumulation_steps", "world_size"),
    check=check,
    thresholds=(KNOWN, UNKNOWN, STEADY, FEWEST_PAIRS, COMMON_ROWS),
)
