"""The evaluation loss is normal while the training loss is not.

## What it sees
A finite evaluation loss of an ordinary level beside training rows that are non-finite or exactly 0, or whose median
around the evaluations is 1.8 times the evaluation loss or more.

## Why it matters
Both losses come from the same weights. When the evaluation is right, the weights and the forward pass are; what is
wrong is how the training loss is formed or logged: a sum instead of a mean, a hook, a filter, a batch that only
training sees.

## What it does not mean
It does not say that training works: gradients may be scaled by the same factor. A training loss somewhat above the
evaluation is usual with dropout, and in the first steps, when the rows before it are averages of a descent.

## Example
Training rows of 9.7 and `{"eval_loss": 1.953}` at the same step, with accumulation 5.

## Check it by hand
Evaluate the model on training rows, in evaluation mode and with the same loss function.

## References
- https://github.com/huggingface/transformers/issues/35438
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.findings.loss_levels import evidence_at
from trainclinic.signals.measured import Measured

RATIO = Threshold("training over evaluation loss", 1.8, "1", "dropout and a descent inside the window reach 1.4")
USUAL = Threshold("evaluation loss", 6.5, "nats", "word frequencies alone score as much")
ROWS = 3
"""Training rows before each evaluation."""


def check(run: Measured) -> Verdict:
    """Compare the training rows before each evaluation with it."""
    train, held_out = run.train_loss, run.eval_loss
    if train is None or held_out is None or run.objective.kind == "rl":
        return NotEvaluated(missing="`train/loss` and `eval/loss`")
    usable = np.isfinite(held_out.value) & (held_out.value > 0.0)
    if not usable.any():
        return Absent((Evidence("no evaluation loss is finite and above 0", series="eval/loss"),))
    evals = held_out.where(usable)
    pairs = [(row, _before(train.step, int(step))) for row, step in enumerate(evals.step) if step > 0]
    pairs = [(row, rows) for row, rows in pairs if rows.size]
    if not pairs:
        return NotEvaluated(missing="training rows before an evaluation")
    row, rows = pairs[-1]
    level, last = float(evals.value[row]), train.value[rows]
    normal = level < USUAL.value or run.objective.is_language_model is not True
    told = evidence_at(evals, int(evals.step[row]), f"evaluation loss is {number(level)}")
    broken = ~np.isfinite(last) | (last == 0.0)
    if normal and bool(broken.all()) and level > 0.1:
        says = f"training loss is {number(float(last[-1]))} in the {count(int(rows.size), 'row')} before it"
        return Present((told, evidence_at(train, int(train.step[rows[-1]]), says)))
    usual = [train.value[r][np.isfinite(train.value[r])] for _, r in pairs]
    ratios = [
        float(np.median(some)) / float(evals.value[e]) for (e, _), some in zip(pairs, usual, strict=True) if some.size
    ]
    if not ratios:
        return NotEvaluated(missing="finite training rows before an evaluation")
    ratio = float(np.median(ratios))
    says = f"training loss is {number(ratio, 3)} times the evaluation loss, over {count(len(ratios), 'evaluation')}"
    evidence = (told, evidence_at(train, int(train.step[rows[-1]]), says))
    far = min(ratios) >= RATIO.value
    return Present(evidence) if far and normal else Absent(evidence)


def _before(steps: np.ndarray[tuple[int], np.dtype[np.int64]], step: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The last training rows up to an evaluation."""
    return np.flatnonzero(steps <= step)[-ROWS:]


RULE = Rule(
    code="EVA508",
    slug="normal-eval-beside-abnormal-train",
    severity=Severity.NOTE,
    needs=("train/loss", "eval/loss"),
    check=check,
    thresholds=(RATIO, USUAL),
    since="0.2",
)
