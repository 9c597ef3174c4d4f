"""The loss jumps up at the first row after a resume.

## What it sees
The first loss after a resume, against the earlier pass at the same steps or, without one, the rows just before. A jump
is more than six times the noise of a row and more than 5 % of the level.

## Why it matters
A run that continues from complete state continues at its old loss. A jump says that a part of the state was not
restored: weights (a jump back towards the first loss), optimizer moments (a bump that decays within tens of steps), the
schedule, or the data order.

## What it does not mean
It does not say that the checkpoint is damaged: loading it elsewhere may give the old loss. One high row among noisy
ones is no jump, and a run that was started anew begins at its first loss by right.

## Example
`0.82, resume, 8.70, 7.90, 6.61`

## Check it by hand
Evaluate the checkpoint on one fixed batch before saving and after loading: the two losses must be equal.

## References
- https://github.com/tloen/alpaca-lora/issues/72
- `transformers.Trainer._load_from_checkpoint`, `_load_optimizer_and_scheduler`
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.signals.measured import Measured
from trainclinic.signals.resume import ResumePoint

NOISE = Threshold("jump over the noise of a row", 6.0, "1", "one chance row in thousands at heavy-tailed noise")
LEVEL = Threshold("jump over the level", 0.05, "1", "a changed data order alone moves a row by less")
STAYS = Threshold("share of the jump in the rows after it", 0.25, "1", "a lone high row falls back at once")
CLEAR = Threshold("jump over the limit, for a lone row", 2.0, "1", "then one row is telling enough")
UNKNOWN = Threshold(
    "jump over the level, noise unknown", 0.3, "1", "with too few rows for noise only gross jumps count"
)
LOST = Threshold("way back to the first loss", 0.5, "1", "stale moments never undo half of what was learned")


def check(run: Measured) -> Verdict:
    """Compare the loss on both sides of each resume."""
    history = run.resume
    if history is None or history.series == "train/learning_rate":
        return NotEvaluated(missing="`train/loss`")
    points = [point for point in history.points if point.how != "restart" and not point.is_copy]
    if not points:
        if history.start_step:
            return NotEvaluated(missing="the log before the resume")
        return Absent((Evidence("the log shows no resume", None, None, history.series),))
    jumps = [point for point in points if is_jump(point)]
    if not jumps:
        largest = max(point.jump for point in points)
        says = f"{count(len(points), 'resume')} without a jump, the largest change is {number(largest)}"
        return Absent((Evidence(says, None, points[0].step, history.series),))
    series = run.record.series[history.series]
    evidence = tuple(
        Evidence(_says(point, run.record.axis), series.source(point.row), point.step, history.series)
        for point in jumps[:5]
    )
    lost = any(_is_lost(point) for point in jumps)
    means = (
        "The loss goes most of the way back to that of an untrained model: trained weights are missing." if lost else ""
    )
    return Present(
        evidence,
        means=means,
        settle="the loss of one fixed batch before saving and after loading",
        severity=None if lost else Severity.WARNING,
    )


def is_jump(point: ResumePoint) -> bool:
    """Whether the first rows after a resume lie clearly above what was expected."""
    limit = max(NOISE.value * point.noise, LEVEL.value * abs(point.before)) if point.noise else None
    if limit is None:
        return point.jump > UNKNOWN.value * abs(point.before)
    return point.jump > limit and (
        point.settled - point.before > STAYS.value * point.jump or point.jump > CLEAR.value * limit
    )


def _is_lost(point: ResumePoint) -> bool:
    """Whether the jump undoes at least half of what the log shows as learned, and is large in itself."""
    return point.jump > max(LOST.value * max(point.first_loss - point.before, 0.0), UNKNOWN.value * abs(point.before))


def _says(point: ResumePoint, axis: str) -> str:
    back = "" if point.rows_to_recover is None else f", back after {count(point.rows_to_recover, 'row')}"
    expected = "in the earlier pass" if point.overlap else "just before"
    place = f"at {axis} {point.step} after the resume"
    return f"loss is {number(point.after)} {place}, {number(point.before)} {expected}{back}"


RULE = Rule(
    code="SCH304",
    slug="jump-after-resume",
    severity=Severity.HARMFUL,
    needs=("train/loss", "events: resume"),
    check=check,
    thresholds=(NOISE, LEVEL, STAYS, CLEAR, UNKNOWN, LOST),
)
