"""The loss stands higher after a resume and comes back within tens of rows.

## What it sees
The first rows after a resume lie clearly above the level before it (six times the noise of a row and 5 % of the level,
or 30 % where the noise is not known), but below the first loss of the log, and the loss is back within 60 rows.

## Why it matters
That is what a resume with the right weights and without the optimizer's state looks like: Adam estimates its moments
anew, the first steps are badly scaled, and the damage is repaired soon. A lost loss scale or a warm-up that begins
again leaves the same trace.

## What it does not mean
It does not say that weights are missing: those do not come back in tens of steps. A single high row is a batch, not a
bump.

## Example
`1.42 before; 1.78, 1.71, 1.62, 1.55 ... 1.43 after 30 steps`

## Check it by hand
Print the norm of `exp_avg` of one parameter right after the resume: 0 or missing means that it was not restored.

## References
- https://github.com/NVIDIA/Megatron-LM/issues/761
- https://github.com/Lightning-AI/pytorch-lightning/issues/10766
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.findings.resumes import NO_RESUME, across, at_resume, resumes_of
from trainclinic.signals.measured import Measured
from trainclinic.signals.resume import ResumePoint

NOISE = Threshold("bump over the noise of a row", 6.0, "1", "one chance row in thousands at heavy-tailed noise")
LEVEL = Threshold("bump over the level", 0.05, "1", "a changed data order alone moves a row by less")
UNKNOWN = Threshold("bump over the level, noise unknown", 0.3, "1", "only gross bumps count without a noise")
FRESH = Threshold("bump over the first loss", 0.9, "1", "a model at its first loss has lost its weights")
LASTS = Threshold("rows above the level", 2, "rows", "a lone high row is a batch")


def check(run: Measured) -> Verdict:
    """Look for a rise that fades."""
    points = resumes_of(run)
    if not points:
        return NO_RESUME
    bumps = [point for point in points if _is_bump(point)]
    if not bumps:
        return Absent(tuple(at_resume(run, point, across(run, point)) for point in points[:5]))
    return Present(
        tuple(
            at_resume(run, point, f"{across(run, point)}; back after {count(point.rows_to_recover or 0, 'row')}")
            for point in bumps[:5]
        ),
        means=f"At most {number(max(point.jump for point in bumps))} was lost, and it came back.",
    )


def _is_bump(point: ResumePoint) -> bool:
    floor = UNKNOWN.value * abs(point.before)
    limit = max(NOISE.value * point.noise, LEVEL.value * abs(point.before)) if point.noise else floor
    fresh = point.first_loss > point.before and point.after >= FRESH.value * point.first_loss
    back = point.rows_to_recover is not None and point.rows_to_recover >= LASTS.value
    return point.jump > limit and back and not fresh


RULE = Rule(
    code="SCH309",
    slug="fading-bump-after-resume",
    severity=Severity.NOTE,
    needs=("train/loss", "events: resume"),
    check=check,
    thresholds=(NOISE, LEVEL, UNKNOWN, FRESH, LASTS),
    since="0.2",
)
