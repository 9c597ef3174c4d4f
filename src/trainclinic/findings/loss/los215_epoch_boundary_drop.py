"""The training loss steps down where a pass over the data ends.

## What it sees
At three epoch boundaries or more, or at half of them (at a single one beyond doubt), the loss of the first rows after
the boundary lies below that of the last rows before it: by three standard errors, by 5 %, and by more than the whole
pass before gained.

## Why it matters
The model recognises rows that it has seen once. From there on the training loss measures memory, and says little about
new text.

## What it does not mean
It is neither a bug of the scheduler nor of the shuffling, and not harmful by itself: large models fine-tuned for two
passes or more at learning rates from 1e-4 on do this regularly.

## Example
1.08 through the first pass, 0.72 through the second, 0.40 through the third.

## Check it by hand
Plot the evaluation loss over the same boundaries: flat or rising there means that only the training rows were learned.

## References
- fast.ai, "Can LLMs learn from a single example?" (2023)
- johnowhitaker/llmemo: the same staircase, reproduced
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number, percent
from trainclinic.findings.loss_levels import evidence_at
from trainclinic.signals.measured import Measured
from trainclinic.signals.staircase import LONE_SE, SIGNIFICANT_SE, SMALLEST_SHARE

STANDARD_ERRORS = Threshold("drop over its error", SIGNIFICANT_SE, "1", "two boundaries must agree on it")
LONE = Threshold("the same for a single boundary", LONE_SE, "1", "nothing else confirms it")
LEVEL_SHARE = Threshold("drop over the level", SMALLEST_SHARE, "1", "ordinary descent gains less across a few rows")
MOST_SHOWN = 4


def check(run: Measured) -> Verdict:
    """Look at both sides of every epoch boundary."""
    stairs = run.staircase
    loss = run.loss_rows
    if stairs is None or loss is None:
        return NotEvaluated(missing="the `epoch` column over two passes, with at least ten rows in each")
    if not stairs.drops:
        return Absent((Evidence(f"no step at {count(len(stairs.boundaries), 'epoch boundary').replace('ys', 'ies')}"),))
    evidence = []
    for drop in stairs.drops[:MOST_SHOWN]:
        change = f"falls from {number(drop.before)} to {number(drop.after)} ({percent(drop.drop / drop.before)})"
        says = f"loss {change} where pass {drop.epoch} begins, at {run.record.axis} {drop.step}"
        evidence.append(evidence_at(loss, drop.step, says))
    more = len(stairs.drops) - MOST_SHOWN
    if more > 0:
        evidence.append(Evidence(f"and {count(more, 'more drop')}"))
    return Present(tuple(evidence), "Rows are recognised when they come again, so the training loss measures memory.")


RULE = Rule(
    code="LOS215",
    slug="epoch-boundary-drop",
    severity=Severity.NOTE,
    needs=("train/loss", "train/epoch"),
    check=check,
    thresholds=(STANDARD_ERRORS, LONE, LEVEL_SHARE),
)
