"""The loss is exactly 0 from the first row on.

## What it sees
The first logged training loss is exactly 0, and so are the rows after it (two rows at least, where there are as many).

## Why it matters
No learning has taken place yet, so the zero is no result of training. A loss is 0 from the start when no token is a
target in any batch, when the very first loss was already NaN and is hidden, or when the loss is not computed at all.

## What it does not mean
It is no sign of a perfect model and none of memorisation: both come after training. It does not tell the three readings
apart; the gradient norm does (NaN: hidden; 0: no target). Policy training logs 0 by construction and is not judged
here.

## Example
`{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 6.7e-06}` as the first row, and all rows alike.

## Check it by hand
Count the labels of the first batch that are not -100, and compute its loss outside the trainer.

## References
- https://github.com/BAAI-DCAI/Bunny/issues/75
- https://github.com/huggingface/transformers/issues/14189
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.signals.initial_loss import begins_in_the_middle
from trainclinic.signals.measured import Measured

ROWS = Threshold(
    "rows that are exactly 0", 2, "rows", "a single first zero may be a row that was logged before any loss"
)


def check(run: Measured) -> Verdict:
    """Look at the first rows of the training loss."""
    zeros = run.zero_rows
    if zeros is None:
        return NotEvaluated(missing="`train/loss`")
    loss = zeros.loss
    first = zeros.runs[0] if zeros.runs and zeros.runs[0].first == 0 else None
    if first is None:
        says = f"the first loss is {number(float(loss.value[0]))}"
        return Absent((Evidence(says, loss.source(0), int(loss.step[0]), "train/loss"),))
    if first.reading == "by-construction":
        return NotEvaluated(missing="a loss whose zero means something: in policy training it is 0 by construction")
    if begins_in_the_middle(run, loss):
        return NotEvaluated(missing="the beginning of the run")
    if first.rows < min(ROWS.value, len(loss)):
        says = f"only the first row is 0, the second is {number(float(loss.value[1]))}"
        return Absent((Evidence(says, loss.source(1), int(loss.step[1]), "train/loss"),))
    where = "in every row" if first.rows == len(loss) else f"in the first {count(first.rows, 'row')}"
    says = f"loss is exactly 0 {where}, from {run.record.axis} {loss.step[0]} on"
    return Present((Evidence(says, loss.source(0), int(loss.step[0]), "train/loss"),))


RULE = Rule(
    code="NUM116",
    slug="zero-loss-from-start",
    severity=Severity.NOTE,
    needs=("train/loss",),
    check=check,
    thresholds=(ROWS,),
    since="0.2",
)
