"""The evaluation loss is logged as NaN or infinite.

## What it sees
At least one `eval/loss` row whose value is NaN, inf or -inf, and whether the training loss was finite around it.

## Why it matters
Choosing the best checkpoint, early stopping and every statement about generalisation rest on this number. With NaN in
its place, `load_best_model_at_end` keeps an arbitrary checkpoint.

## What it does not mean
It does not mean that training failed. With a finite training loss the weights are usually intact: the evaluation runs
in another precision, or one evaluation batch has no target token and its mean is 0/0. A finite evaluation loss proves
little in return: recent versions of transformers drop non-finite evaluation rows when any finite one exists.

## Example
`{"step": 500, "eval_loss": NaN}` beside `{"step": 500, "loss": 5.16}`

## Check it by hand
Evaluate one batch at a time in float32 and print the loss and the number of labels that are not -100 for each; a batch
with 0 such labels, or one that is finite only in float32, is the answer.

## References
- transformers, `Trainer.evaluation_loop`: the mean over rows is NaN if one row is
- PyTorch, `cross_entropy` with `ignore_index`: a batch without targets gives NaN under mean reduction
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Look for evaluation losses that are not finite."""
    loss = run.record.get("eval/loss")
    if loss is None:
        return NotEvaluated(missing="`eval/loss`")
    rows = np.flatnonzero(~np.isfinite(loss.value))
    if not rows.size:
        return Absent((Evidence(f"all of {count(len(loss), 'evaluation')} are finite", series="eval/loss"),))
    first = int(rows[0])
    step = int(loss.step[first])
    share = f"non-finite in {rows.size} of {count(len(loss), 'evaluation')}"
    says = f"evaluation loss is {loss.value[first]:g} at step {step:,}, {share}"
    evidence = [Evidence(says, loss.source(first), step, "eval/loss")]
    train = run.loss_rows
    at = None if train is None else int(np.searchsorted(train.step, step).clip(0, len(train) - 1))
    if train is None or at is None or train.step[-1] < step:
        means = "No finite training loss is logged there, so the weights themselves may be non-finite."
    else:
        near = int(train.step[at])
        says = f"training loss is {number(float(train.value[at]))} at step {near:,}"
        evidence.append(Evidence(says, train.source(at), near, "train/loss"))
        means = "The training loss is finite at the same time, so it is the evaluation that fails, not the training."
    return Present(
        tuple(evidence),
        means=means,
        settle="evaluate the last checkpoint batch by batch in float32, counting labels that are not -100",
        severity=None if rows.size == len(loss) else Severity.WARNING,
    )


RULE = Rule(
    code="EVA501",
    slug="nan-eval-loss",
    severity=Severity.HARMFUL,
    needs=("eval/loss", "train/loss"),
    check=check,
)
