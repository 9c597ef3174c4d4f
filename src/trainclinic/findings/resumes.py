"""What every rule about a resume asks first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Evidence, NotEvaluated
from trainclinic.catalogue.wording import number

if TYPE_CHECKING:
    from trainclinic.signals.measured import Measured
    from trainclinic.signals.resume import ResumePoint

NO_RESUME = NotEvaluated(missing="a resume with logged losses on both sides of it")


def resumes_of(run: Measured) -> list[ResumePoint]:
    """The resumes of a logged loss that have a level before them; new runs and repeated rows are none."""
    history = run.resume
    if history is None or history.series == "train/learning_rate":
        return []
    real = [point for point in history.points if point.is_real]
    return [point for point in real if point.before == point.before and point.after == point.after]


def at_resume(run: Measured, point: ResumePoint, says: str) -> Evidence:
    """Evidence at the first row after a resume."""
    history = run.resume
    name = history.series if history is not None else "train/loss"
    return Evidence(says, run.record.series[name].source(point.row), point.step, name)


def across(run: Measured, point: ResumePoint) -> str:
    """`loss is 8.701 in the first row after the resume, 0.8204 before it`."""
    place = f"at {run.record.axis} {point.step}, the first row after the resume"
    return f"loss is {number(point.after)} {place}, {number(point.before)} before it"
