"""A check saw a non-finite loss where the log shows a finite one.

## What it sees
A line which says that a micro-batch loss was NaN or infinite and what the log shows instead, or a logged column of
unfiltered losses (`raw_loss`, `hook_loss`) that is not finite in a row whose loss is.

## Why it matters
The curve was cleaned before it was written. Whatever is concluded from it about stability is unfounded, and the rows in
which it happened are not what they say.

## What it does not mean
It does not mean that training is broken: one such batch among thousands may have been skipped. And the logged value is
no measurement, so its height means nothing.

## Example
`step 40: raw loss nan, logged 0.021`

## Check it by hand
Set `logging_nan_inf_filter=False` and run the same steps.

## References
- transformers `Trainer._maybe_log_save_evaluate`, `logging_nan_inf_filter`
- https://github.com/huggingface/transformers/issues/13758
"""

from __future__ import annotations

import re

import numpy as np

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.findings.check_reports import told
from trainclinic.record.series import Series
from trainclinic.signals.alignment import values_at
from trainclinic.signals.measured import Measured

_UNFILTERED = r"(?:raw|hook|micro|unfiltered|true|actual)\w*[_ /-]loss|loss[_ /-](?:raw|hook|unfiltered|true|actual)"


def check(run: Measured) -> Verdict:
    """Look for a line that says so, then compare columns."""
    events = run.record.events_of("hidden-non-finite-loss")
    if events:
        return Present(told(events))
    loss = run.train_loss
    for name, series in run.record.series.items():
        if loss is not None and len(series) and re.search(_UNFILTERED, name, re.IGNORECASE):
            return _compared(loss, name, series)
    return NotEvaluated(missing="the loss of every micro-batch as a hook sees it, beside the logged one")


def _compared(loss: Series, name: str, series: Series) -> Verdict:
    logged, has = values_at(loss, series.step)
    hidden = has & np.isfinite(logged) & ~np.isfinite(series.value)
    if not hidden.any():
        return Absent((Evidence(f"`{name}` is finite wherever the logged loss is", series.source(0)),))
    row = int(np.argmax(hidden))
    says = f"`{name}` is {number(float(series.value[row]))} where the log shows {number(float(logged[row]))}"
    says += f", in {count(int(hidden.sum()), 'row')}"
    return Present((Evidence(says, series.source(row), int(series.step[row]), name),))


RULE = Rule(
    code="SET737",
    slug="hidden-non-finite-loss",
    severity=Severity.WARNING,
    needs=("events: hidden-non-finite-loss", "train/loss"),
    check=check,
    since="0.2",
)
