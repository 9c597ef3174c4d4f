"""The loss differs between packed and unpacked training.

## What it sees
Two runs of one folder, or rows of one table of results, of which one packs several samples into a sequence and the
other does not, whose losses differ.

## Why it matters
A packed sequence should give each sample the loss that it has alone. If samples see their neighbours, the model
learns from what it will not have later, and positions run on where they should begin anew.

## What it does not mean
Packing changes the number of samples per step, so that curves by step differ a little although every sample is right.

## Example
`packed,0.81` beside `unpacked,0.70`.

## Check it by hand
Add the losses of two samples alone and compare with the loss of both in one sequence.

## References
- https://github.com/huggingface/trl/issues/3910
- https://github.com/MeetKai/functionary/issues/265
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.run_pairs import compared
from trainclinic.signals.measured import Measured

MISSING = "a second run without packing"
APART = Threshold("relative difference of the loss", 0.03, "1", "runs of one seed and one data set end closer together")


def check(run: Measured) -> Verdict:
    """Compare rows of a table of results, then runs of the folder."""
    return compared(run, "packing", MISSING, APART.value)


RULE = Rule(
    code="CMP953",
    slug="loss-differing-with-packing",
    severity=Severity.WARNING,
    needs=("train/loss", "another run of the folder", "results"),
    check=check,
    thresholds=(APART,),
    since="0.2",
)
