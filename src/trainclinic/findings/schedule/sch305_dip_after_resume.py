"""The loss dips below the earlier curve after a resume.

## What it sees
Training losses after a resume that lie below those of the earlier pass at the same steps: the median difference over at
least five common rows is more than three standard errors and more than 1 % of the level. Without common steps: ten rows
after a resume that all lie below the ten before it, by twice as much, when the loss comes back to its level later.

## Why it matters
Weights restored from a checkpoint cannot be better than they were. A loss that is lower at once comes from easier or
already seen samples: the data loader did not go on where it had stopped, so some samples count twice and others never.

## What it does not mean
It is no improvement by the resume, and no sign that a smaller learning rate would help. A dip of the size of the noise,
or one after hundreds of steps, says nothing about the resume.

## Example
`earlier pass 1.398 1.421 1.388 1.402, after the resume 1.361 1.440 1.352 1.371`

## Check it by hand
Log the row ids of the first batch after a resume, and look for them in the batches before it.

## References
- https://github.com/huggingface/accelerate/issues/4071
- `transformers.TrainingArguments.ignore_data_skip`
"""

from __future__ import annotations

import math

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.signals.measured import Measured
from trainclinic.signals.resume import COMPARED_ROWS, ResumePoint

FEWEST = Threshold("common rows", 5, "rows", "a median of fewer is one lucky batch")
ERRORS = Threshold("standard errors", 3.0, "1", "one chance dip in several hundred resumes")
AROUND = 10
"""Rows on each side of a resume without common steps."""
LEVEL = Threshold("dip over the level", 0.01, "1", "non-deterministic kernels move a mean of several rows by less")


def check(run: Measured) -> Verdict:
    """Compare both passes over the steps that a resume repeats."""
    history = run.resume
    if history is None or history.series != "train/loss":
        return NotEvaluated(missing="`train/loss`")
    points = [point for point in history.points if point.how == "overlap" and not point.is_copy]
    compared = [point for point in points if point.overlapping_rows >= FEWEST.value]
    if not compared:
        passing = [found for point in history.points if (found := _passing_dip(run, point)) is not None]
        if passing:
            return Present(tuple(passing[:5]), severity=Severity.WARNING)
        if not history.points and not history.start_step:
            return Absent((Evidence("the log shows no resume", None, None, "train/loss"),))
        return NotEvaluated(missing="rows of both passes over the steps that the resume repeats")
    dips = [point for point in compared if _is_dip(point)]
    if not dips:
        worst = min(point.settled_difference or 0.0 for point in compared)
        says = (
            f"the lowest median difference to the earlier pass is {number(worst)} over {count(len(compared), 'resume')}"
        )
        return Absent((Evidence(says, None, compared[0].step, "train/loss"),))
    series = run.record.series["train/loss"]
    return Present(tuple(Evidence(_says(p), series.source(p.row), p.step, "train/loss") for p in dips[:5]))


def _passing_dip(run: Measured, point: ResumePoint) -> Evidence | None:
    """A lower level right after a resume without overlap, when the loss climbs back to where it was."""
    series = run.record.series["train/loss"]
    if point.how == "restart":
        return None
    before = series.value[max(0, point.row - AROUND) : point.row]
    after = series.value[point.row : point.row + AROUND]
    later = series.value[point.row + AROUND : point.row + 5 * AROUND]
    if min(before.size, after.size, later.size) < AROUND or not all(map(np.isfinite, (*before, *after, *later))):
        return None
    level, low, back = (float(np.median(part)) for part in (before, after, later[-AROUND:]))
    error = 1.25 * math.sqrt(2.0 / AROUND) * float(np.median(np.abs(np.diff(before)))) / 0.95
    deep = level - low > max(2 * ERRORS.value * error, 2 * LEVEL.value * abs(level))
    if not (deep and float(after.max()) < float(before.min()) and back > level - 0.3 * (level - low)):
        return None
    says = f"loss lies at {number(low)} after the resume, {number(level)} before it, and comes back to {number(back)}"
    return Evidence(says, series.source(point.row), point.step, "train/loss")


def _is_dip(point: ResumePoint) -> bool:
    rows = min(point.overlapping_rows, COMPARED_ROWS)
    # the error of a median of differences of two noisy rows
    error = 1.25 * math.sqrt(2.0) * point.noise / math.sqrt(rows)
    limit = max(ERRORS.value * error, LEVEL.value * abs(point.before))
    return point.settled_difference is not None and point.settled_difference < -limit


def _says(point: ResumePoint) -> str:
    rows = min(point.overlapping_rows, COMPARED_ROWS)
    return (
        f"loss is {number(-(point.settled_difference or 0.0))} below the earlier pass over the first "
        f"{count(rows, 'common row')} from step {point.step} on"
    )


RULE = Rule(
    code="SCH305",
    slug="dip-after-resume",
    severity=Severity.WARNING,
    needs=("train/loss",),
    check=check,
    thresholds=(FEWEST, ERRORS, LEVEL),
)
