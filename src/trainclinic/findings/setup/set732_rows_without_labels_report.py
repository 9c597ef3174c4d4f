"""A check counted rows without any target.

## What it sees
A count of targets per row that is 0 (`n_labels`, `mask_sum`, `trained 0 of 31`), a count of rows that are ignored as a
whole, a printed list of labels that holds -100 alone, or a logged column of such counts.

## Why it matters
A row without a target teaches nothing, and a batch of such rows has a mean over nothing: 0, or NaN.

## What it does not mean
It does not say why: a marker that was not found, an answer cut off, or a mask at the wrong place look the same here. A
few such rows among many cost little.

## Example
`{"row": 0, "n_tokens": 31, "n_labels": 0}`

## Check it by hand
`(labels != -100).sum(dim=1)` for some batches: no row should give 0.

## References
- https://github.com/huggingface/trl/issues/1191
- https://github.com/datawhalechina/happy-llm/issues/50
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number, percent
from trainclinic.findings.check_reports import told
from trainclinic.signals.measured import Measured

MOST = Threshold("share of rows without a target", 0.5, "1", "below half, the rest of the rows still teaches the task")
_COUNTS = """mask_sum loss_mask_sum n_labels targets n_targets num_target_tokens target_tokens label_tokens
    supervised_tokens valid_labels loss_tokens n_valid_tokens"""
COUNTS = frozenset(_COUNTS.split())


def check(run: Measured) -> Verdict:
    """Look at counts in reports, then at logged columns of counts."""
    empty, filled = run.record.events_of("rows-without-labels"), run.record.events_of("rows-with-labels")
    rows = [sum(e.value or 0.0 for e in events) for events in (empty, filled)]
    if empty:
        share = rows[0] / sum(rows) if sum(rows) else 1.0
        milder = Severity.WARNING if filled and share <= MOST.value else None
        says = f"{count(round(rows[0]), 'row')} without any target ({percent(share)} of those that were checked)"
        return Present((Evidence(says, empty[0].source), *told(empty)), severity=milder)
    for name, series in run.record.series.items():
        if name.rpartition("/")[2].lower() in COUNTS and len(series):
            zero = series.value == 0.0
            says = f"`{name}` is {'0' if zero.any() else number(float(series.value[0]))} in "
            says += f"{count(int(zero.sum()) if zero.any() else len(series), 'logged row')} of {len(series):,}"
            row = int(np.argmax(zero))
            shown = Evidence(says, series.source(row), int(series.step[row]), name)
            if not zero.any():
                return Absent((shown,))
            return Present((shown,), severity=Severity.WARNING if zero.mean() <= MOST.value else None)
    if filled:
        return Absent(told(filled))
    return NotEvaluated(missing="the number of targets (labels other than -100) of some rows")


RULE = Rule(
    code="SET732",
    slug="rows-without-labels-report",
    severity=Severity.HARMFUL,
    needs=("events: rows-without-labels", "events: rows-with-labels"),
    check=check,
    thresholds=(MOST,),
    since="0.2",
)
