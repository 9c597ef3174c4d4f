"""Optimizer steps were skipped because of an overflow.

## What it sees
Log lines that report a skipped step or a gradient overflow, or, in a log of every step, rows with a non-finite gradient
norm at which the learning rate stands still because the scheduler was not advanced either.

## Why it matters
A skipped step costs its batch. A few are the price of float16; when most steps are skipped, hardly anything is learned,
although the step counter runs on.

## What it does not mean
The first 5 to 15 skips of a float16 run are the scaler's search for the largest scale. A skip protects the weights: it
is the opposite of damage. The learning-rate column then lags behind its plan by the number of skips, which is no fault
of the schedule.

## Example
`OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536, reducing to 32768`

## Check it by hand
Count the lines that say `skip` or `overflow`, and divide by the steps of the run.

## References
- https://docs.pytorch.org/docs/stable/amp.html#gradient-scaling
- https://huggingface.co/docs/transformers/deepspeed
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, percent
from trainclinic.signals.measured import Measured

SEARCH = Threshold("skips of the first search", 20, "steps", "from 2^32 (DeepSpeed) down to 2^12 takes 20 halvings")
USUAL = Threshold("share of steps", 0.02, "1", "one probe each 2,000 clean steps is 0.05 %; 2 % is forty times that")
MOST = Threshold("share of steps", 0.5, "1", "when every other step is lost, twice the budget buys the same training")


def check(run: Measured) -> Verdict:
    """Count skips and compare them with the steps of the run."""
    events = run.record.events_of("optimizer-step-skipped", "gradient-overflow")
    skips = sum(event.count for event in events)
    inferred = run.gradients.skipped_rows if run.gradients is not None else 0
    if not skips and not inferred:
        return _nothing(run)
    steps = run.record.last_step if run.record.axis == "step" else None
    if skips:
        evidence = Evidence(f"{count(skips, 'skipped step')} reported: {events[0].says}", events[0].source)
    else:
        says = f"the learning rate stands still at {count(inferred, 'row')} with a non-finite gradient norm"
        evidence = Evidence(says, None, None, "train/learning_rate")
    total = max(skips, inferred)
    if run.record.events_of("loss-scale-floor"):
        return Present((evidence,), means="The loss scale is at its floor, so these are no search: none can succeed.")
    if total <= SEARCH.value and (steps is None or total < MOST.value * steps):
        return Present((evidence,), means="So few are the scaler's normal search.", severity=Severity.NOTE)
    if steps is None:
        return Present((evidence,), settle="the number of steps that the run took", severity=Severity.WARNING)
    share = min(1.0, total / max(steps, 1))
    means = f"That is {percent(share)} of {count(steps, 'step')}."
    severity = Severity.NOTE if share < USUAL.value else Severity.WARNING if share < MOST.value else None
    return Present((evidence,), means=means, severity=severity)


def _nothing(run: Measured) -> Verdict:
    """No report of a skip: absent only where one would have shown."""
    norm = run.record.get("train/grad_norm")
    if norm is None:
        return NotEvaluated(missing="`train/grad_norm`, or the scaler's messages about skipped steps")
    if np.isfinite(norm.value).all():
        return Absent((Evidence(f"{count(len(norm), 'gradient norm')}, all finite, so no logged step overflowed"),))
    return NotEvaluated(missing="the scaler's messages about skipped steps, or rows of every step")


RULE = Rule(
    code="NUM110",
    slug="skipped-optimizer-steps",
    severity=Severity.HARMFUL,
    needs=("events: optimizer-step-skipped, gradient-overflow", "train/grad_norm", "train/learning_rate"),
    check=check,
    thresholds=(SEARCH, USUAL, MOST),
)
