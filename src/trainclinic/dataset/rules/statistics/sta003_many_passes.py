"""The run goes over the same rows many times.

## What it sees

The passes over the data that follow from the planned steps, the rows and the rows of a step: more than ten, or more
than five where there are more than 50,000 rows.

## Why it matters

Each further pass adds less and memorises more: up to about four passes are nearly as good as new data, after some
sixteen they add nothing. Steps that were copied from a larger data set are the usual reason.

## What it does not mean

Small sets of a few hundred rows are often trained for ten passes with a low rate and early stopping. The evaluation
loss decides, not the count.

## Example

`max_steps=5000` with 32 rows a step on 4,000 rows: 40 passes.

## Check it by hand

Steps x batch x accumulation x processes / rows.

## References

- Muennighoff et al. 2023, Scaling Data-Constrained Language Models, https://arxiv.org/abs/2305.16264
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.dataset.course import course_of
from trainclinic.dataset.rule import SINCE

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

MANY = Threshold("passes", 10, "passes", "beyond some 16 passes nothing is gained; small sets take up to 10")
MANY_OF_LARGE = Threshold("passes over a large set", 5, "passes", "four are about as good as new data")
LARGE = Threshold("rows of a large set", 50_000, "rows", "expert choice, to be calibrated")


def check(data: Data) -> Verdict:
    """Count the passes of the plan."""
    course = course_of(data)
    if course.epochs is None:
        return NotEvaluated(course.missing or "the steps or epochs of the run (`--steps`, `--epochs`)")
    rows = data.survey.rows
    most = MANY_OF_LARGE if rows > LARGE.value else MANY
    seen = Evidence(f"the plan goes over {count(rows, 'row')} {course.epochs:,.1f} times")
    return Present((seen,)) if course.epochs > most.value else Absent((seen,))


RULE: Rule[Data] = Rule(
    code="STA003",
    slug="many-passes",
    severity=Severity.WARNING,
    needs=("plan", "number of rows"),
    check=check,
    thresholds=(MANY, MANY_OF_LARGE, LARGE),
    since=SINCE,
)
