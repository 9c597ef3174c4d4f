"""The loss differs between two releases of a library.

## What it sees
Two runs of one folder whose names carry different versions (`train_4.45.log`, `train_4.46.log`; before and after an
upgrade), alike otherwise, whose losses differ.

## Why it matters
A release may change how the loss is averaged, which defaults hold, or whether a model computes what it should. The
difference says where to look: in the list of changes, not in the data.

## What it does not mean
A loss that is reported differently is not a worse model: compare the evaluation losses before going back.

## Example
`train_v4.45.log` starts at 2.1, `train_v4.46.log` at 8.4.

## Check it by hand
Run ten steps under both releases with one seed, and compare the loss of step 1 and the evaluation loss.

## References
- https://github.com/huggingface/transformers/pull/34191
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.run_pairs import ALIKE, APART, FIRST_APART, LARGE, compared
from trainclinic.signals.measured import Measured

MISSING = "a second run with the same data and seed under the release that worked"


def check(run: Measured) -> Verdict:
    """Compare runs whose names give different versions."""
    return compared(run, "release", MISSING)


RULE = Rule(
    code="CMP960",
    slug="loss-differing-between-releases",
    severity=Severity.WARNING,
    needs=("train/loss", "another run of the folder"),
    check=check,
    thresholds=(APART, FIRST_APART, ALIKE, LARGE),
    since="0.2",
)
