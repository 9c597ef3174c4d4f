"""The warm-up takes most or all of the training.

## What it sees

The planned warm-up against the optimizer steps of the run, which follow from rows, batch size, accumulation and epochs
where they are not planned themselves.

## Why it matters

The learning rate never reaches its peak, or reaches it when training is nearly over: a run with 500 warm-up steps and
120 steps in all trains at a quarter of the rate that its settings name, and looks as if the data taught nothing.

## What it does not mean

A flat loss has other reasons too. A warm-up over the first tenth is ordinary.

## Example

1,000 rows, batch 8, accumulation 4, 3 epochs: 96 steps, and `warmup_steps=100`.

## Check it by hand

Rows / (batch x accumulation x processes) x epochs, rounded up, is the number of steps.

## References

- https://huggingface.co/docs/transformers/main_classes/trainer#transformers.TrainingArguments
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import percent
from trainclinic.dataset.course import course_of
from trainclinic.dataset.rule import SINCE

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

MOST = Threshold("share of the steps", 0.5, "1", "half of the run below its own learning rate")
ALL = Threshold("share of the steps", 1.0, "1", "the peak is never reached")


def check(data: Data) -> Verdict:
    """Compare the warm-up with all steps."""
    warmup = data.plan.warmup_steps.value
    if warmup is None:
        return NotEvaluated("the steps of warm-up (`--warmup`)")
    course = course_of(data)
    if not course.steps:
        return NotEvaluated(course.missing or "the steps or epochs of the run (`--steps`, `--epochs`)")
    share = warmup / course.steps
    seen = Evidence(f"{warmup:,} of {course.steps:,} steps ({percent(share)}) are warm-up")
    if share <= MOST.value:
        return Absent((seen,))
    return Present((seen,), severity=None if share >= ALL.value else Severity.WARNING)


RULE: Rule[Data] = Rule(
    code="STA002",
    slug="warmup-longer-than-training",
    severity=Severity.HARMFUL,
    needs=("plan", "number of rows"),
    check=check,
    thresholds=(MOST, ALL),
    since=SINCE,
)
