"""Single rows of the gradient norm stand far above their neighbourhood.

## What it sees
Rows whose ln(grad_norm) lies many robust standard deviations above the rows before it, and whose norm is a multiple of
what they predict.

## Why it matters
One batch pulled much harder than the others. With clipping its direction still took a whole step; without clipping it
took a step of that size. Together with a loss spike at the same step it names the batch as the trigger.

## What it does not mean
It is not an explosion by itself, and the learning rate need not be too high: rare long or odd samples do this in
healthy runs. A Hugging Face row shows only the last step of its window, so an absent outlier does not clear the other
steps.

## Example
Norms of 0.4 to 0.6, one row of 38.2, then 0.5 again.

## Check it by hand
Decode the batch of that step (see the data position in the report) and look for rows that are long, empty or garbled.

## References
- https://arxiv.org/abs/2504.02507 (ZClip)
- https://github.com/allenai/OLMo-core (`SkipStepOptimizer`)
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.measured import Measured

RATIO = Threshold("norm over its neighbourhood", 5.0, "1", "heavy tails of healthy runs reach 2-4 times the median")


def check(run: Measured) -> Verdict:
    """Look for excursions of the norm."""
    found = run.gradient_outliers
    if found is None:
        return NotEvaluated(missing="at least 20 finite rows of `train/grad_norm`")
    far = sorted((e for e in found if e.rise >= RATIO.value), key=lambda e: -e.rise)
    if not far:
        return Absent((Evidence(f"no norm is {number(RATIO.value)} times its neighbourhood"),))
    shown = tuple(
        Evidence(
            f"gradient norm is {number(e.value)} at step {e.step}, {number(e.rise, 3)} times its neighbourhood",
            run.gradients.norm.source(run.gradients.norm.row_at(e.step) or 0) if run.gradients is not None else None,
            e.step,
            "train/grad_norm",
        )
        for e in far[:3]
    )
    return Present(shown, means=f"{len(far)} such rows in the log." if len(far) > len(shown) else "")


RULE = Rule(
    code="NUM108",
    slug="gradient-norm-outlier",
    severity=Severity.NOTE,
    needs=("train/grad_norm",),
    check=check,
    thresholds=(RATIO,),
)
