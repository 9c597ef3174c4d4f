"""The dynamic loss scale of float16 training keeps halving, or sits at its floor.

## What it sees
The logged scale ends at 1 or below after it was above 1, or a line says that it reached its minimum, or it has halved
at least three times in the last half of the log without ever growing there.

## Why it matters
The scaler halves the scale for each step whose gradients overflow, and skips that step. At the floor it cannot yield
any further: every step is skipped, or the run stops. Nothing is learned meanwhile.

## What it does not mean
The first 5 to 15 halvings of a run are the scaler's normal search, and a saw-tooth (double every 2,000 clean steps,
halve at the next overflow) is its normal work. A scale of 1 from the first row on is bfloat16 or no scaling at all.
Raising the initial or the minimal scale cures nothing.

## Example
`65536 -> 32768 -> ... -> 2 -> 1`, then `Current loss scale already at minimum`.

## Check it by hand
Run one batch in bfloat16 or float32: if the loss and its gradients are finite there, float16's range (65504) is at
fault.

## References
- https://docs.pytorch.org/docs/stable/amp.html#gradient-scaling
- https://github.com/LIN-SHANG/InstructERC/issues/6
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.measured import Measured

FLOOR = Threshold("loss scale", 1.0, "1", "at 1 nothing is scaled: the smallest scale that a scaler is meant to use")
LATE = Threshold(
    "halvings in the last half without a growth",
    3,
    "1",
    "a healthy scaler grows back after 2,000 clean steps; three losses without a gain are a trend",
)
FEW_ROWS = 4


def check(run: Measured) -> Verdict:
    """Look at the scale's history and at what the log says about its floor."""
    floor = run.record.events_of("loss-scale-floor")
    if floor:
        says = f"the log says that the loss scale reached its minimum: {floor[0].says}"
        return Present((Evidence(says, floor[0].source, floor[0].step, "scale/loss_scale"),))
    logged = run.record.get("scale/loss_scale")
    scale = logged.final() if logged is not None else None
    value = scale.value[np.isfinite(scale.value) & (scale.value > 0.0)] if scale is not None else np.empty(0)
    if scale is None or value.size < FEW_ROWS:
        return NotEvaluated(missing="the loss scale over the run (float16 training only)")
    top, last = float(value.max()), float(value[-1])
    path = f"loss scale went from {number(float(value[0]))} to {number(last)} over {value.size} rows"
    evidence = (Evidence(path, scale.source(-1), int(scale.step[-1]), "scale/loss_scale"),)
    if last <= FLOOR.value < top:
        return Present(evidence, means="It is at its floor: further overflows cannot be met.")
    late = np.diff(np.log2(value[value.size // 2 :]))
    if int((late <= -1).sum()) >= LATE.value and not (late > 0).any():
        return Present(evidence, means="It still falls at the end of the log.", severity=Severity.WARNING)
    return Absent(evidence)


RULE = Rule(
    code="NUM109",
    slug="falling-loss-scale",
    severity=Severity.HARMFUL,
    needs=("scale/loss_scale", "events: loss-scale-floor"),
    check=check,
    thresholds=(FLOOR, LATE),
)
