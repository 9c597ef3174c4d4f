"""The loss depends on how many micro-batches make up one step.

## What it sees
Two runs of one folder that differ in gradient accumulation (`train.log` and `train_accum1.log`, `bs32_ga1` and
`bs1_ga32`), alike otherwise, whose losses differ: by a whole factor, or by a lasting share.

## Why it matters
The same samples per step give the same loss and the same gradient, in however many parts. A whole factor means that
parts are added and not averaged; a lasting share means that a mean of means weighs short samples too much.

## What it does not mean
If the number of samples per step changed too, curves by step differ for a good reason: compare by samples.

## Example
accumulation 5 starts at 10.6, accumulation 1 at 2.12: five times.

## Check it by hand
Compute the loss of one global batch at accumulation 1 and n. The evaluation loss must not depend on it.

## References
- https://github.com/huggingface/transformers/pull/34191
- https://github.com/huggingface/trl/issues/2175
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.findings.run_pairs import changed_alone, compared
from trainclinic.signals.measured import Measured
from trainclinic.signals.result_pairs import result_pairs

if TYPE_CHECKING:
    from trainclinic.record.source import Source

MISSING = "a second run with the same samples per step and accumulation 1"
APART = Threshold("lasting relative difference", 0.03, "1", "sums of the same losses in another order agree to 1e-5")
WHOLE = Threshold("distance of the ratio from a whole number", 0.05, "1", "the first batches need not be the same ones")

POWER = Threshold(
    "distance of the exponent of accumulation from 1", 0.2, "1", "first batches of other samples differ by a third"
)
_NAME = re.compile(r"grad\w*[ _-]?acc\w*(?:[ _]steps?)?|accum\w*(?:[ _]steps?)?|gas?", re.I)


def check(run: Measured) -> Verdict:
    """Compare runs or results that differ in accumulation, and look for whole factors."""
    if (proportional := _proportional(run)) is not None:
        return proportional
    verdict = compared(run, "accumulation", MISSING, APART.value)
    if not isinstance(verdict, Present):
        return verdict
    ratio = _ratio(run)
    if ratio >= 1.5 and abs(ratio / round(ratio) - 1.0) <= WHOLE.value:
        means = f"The ratio is the whole number {round(ratio)}: parts of a step are added, not averaged."
        return Present(verdict.evidence, means=means)
    return Present(verdict.evidence, severity=Severity.WARNING)


def _proportional(run: Measured) -> Present | None:
    """A table in which the loss is accumulation times a constant, whatever else its rows differ in."""
    points: dict[float, tuple[float, Source]] = {}
    for result in run.record.results:
        cell = next((value for name, value in result.settings if _NAME.fullmatch(name.strip())), "")
        loss = next((value for name, value in result.values if "loss" in name.lower()), math.nan)
        if cell.isdecimal() and float(cell) > 0 and math.isfinite(loss) and loss > 0:
            points.setdefault(float(cell), (loss, result.source))
    if len(points) < 2 or max(points) < 2 * min(points):
        return None
    fewest, most = points[min(points)][0], points[max(points)][0]
    power = math.log(most / fewest) / math.log(max(points) / min(points))
    if abs(power - 1.0) > POWER.value:
        return None
    shown = [
        Evidence(f"accumulation {steps:g}: loss {number(points[steps][0])}", points[steps][1])
        for steps in sorted(points)
    ]
    return Present(
        tuple(shown[:4]), means="The loss is a constant times the accumulation: parts are added, not averaged."
    )


def _ratio(run: Measured) -> float:
    """The larger first loss over the smaller one; 0 where that is not known."""
    for one, other in result_pairs(run.record.results, "accumulation"):
        if one.loss > 0 and other.loss > 0:
            return max(one.loss / other.loss, other.loss / one.loss)
    pairs = changed_alone(run, "accumulation", MISSING)
    ratio = math.nan if isinstance(pairs, NotEvaluated) else pairs[0].first_ratio
    return max(ratio, 1.0 / ratio) if math.isfinite(ratio) and ratio > 0 else 0.0


RULE = Rule(
    code="CMP954",
    slug="loss-differing-with-accumulation",
    severity=Severity.WARNING,
    needs=("train/loss", "another run of the folder", "accumulation_steps"),
    check=check,
    thresholds=(APART, WHOLE, POWER),
    since="0.2",
)
