"""The gradient norm shows the same digits in row after row.

## What it sees
The last three or more rows of `train/grad_norm` hold the same finite, non-zero value to the last printed digit (twenty
rows when fewer than three digits are printed).

## Why it matters
A gradient norm never repeats by itself. The value is written by the logger: either it is taken after clipping, and then
says nothing, or it stands for something else. DeepSpeed replaces the norm of a parameter group whose gradients are NaN
by -1, so k groups give the square root of k: 1, 1.414, 1.732 ...

## What it does not mean
It does not mean that training is stable. A value equal to the clipping limit is harmless, but hides how hard clipping
works; it does not show that the limit is too low.

## Example
`{"loss": 0.0, "grad_norm": 1.7320508075688772}` in every row: three parameter groups, all NaN.

## Check it by hand
Log the value that `torch.nn.utils.clip_grad_norm_` returns (before clipping); under DeepSpeed, check the gradients for
NaN before `step()`.

## References
- https://github.com/hiyouga/LlamaFactory/issues/9567
- https://github.com/deepspeedai/DeepSpeed/issues/5347
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.signals.gradients import ALIKE_ROWS, ALIKE_ROWS_COARSE
from trainclinic.signals.measured import Measured

ALIKE = Threshold(
    "equal norms at the end of the log",
    ALIKE_ROWS,
    "rows",
    f"four printed digits agree by chance in two neighbours once in 10^4; {ALIKE_ROWS_COARSE} rows for coarser print",
)


def check(run: Measured) -> Verdict:
    """Look for a norm that repeats to the last digit."""
    found = run.gradients
    if found is None:
        return NotEvaluated(missing="`train/grad_norm`")
    norm = found.norm
    if len(norm) < ALIKE.value:
        return NotEvaluated(missing=f"at least {ALIKE.value} rows of `train/grad_norm`")
    if found.constant is None:
        return Absent((Evidence(f"{count(len(norm), 'gradient norm')}, which vary"),))
    row = found.constant_from
    rows = len(norm) - row
    says = (
        f"gradient norm is {found.constant:.10g} in {rows} of {len(norm)} rows, from step {norm.step[row]} to the end"
    )
    evidence = Evidence(says, norm.source(row), int(norm.step[row]), "train/grad_norm")
    limit = run.record.facts.number("max_grad_norm")
    if run.nan_filter is not None and run.nan_filter.hidden_by in ("sentinel", "gradient"):
        groups = f" = sqrt({found.sentinel}), {found.sentinel} parameter groups" if found.sentinel else ""
        return Present((evidence,), means=f"Beside losses of 0 it is DeepSpeed's stand-in for NaN norms{groups}.")
    if limit is not None and abs(found.constant - limit) <= 1e-3 * limit:
        return Present((evidence,), means="It is the clipping limit: logged after clipping.", severity=Severity.NOTE)
    if found.sentinel == 1:
        means = "1 is the usual clipping limit, logged after clipping, or DeepSpeed's stand-in for one NaN norm."
        return Present((evidence,), means=means, severity=Severity.NOTE)
    return Present((evidence,), means="The logger writes something else than the norm.", severity=Severity.WARNING)


RULE = Rule(
    code="NUM106",
    slug="constant-gradient-norm",
    severity=Severity.HARMFUL,
    needs=("train/grad_norm", "train/loss", "max_grad_norm"),
    check=check,
    thresholds=(ALIKE,),
)
