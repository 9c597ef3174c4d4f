"""Mixed precision was asked for and is switched off.

## What it sees
A warning of torch which says that autocast or the gradient scaler is disabled, because it was made for CUDA and there
is none, or because the device does not know the format.

## Why it matters
The run goes on in another format than the one that was asked for: slower, with more memory, and, where weights are
float16 all the same, without the scaler that keeps their gradients alive.

## What it does not mean
Training in float32 is sound: the loss may be as good as it would have been.

## Example
`GradScaler is enabled, but CUDA is not available.  Disabling.`

## Check it by hand
Print the dtype of an activation inside the autocast block, and `scaler.is_enabled()`.

## References
- https://github.com/jingyaogong/minimind/pull/852
- https://docs.pytorch.org/docs/stable/amp.html
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Present, Severity, Verdict
from trainclinic.findings.library_warnings import told, untold
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Find the warning."""
    evidence = told(run, "mixed-precision-disabled")
    if evidence:
        return Present(evidence, settle="the dtype of an activation inside the autocast block")
    return untold(run, "no warning that autocast or the scaler is off", by=("torch",))


RULE = Rule(
    code="SET755",
    slug="mixed-precision-disabled-warning",
    severity=Severity.WARNING,
    needs=("events: mixed-precision-disabled", "versions: torch"),
    check=check,
    since="0.2",
)
