"""The loss drops when a constant learning rate begins its decay.

## What it sees
The learning rate stays at its peak for at least 30 % of the rows and then falls below half of it. The level at the end
of the decay lies below the line through the end of the constant stretch: by three standard errors and by 1 % of the
level.

## Why it matters
This is how schedules with a stable and a decay phase (WSD) end in good health: the high rate makes progress that shows
only once the rate comes down. The drop needs no other explanation.

## What it does not mean
It is no leak, no change of the data and no sign of memorisation. The curve before the drop is no plateau either, and
must not be compared with the end of a cosine run.

## Example
3.36 and falling slowly to step 16,000 at 6e-4; 3.09 at step 20,000, after a linear decay to 0.

## Check it by hand
Start a second decay from an earlier checkpoint of the constant stretch: it must drop in the same way.

## References
- Hu et al., MiniCPM (arXiv 2404.06395), section 4: the loss falls sharply in the decay stage of WSD
- Hägele et al. (arXiv 2405.18392): cooldowns from a constant learning rate
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.findings.loss_levels import evidence_at
from trainclinic.signals.measured import Measured

ERRORS = Threshold("drop over its error", 3.0, "1", "the line and the level are both estimates from few rows")
LEVEL = Threshold("drop over the level", 0.01, "1", "a bend of the curve can make less")


def check(run: Measured) -> Verdict:
    """Compare the end of the decay with where the constant stretch was going."""
    phase, loss = run.decay_phase, run.loss_rows
    if run.record.get("train/learning_rate") is None:
        return NotEvaluated(missing="`train/learning_rate`")
    if phase is None or loss is None:
        return NotEvaluated(missing="a long constant stretch of the learning rate and a decay after it")
    axis = run.record.axis
    ends = f"loss is {number(phase.reached)} at the end, the constant stretch led to {number(phase.expected)}"
    begins = f"the learning rate falls from {axis} {phase.begin_step} on, for {percent(phase.share)} of the rows"
    evidence = (
        evidence_at(loss, phase.last_step, ends),
        Evidence(begins, None, phase.begin_step, "train/learning_rate"),
    )
    if phase.extra > max(ERRORS.value * phase.error, LEVEL.value * abs(phase.before)):
        return Present(evidence)
    return Absent(evidence)


RULE = Rule(
    code="LOS219",
    slug="drop-in-decay-phase",
    severity=Severity.NOTE,
    needs=("train/loss", "train/learning_rate"),
    check=check,
    thresholds=(ERRORS, LEVEL),
    since="0.2",
)
