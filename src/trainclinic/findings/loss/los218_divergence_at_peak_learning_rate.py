"""The loss rises, or stops being finite, while the learning rate is near its peak.

## What it sees
A rise that is reported as spike or divergence, or the first lasting non-finite value, begins at a learning rate of 80 %
of the peak or more. The peak is the highest logged rate, or the configured one where the log ends before it. Absent
when the rise begins below a third of the peak: at the foot of a warm-up, or after deep decay.

## Why it matters
A rate that is too high does its harm where it is highest: at the end of the warm-up and soon after it. A rise at a
tenth of a rate that went well before is not the rate's doing.

## What it does not mean
It is no proof: with a constant rate every event lies at the peak, and much of a cosine does too. It is one of several
signs, and a restart from the checkpoint before it at half the rate decides.

## Example
Peak 2e-4; the loss leaves 1.00 at 1.76e-4 and stays at 6.6.

## Check it by hand
Restart from the last good checkpoint twice: with the same rate, and with half of it.

## References
- https://github.com/haotian-liu/LLaVA/issues/918
- https://github.com/EleutherAI/gpt-neox/issues/947 (the opposite: a rise at a rate of 2.4e-9)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.findings.rises import Rise, rises_of
from trainclinic.signals.measured import Measured

if TYPE_CHECKING:
    from trainclinic.record.series import Series

NEAR = Threshold("rate over the peak", 0.8, "1", "rises follow the top of a cosine within its first third")
LATE = Threshold("good rows before a lasting NaN", 5, "rows", "what breaks at once does so at any rate")
FAR = Threshold("rate over the peak", 0.33, "1", "a rate that went well at three times its value is not too high")


def check(run: Measured) -> Verdict:
    """Look up the learning rate where the first rise begins."""
    rate = run.record.get("train/learning_rate")
    rows = rate.final().finite() if rate is not None else None
    if rows is None or not len(rows) or float(rows.value.max()) <= 0.0:
        return NotEvaluated(missing="`train/learning_rate`")
    rises = [*rises_of(run), *_breakdown(run)]
    if not rises:
        return NotEvaluated(missing="a spike, a divergence or a lasting NaN to place")
    rise = min(rises, key=lambda item: item.step)
    peak = max(float(rows.value.max()), run.record.facts.number("learning_rate") or 0.0)
    near = float(np.interp(rise.step, rows.step, rows.value))
    low, high = _around(rows, rise.step)
    share = f"the learning rate is {number(near)} there, {percent(near / peak)} of its peak"
    evidence = (
        Evidence(f"{rise.says}, at {run.record.axis} {rise.step}", rise.source, rise.step, rise.series),
        Evidence(share, None, rise.step, "train/learning_rate"),
    )
    if high >= NEAR.value * peak:
        return Present(evidence)
    if max(low, high) <= FAR.value * peak:
        return Absent(evidence)
    return NotEvaluated(missing=f"a rise near the peak or far below it; this one begins at {percent(near / peak)}")


def _breakdown(run: Measured) -> list[Rise]:
    """The first lasting non-finite value as a rise, when enough good rows come before it."""
    broken = run.broken_rows
    if broken is None or broken.good_after is not None or broken.first < LATE.value:
        return []
    name = "loss" if broken.series == "train/loss" else "gradient norm"
    says = f"{name} is {number(broken.value)} and never good again"
    return [Rise(broken.first_step, says, broken.source, broken.series)]


def _around(rows: Series, step: int) -> tuple[float, float]:
    """Lowest and highest rate from the row before `step` to that of `step`."""
    last = int(np.searchsorted(rows.step, step).clip(0, len(rows) - 1))
    inside = rows.value[max(0, last - 1) : last + 1]
    return float(inside.min()), float(inside.max())


RULE = Rule(
    code="LOS218",
    slug="divergence-at-peak-learning-rate",
    severity=Severity.NOTE,
    needs=("train/loss", "train/learning_rate"),
    check=check,
    thresholds=(NEAR, FAR, LATE),
    since="0.2",
)
