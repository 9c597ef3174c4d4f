"""The logged learning rate does not follow the configured schedule.

## What it sees
The set of schedules that fit the logged learning rates, against the configured peak, end, shape and warm-up; and a
warm-up that has not ended when the planned steps are over.

## Why it matters
The run trained with another recipe than the one that was written down: results cannot be compared, and the decay comes
too early, too late or never.

## What it does not mean
A learning rate that is behind its plan by a few whole steps shows skipped float16 steps, which are counted and allowed.
A constant learning rate is a valid plan. A difference here does not say that the configured values were better.

## Example
`planned: cosine, 1,000 steps; logged: cosine that ends at step 250`

## Check it by hand
Put the configured numbers into the formula of the schedule and compare one row in the middle of the run.

## References
- `transformers.optimization`, 4.x and 5.x: formulas of the schedules
- `accelerate.scheduler.AcceleratedScheduler`: steps once per process unless batches are split
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.measured import Measured
from trainclinic.signals.schedule_plan import SAME, PlanCheck

LONG = "The warm-up is longer than the run: no step saw the peak."
EQUAL = Threshold("relative difference", SAME, "1", "rounded warm-up shares and short last batches move numbers by 1 %")


def check(run: Measured) -> Verdict:
    """Compare plan and rows, number by number."""
    if run.record.get("train/learning_rate") is None:
        return NotEvaluated(missing="`train/learning_rate`")
    plan = run.schedule_plan
    if plan is None:
        return NotEvaluated(missing="at least two rows of `train/learning_rate` with their steps")
    if plan.unfinished_warmup:
        return Present((_last_row(run, plan),), means=LONG, severity=Severity.WARNING)
    if not plan.compared:
        return NotEvaluated(missing="the configured learning rate, schedule or planned steps")
    if not plan.differs:
        lag = f", {plan.skipped} skipped steps behind" if plan.skipped else ""
        shape = plan.shape or "the logged schedule"
        return Absent((_about(f"{shape} agrees with the configured {', '.join(plan.compared)}{lag}"),))
    evidence = tuple(_about(says) for says in _differences(plan))
    certain = "end" in plan.differs and plan.pace > 1
    return Present(
        evidence,
        means=f"The schedule moves {plan.pace} steps with each optimizer step." if certain else "",
        settle="" if certain else "the script or command line that this log was really made with",
        severity=None if certain and _ran_past(run, plan) else Severity.WARNING,
    )


def _differences(plan: PlanCheck) -> list[str]:
    pairs = {
        "peak": ("peak", plan.planned_peak, plan.peak),
        "end": ("last step of the schedule", plan.planned_end, plan.end),
        "shape": ("shape", plan.planned_shape, plan.shape),
        "warm-up": ("warm-up", plan.planned_warmup, plan.warmup),
    }
    sentences = []
    for part in plan.differs:
        word, planned, found = pairs[part]
        shown = [number(value) if isinstance(value, (int, float)) else str(value) for value in (planned, found)]
        factor = ""
        if part == "end" and plan.pace * plan.stretch > 1:
            factor = f", {plan.pace} times earlier" if plan.pace > 1 else f", {plan.stretch} times later"
        sentences.append(f"{word}: configured {shown[0]}, by the logged learning rates {shown[1]}{factor}")
    return sentences


def _ran_past(run: Measured, plan: PlanCheck) -> bool:
    """Whether the run went on after its schedule had ended, so that the early end is seen and not extrapolated."""
    return plan.end is not None and (run.record.last_step or 0) > plan.end


def _last_row(run: Measured, plan: PlanCheck) -> Evidence:
    series = run.record.series["train/learning_rate"].final().finite()
    says = (
        f"learning rate is {number(series.value[-1])} and still rising at step {series.step[-1]}, "
        f"the last of {number(plan.planned_end or 0)} planned steps"
    )
    return Evidence(says, series.source(-1), int(series.step[-1]), "train/learning_rate")


def _about(says: str) -> Evidence:
    return Evidence(says, None, None, "train/learning_rate")


RULE = Rule(
    code="SCH303",
    slug="learning-rate-differs-from-plan",
    severity=Severity.HARMFUL,
    needs=("train/learning_rate", "learning_rate", "planned_steps", "schedule", "warmup_steps"),
    check=check,
    thresholds=(EQUAL,),
)
