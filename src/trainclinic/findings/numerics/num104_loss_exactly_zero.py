"""The training loss is logged as exactly 0 in consecutive rows.

## What it sees
Two or more consecutive rows whose loss is exactly 0.0 (one row, when it hides NaN). What the zeros
stand for is read from the columns beside them: the gradient norm, the token accuracy, the rows before.

## Why it matters
A cross-entropy over tokens is never exactly 0. The number is a stand-in: for hidden NaN values, for batches in which no
token is a target, or for a loss that has decayed below the printed digits.

## What it does not mean
It is not convergence, and usually not memorisation either: memorised data give small positive losses with small
positive gradients. Policy training (GRPO and its kin) logs 0 by construction, so such runs are not judged here.

## Example
`{"loss": 0.0, "grad_norm": 0.0}` from the first row on: no token is a target, and the weights are intact.
`{"loss": 0.0, "grad_norm": NaN}`: every loss of the window was NaN.

## Check it by hand
Count the labels that are not -100 in a few batches of the data loader; log with `logging_nan_inf_filter=False`.

## References
- https://github.com/huggingface/trl/issues/3927
- https://github.com/huggingface/trl/pull/6025
- https://github.com/BAAI-DCAI/Bunny/issues/75
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.signals.measured import Measured

if TYPE_CHECKING:
    from trainclinic.signals.zero_rows import Reading, ZeroRows, ZeroRun

CONSECUTIVE = Threshold(
    "consecutive rows that are exactly 0", 2, "rows", "one exact zero among finite losses can be a rounded small value"
)

MEANS: dict[Reading, str] = {
    "hidden-nan": "The gradient norm there is not finite: the zeros hide NaN losses.",
    "abrupt": "A normal loss became exactly 0 at once and stayed so, which is what the filter of NaN losses writes; no "
    "gradient norm is logged to confirm it.",
    "norm-stand-in": "The norm is the same square root of a whole number in every row, DeepSpeed's stand-in for NaN "
    "norms: the zeros hide NaN losses.",
    "targets-truncated": "Token accuracy is exactly 0 while tokens are counted: the inputs arrive, but none of their "
    "tokens is a target.",
    "no-target": "The gradient norm is exactly 0 too: no token is a target, and the weights stay as they are.",
    "rounded": "The rows before are close to 0 already: the loss has decayed below the printed digits.",
    "unknown": "A cross-entropy is never exactly 0; without a gradient norm, NaN and missing targets look alike.",
}
HIDDEN: frozenset[Reading] = frozenset({"hidden-nan", "abrupt", "norm-stand-in"})
LASTING: frozenset[Reading] = HIDDEN | {"targets-truncated", "no-target", "unknown"}


def check(run: Measured) -> Verdict:
    """Look for stretches of exact zeros and read what they stand for."""
    zeros = run.zero_rows
    if zeros is None:
        return NotEvaluated(missing="`train/loss`")
    if not zeros.runs:
        return Absent((Evidence(f"none of {count(len(zeros.loss), 'row')} is exactly 0"),))
    if all(stretch.reading == "by-construction" for stretch in zeros.runs):
        return NotEvaluated(missing="a loss whose zero means something: in policy training it is 0 by construction")
    told = [s for s in zeros.runs if s.rows >= CONSECUTIVE.value or s.reading in HIDDEN]
    if not told:
        return Absent((Evidence(f"only single rows are 0, {len(zeros.runs)} of {len(zeros.loss)}"),))
    worst = max(told, key=lambda s: (s.reading in LASTING, s.to_the_end, s.rows))
    return Present(
        tuple(
            _evidence(zeros, stretch, run.record.axis) for stretch in [worst, *(s for s in told if s is not worst)][:3]
        ),
        means=MEANS.get(worst.reading, ""),
        settle="" if zeros.norm_logged else "`train/grad_norm` and the number of target tokens per batch",
        severity=_severity(run, worst),
    )


def _evidence(zeros: ZeroRows, stretch: ZeroRun, axis: str) -> Evidence:
    first, last = int(zeros.loss.step[stretch.first]), int(zeros.loss.step[stretch.first + stretch.rows - 1])
    where = "from the first row" if stretch.first == 0 else f"from {axis} {first}"
    until = "to the end" if stretch.to_the_end else f"to {axis} {last}"
    says = f"loss is exactly 0 in {count(stretch.rows, 'row')}, {where} {until}"
    return Evidence(says, zeros.loss.source(stretch.first), first, "train/loss")


def _severity(run: Measured, stretch: ZeroRun) -> Severity | None:
    """Harmful when the log ends in it and a token loss cannot have decayed to it."""
    if stretch.reading == "rounded":
        return Severity.NOTE
    return None if stretch.to_the_end and run.objective.is_language_model is not False else Severity.WARNING


RULE = Rule(
    code="NUM104",
    slug="loss-exactly-zero",
    severity=Severity.HARMFUL,
    needs=("train/loss", "train/grad_norm", "train/token_accuracy", "train/tokens"),
    check=check,
    thresholds=(CONSECUTIVE,),
)
