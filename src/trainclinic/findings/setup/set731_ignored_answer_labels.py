"""A preview of labels shows answers that carry no target.

## What it sees
A line of a preview that belongs to the assistant and whose labels are all ignored (-100, mask 0, `trained 0 of n`).

## Why it matters
What is ignored is not learned. When every answer is ignored the loss is empty; when only some turns are, the model
learns those turns alone, which is milder and sometimes wanted.

## What it does not mean
Ignored labels on a prompt are as they should be. A preview shows a few rows, and other rows may differ.

## Example
`[assistant] The blue one.   (all -100)`

## Check it by hand
Decode the tokens whose label is not -100, for ten rows, and read them: they should be the answers, to the end marker.

## References
- https://github.com/BAAI-DCAI/Bunny/issues/75
- https://github.com/axolotl-ai-cloud/axolotl/pull/3098
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.check_reports import verdict_of
from trainclinic.signals.measured import Measured

MISSING = "a preview of the labels of some rows, by role"


def check(run: Measured) -> Verdict:
    """Look at what a check found."""
    return verdict_of(run, "answers-ignored", "answers-trained", MISSING, milder=Severity.WARNING)


RULE = Rule(
    code="SET731",
    slug="ignored-answer-labels",
    severity=Severity.HARMFUL,
    needs=("events: answers-ignored", "events: answers-trained"),
    check=check,
    since="0.2",
)
