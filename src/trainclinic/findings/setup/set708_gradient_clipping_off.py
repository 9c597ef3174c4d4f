"""Gradient clipping is switched off.

## What it sees
`max_grad_norm` (or the setting of the same meaning) is 0 or less.

## Why it matters
Clipping bounds what one odd batch can do. Without it, a single outlier or a non-finite gradient is applied in full, and
the weights may not come back.

## What it does not mean
Many good runs never clip; by itself this is a note. It becomes a warning when the log shows a loss spike, an outlier of
the gradient norm or a non-finite value. Clipping cannot repair NaN gradients: it passes them on.

## Example
`max_grad_norm: 0.0`

## Check it by hand
Print the value that `torch.nn.utils.clip_grad_norm_` returns for 100 steps: how often is it above 1?

## References
- https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
- https://github.com/openvla/openvla/pull/334
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Look at the configured limit and at what clipping would have bounded."""
    limit = run.record.facts.get("max_grad_norm")
    if limit is None:
        return NotEvaluated(missing="the clipping limit (`max_grad_norm`)")
    value = float(limit.value)
    told = Evidence(f"`max_grad_norm` is {number(value)}", limit.source)
    if value > 0:
        clipped = run.gradients.clipped if run.gradients is not None else None
        share = () if clipped is None else (Evidence(f"{percent(clipped)} of the logged norms are above it"),)
        return Absent((told, *share))
    seen = _what_it_would_bound(run)
    if seen:
        return Present((told, seen))
    return Present((told,), means="Nothing in the log would have needed it.", severity=Severity.NOTE)


def _what_it_would_bound(run: Measured) -> Evidence | None:
    if run.onset is not None:
        return Evidence(f"a non-finite value appears at step {run.onset.step}", run.onset.source, run.onset.step)
    outliers = run.gradient_outliers or ()
    if outliers:
        worst = max(outliers, key=lambda e: e.rise)
        says = f"gradient norm is {number(worst.value)} at step {worst.step}, {number(worst.rise, 3)} times the usual"
        return Evidence(says, None, worst.step, "train/grad_norm")
    spikes = run.spikes.found if run.spikes is not None else ()
    if spikes:
        step = spikes[0].at.step
        return Evidence(f"the loss spikes at step {step}", None, step, spikes[0].series)
    return None


RULE = Rule(
    code="SET708",
    slug="gradient-clipping-off",
    severity=Severity.WARNING,
    needs=("max_grad_norm", "train/loss", "train/grad_norm"),
    check=check,
)
