"""The logged loss is exactly 0 because every value in the window was non-finite.

## What it sees
Rows whose loss is exactly 0.0 while the gradient norm is NaN or inf, or is the square root of a small whole number in
every row (DeepSpeed's stand-in for NaN norms), or, where no norm was logged by a Hugging Face Trainer, an abrupt and
lasting zero right after a normal loss.

## Why it matters
The Trainer drops non-finite losses from the logged mean (`logging_nan_inf_filter`, on by default), so a window with
nothing left logs 0.0. If this lasts to the end, the weights are most probably NaN and every later checkpoint is lost.

## What it does not mean
It does not mean that the model has converged, memorised the data or learned to output nothing; empty generations fit
NaN logits just as well (the arg-max of NaN is token 0, which decoding strips). Nor does it say why values are NaN.

## Example
`{"step": 20, "loss": 0.0, "grad_norm": NaN}` in every row after the first.

## Check it by hand
Count the non-finite parameters of the last checkpoint: `sum((~torch.isfinite(p)).sum() for p in model.parameters())`.
Log again with `logging_nan_inf_filter=False`.

## References
- https://github.com/huggingface/transformers/issues/13758
- https://github.com/hiyouga/LlamaFactory/issues/9567 (a constant norm of sqrt(3) beside zeros)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.signals.measured import Measured

if TYPE_CHECKING:
    from trainclinic.signals.nan_filter import Certainty, FilteredWindow, NanFilter

HOW: dict[Certainty, str] = {
    "gradient": "with a gradient norm that is not finite",
    "sentinel": "with a gradient norm that is the same square root of a whole number in every row, which DeepSpeed "
    "writes for NaN norms",
    "pattern": "to the end of the log, right after a normal loss; no gradient norm is logged",
}


def check(run: Measured) -> Verdict:
    """Look for zeros that stand for NaN."""
    found, zeros = run.nan_filter, run.zero_rows
    if found is None or zeros is None:
        return NotEvaluated(missing="`train/loss`")
    if found.hidden_by is not None:
        return _present(found, found.hidden_by, run.record.axis)
    if found.ruled_out:
        return Absent((Evidence(found.ruled_out),))
    open_runs = [stretch for stretch in zeros.runs if stretch.reading == "unknown" and stretch.rows > 1]
    if open_runs and not zeros.norm_logged:
        return NotEvaluated(missing="`train/grad_norm` in the rows whose loss is exactly 0")
    told = "zeros are logged with a finite gradient norm" if zeros.runs else "no loss is exactly 0"
    return Absent((Evidence(told),))


def _present(found: NanFilter, how: Certainty, axis: str) -> Present:
    first = found.loss.row_at(int(found.hidden[0])) or 0
    step = int(found.hidden[0])
    rows = count(int(found.hidden.size), "row")
    until = f" to {int(found.hidden[-1])}" if found.hidden.size > 1 else ""
    says = f"loss is exactly 0 in {rows} from {axis} {step}{until}, {HOW[how]}"
    evidence = [Evidence(says, found.loss.source(first), step, "train/loss")]
    evidence += [_dip(found, window) for window in found.windows if window.kind == "dip"]
    giant = any(window.kind == "giant" for window in found.windows)
    certain = found.to_the_end and (how != "pattern" or giant or found.hidden.size > 1)
    lasting = "and that stayed so to the end" if found.to_the_end else "but finite losses came back later"
    return Present(
        tuple(evidence),
        means=f"The filter of non-finite losses wrote these zeros: no micro-batch there had a finite loss, {lasting}. "
        "The loss did not fall to 0.",
        settle="a count of non-finite parameters in the last checkpoint" if found.to_the_end else "",
        severity=None if certain else Severity.WARNING,
    )


def _dip(found: NanFilter, window: FilteredWindow) -> Evidence:
    means = np.array([solution.mean_loss for solution in window.solutions])
    says = (
        f"loss {number(window.logged)} at step {window.step} is a part of the truth too: with accumulation "
        f"{window.solutions[0].accumulation} its finite steps had a mean loss of "
        f"{number(float(means.min()))} to {number(float(means.max()))}"
    )
    return Evidence(says, found.loss.source(window.row), window.step, "train/loss")


RULE = Rule(
    code="ART602",
    slug="nan-hidden-as-zero",
    severity=Severity.HARMFUL,
    needs=("train/loss", "train/grad_norm"),
    check=check,
)
