"""The log itself says that rows or batches have no target token.

## What it sees
A message that all labels are -100, that a row is ignored in the loss or has no trainable token, or a logged count of
target tokens that is 0. Warnings about a missing response marker or differing token counts have findings of their own.

## Why it matters
Where no token is a target there is nothing to learn. Such a batch has a loss of 0 or 0/0, which is NaN; when all are
like that, the model stays what it was while the run seems to succeed.

## What it does not mean
It is no numeric fault, and no precision or learning rate cures it. Rows that a trainer dropped for this reason before
training do no harm to the rest.

## Example
`Unsloth: All labels in your dataset are -100. Training losses will be all 0.`

## Check it by hand
Count `(labels != -100).sum(-1)` over one batch after collation and decode what is left.

## References
- https://github.com/unslothai/unsloth/issues/2900
- https://github.com/snowflakedb/ArcticTraining/pull/335
- https://github.com/datawhalechina/happy-llm/issues/50
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.findings.library_warnings import FEW, LEARNS, milder, told, untold
from trainclinic.signals.measured import Measured

if TYPE_CHECKING:
    from trainclinic.record.series import Series

KIND = "labels-all-ignored"
COUNTS = r"(?:.*[/_.])?(?:mask_sum|(?:target|label|supervised|valid|trained|trainable|loss|completion)_tokens)"
"""Names of logged columns that count target tokens."""
EVERY_ROW = r"all (?:of the |the |vlm )*labels in your dataset|training losses will be all 0"
DROPPED = r"\bdropp(?:ed|ing)\b|\bskipp(?:ed|ing)\b|\bfilter(?:ed|ing)\b"


def check(run: Measured) -> Verdict:
    """Find messages, and counts of target tokens that are 0."""
    counted = _counted(run)
    empty = None if counted is None else counted.value == 0.0
    if counted is not None and empty is not None and empty.any():
        first = int(np.argmax(empty))
        says = f"`{counted.name}` is 0 in {empty.sum():,} of {count(len(empty), 'row')}"
        shown = Evidence(says, counted.source(first), int(counted.step[first]), counted.name)
        severity = Severity.HARMFUL if empty.all() else None
        return Present((shown, *told(run, KIND, most=1)), severity=severity)
    events = run.record.events_of(KIND)
    others = run.record.events_of("response-template-missing", "token-count-mismatch")
    if events and not (others and all("ignored in loss calculation" in event.says for event in events)):
        evidence = told(run, KIND, most=1)
        if any(re.search(EVERY_ROW, event.says, re.I) for event in events):
            return Present(evidence, means="This is said of the whole data set.", severity=Severity.HARMFUL)
        if all(re.search(DROPPED, event.says, re.I) for event in events):
            return Present(evidence, means="These rows took no part in training.", severity=Severity.NOTE)
        return Present(evidence, settle="target tokens per row, counted", severity=milder(run, KIND))
    if counted is not None:
        low = float(np.nanmin(counted.value))
        return Absent((Evidence(f"`{counted.name}` is at least {low:g} in {count(len(counted), 'row')}"),))
    if others:
        return NotEvaluated(missing="target tokens per row: a warning speaks of masked rows, but does not count them")
    return untold(run, "no message about rows without targets", by=("unsloth", "unsloth-zoo", "axolotl"))


def _counted(run: Measured) -> Series | None:
    """A logged column that counts target tokens."""
    for name in run.record.series:
        series = run.record.get(name)
        if series is not None and re.fullmatch(COUNTS, name, re.I) and np.isfinite(series.value).any():
            return series
    return None


RULE = Rule(
    code="SET724",
    slug="empty-target-warning",
    severity=Severity.WARNING,
    needs=("events: labels-all-ignored", "columns that count target tokens", "train/loss"),
    check=check,
    thresholds=(FEW, LEARNS),
    since="0.2",
)
