"""Once a value is non-finite, no good row follows.

## What it sees
From the first non-finite loss (or hidden one, or lasting non-finite gradient norm) to the end of the log every row is
broken, over two rows at least, and the last losses are not finite or hide it. A norm alone does not count.

## Why it matters
That is what ruined weights look like: a NaN in one of them reaches every later loss. Skipping batches or lowering the
learning rate from there on cannot bring the run back, only an earlier checkpoint can.

## What it does not mean
It does not prove that the weights are NaN: a fault of every forward pass (a kernel, a mask, batches without targets)
gives the same rows with intact weights. A log that ends right after the onset shows too little and is not judged.

## Example
`2.31, 2.28, nan, nan, nan` to the end.

## Check it by hand
Count the parameters of the last checkpoint for which `torch.isfinite(p).all()` is false.

## References
- IEEE 754: NaN propagates through every arithmetic operation
- https://github.com/huggingface/peft/issues/1706
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.signals.measured import Measured

AFTER = Threshold(
    "broken rows after the first", 1, "rows", "a single last row may be a hiccup that the next would leave"
)


def check(run: Measured) -> Verdict:
    """Look whether any good row follows the first broken one."""
    if run.train_loss is None and run.record.get("train/grad_norm") is None:
        return NotEvaluated(missing="`train/loss` or `train/grad_norm`")
    broken = run.broken_rows
    if broken is None:
        return Absent((Evidence("no training loss is non-finite, and no gradient norm stays so"),))
    axis, row = run.record.axis, broken.good_after
    if row is not None:
        says = f"{axis} {broken.step[row]} is good again after the bad one at {axis} {broken.first_step}"
        return Absent((Evidence(says, broken.source, broken.first_step, broken.series),))
    alive = run.loss_rows
    if alive is not None and run.train_loss is not None and alive.step[-1] == run.train_loss.step[-1]:
        says = f"only the norm is non-finite: the loss is {number(float(alive.value[-1]))} at {axis} {alive.step[-1]}"
        return Absent((Evidence(says, alive.source(-1), int(alive.step[-1]), "train/loss"),))
    if broken.after < AFTER.value:
        return NotEvaluated(missing="a row after the first non-finite one")
    name = "loss" if broken.series == "train/loss" else "gradient norm"
    says = (
        f"{name} is {number(broken.value)} at {axis} {broken.first_step}, and no row after it is good "
        f"({count(broken.after, 'row')})"
    )
    return Present((Evidence(says, broken.source, broken.first_step, broken.series),))


RULE = Rule(
    code="NUM120",
    slug="persistent-nan",
    severity=Severity.NOTE,
    needs=("train/loss", "train/grad_norm"),
    check=check,
    thresholds=(AFTER,),
    since="0.2",
)
