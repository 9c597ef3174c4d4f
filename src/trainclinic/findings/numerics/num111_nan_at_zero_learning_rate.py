"""Values are non-finite while the learning rate is still 0, or before any update.

## What it sees
The first non-finite loss or gradient norm belongs to the very first step of the log, or to a row up to which every
logged learning rate is 0; or an evaluation before training is not finite.

## Why it matters
Nothing has changed the weights yet, so neither the learning rate nor the optimizer can be at fault. What is left is the
forward or backward pass itself: an attention kernel, a mask, a precision, the weights as loaded, or the batch.

## What it does not mean
It does not mean that warm-up is too short: lowering the rate cannot help where the rate is 0. When later rows are
finite again, a float16 scaler merely skipped its first steps, which is normal.

## Example
`{"loss": 1.0778, "grad_norm": NaN, "learning_rate": 0.0}` as the first row, logged every step.

## Check it by hand
Run one forward and one backward pass of the first batch on freshly loaded weights, without an optimizer.

## References
- https://github.com/OpenBMB/MiniCPM-V/issues/212
- https://github.com/hiyouga/LlamaFactory/issues/9631
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.signals.broken_rows import updates_survived
from trainclinic.signals.measured import Measured

if TYPE_CHECKING:
    from trainclinic.signals.onset import Onset

NAMES = {"train/loss": "loss", "train/grad_norm": "gradient norm"}


def check(run: Measured) -> Verdict:
    """Place the first non-finite value among the updates."""
    before = _before_training(run)
    if before is not None:
        return Present((before,))
    if run.train_loss is None and run.record.get("train/grad_norm") is None:
        return NotEvaluated(missing="`train/loss` or `train/grad_norm`")
    onset = run.onset
    if onset is None:
        return Absent((Evidence("every logged training value is finite"),))
    says = f"{NAMES[onset.series]} is {number(onset.value)} at step {onset.step}"
    if onset.zero_rate:
        return _present(onset, f"{says}, and every learning rate logged until then is 0")
    if onset.updates == (0, 0):
        return _present(onset, f"{says}, computed before the first update")
    if onset.updates is not None and onset.updates[0] > 0 and not onset.inferred:
        fewest = onset.updates[0]
        after = f"after {count(fewest, 'effective update')} at least"
        told = f"the first non-finite value arose in step {onset.exact_step}, {after}"
        return Absent((Evidence(told, onset.source, onset.step, onset.series),))
    broken, rate = run.broken_rows, run.record.get("train/learning_rate")
    if broken is not None and rate is not None and updates_survived(broken, rate, run.record.axis) > 0:
        says = f"good rows at a learning rate above 0 come before {run.record.axis} {broken.first_step}"
        return Absent((Evidence(says, broken.source, broken.first_step, broken.series),))
    return NotEvaluated(missing="rows of every step around the first non-finite value (`logging_steps=1`)")


def _present(onset: Onset, says: str) -> Present:
    evidence = (Evidence(says, onset.source, onset.step, onset.series),)
    if onset.persists:
        return Present(
            evidence, means="No update had changed the weights: neither the rate nor the optimizer did this."
        )
    return Present(evidence, means="Later rows are finite: the first steps were skipped.", severity=Severity.NOTE)


def _before_training(run: Measured) -> Evidence | None:
    """A non-finite evaluation at step 0."""
    loss = run.eval_loss
    if loss is None or run.record.axis != "step" or loss.step[0] != 0 or np.isfinite(loss.value[0]):
        return None
    return Evidence(f"eval loss is {loss.value[0]:g} at step 0, before training", loss.source(0), 0, "eval/loss")


RULE = Rule(
    code="NUM111",
    slug="nan-at-zero-learning-rate",
    severity=Severity.HARMFUL,
    needs=("train/loss", "train/grad_norm", "train/learning_rate"),
    check=check,
)
