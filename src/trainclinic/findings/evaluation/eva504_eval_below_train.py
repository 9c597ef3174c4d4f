"""The evaluation loss lies below the training loss beyond its noise.

## What it sees
The difference of the two losses at every evaluation after step 0, with its error; the training loss is read at the step
of the evaluation, because a logged mean belongs half a window earlier.

## Why it matters
New data should not be easier than training data. Where dropout, label smoothing and augmentation are off, the
evaluation set is easier, overlaps with the training set, or one of the two losses is scaled (summed over accumulation
steps, for example). Numbers from such an evaluation promise too much.

## What it does not mean
By itself it is harmless: dropout and label smoothing raise the training loss and are off during evaluation, and a
training loss that is averaged over an epoch includes the start of the epoch. It is no proof of leakage.

## Example
Training 0.86 and evaluation 0.209 at the end, with a ratio of 2.4 to 4.2 at all of 20 evaluations.

## Check it by hand
Evaluate the last checkpoint on training rows in evaluation mode. If the loss equals the evaluation loss, dropout or the
averaging explains it; if it equals the logged training loss, the evaluation set is easier or leaked.

## References
- Srivastava et al. 2014, Dropout: noise is added in training only
- Lee et al. 2022, Deduplicating Training Data Makes Language Models Better: evaluation rows found in training sets
"""

from __future__ import annotations

import math

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.signals.generalisation import Generalisation
from trainclinic.signals.measured import Measured

MIN_ROWS = 2
UNIT_SLACK = 0.06
"""Overfitting and sampling move the ratio of two equal losses by a few percent."""

ERRORS = Threshold("gap", 3.0, "standard errors", "beyond noise at a single evaluation (SIGNALS 5)")
SHARE = Threshold(
    "gap", 0.05, "share of the training loss", "dropout 0.1 raises the training loss by 1 to 4 % in language models"
)
MOST = Threshold("evaluations below", 2 / 3, "share", "the averaged training loss may lag at the start")  # fmt: skip


def check(run: Measured) -> Verdict:
    """Count evaluations that lie clearly below the training loss."""
    found = run.generalisation
    if found is None:
        return NotEvaluated("`eval/loss`")
    rows = np.flatnonzero(np.isfinite(found.gap) & (found.step > 0))
    if rows.size < MIN_ROWS:
        return NotEvaluated("two evaluations with `train/loss` near their steps")
    limit = np.maximum(ERRORS.value * found.gap_error[rows], SHARE.value * np.abs(found.train[rows]))
    below = rows[found.gap[rows] < -limit]
    last = int(rows[-1])
    if below.size < MOST.value * rows.size or last not in below:
        return Absent((_at(run, found, last, f"{below.size} of {rows.size} evaluations are below beyond noise"),))
    says = f"evaluation loss is below training loss at {below.size} of {rows.size} evaluations, beyond noise"
    with np.errstate(divide="ignore", over="ignore"):  # an evaluation loss of about 0 is infinitely smaller
        ratio = float(np.median(found.train[below] / found.evaluation[below]))
    times = f"{number(ratio, 3)} times the evaluation loss (median)" if np.isfinite(ratio) else "finite, the other is 0"
    return Present(
        (_at(run, found, last, says),),
        means=f"{_explained(run, ratio)} The training loss is {times}.",
        settle="the loss of the last checkpoint on training rows in evaluation mode",
    )


def _at(run: Measured, found: Generalisation, row: int, says: str) -> Evidence:
    gap, train = float(found.gap[row]), float(found.train[row])
    step = int(found.step[row])
    source = run.eval_rows.source_at(step) if run.eval_rows is not None else None
    share = f" ({percent(gap / train)})" if train > 0 else ""
    return Evidence(f"{says}; the gap is {number(gap, 3)}{share} at step {step:,}", source, step, "eval/loss")


def _explained(run: Measured, ratio: float) -> str:
    if abs(ratio * math.log(2) - 1) < UNIT_SLACK:
        return "The ratio is 1 / ln 2: the training loss is in bits and the evaluation loss in nats."
    dropout = run.record.facts.number("lora_dropout")
    if dropout:
        return f"LoRA dropout {number(dropout)} raises the training loss and is off in evaluation."
    if dropout == 0:
        return "LoRA dropout is 0, so dropout of the adapters does not explain it."
    return "Dropout, label smoothing or augmentation would explain a small gap."


RULE = Rule(
    code="EVA504",
    slug="eval-below-train",
    severity=Severity.NOTE,
    needs=("eval/loss", "train/loss"),
    check=check,
    thresholds=(ERRORS, SHARE, MOST),
)
