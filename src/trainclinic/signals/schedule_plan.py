"""Whether the logged learning rate follows the configured schedule, and in which way it does not.

Known ways to depart from a plan have exact predictions: a scheduler that is stepped `k` times per optimizer step shows
`plan(k s)` and ends at `T / k`; an end computed without accumulation is too late by that factor; a peak can be scaled.
This module knows the plan and the rows. It does not know why they differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.signals.position import stated
from trainclinic.signals.schedule_rows import Rows, rows_of

if TYPE_CHECKING:
    from trainclinic.signals.measured import Measured
    from trainclinic.signals.schedule import ScheduleFit
    from trainclinic.signals.schedule_shapes import Schedule

SAME = 0.02
"""Relative difference between planned and found numbers that rounding of warm-up shares and last batches explains."""
MOST_PACE = 64
SHAPE_WORDS = {
    "linear": "linear",
    "cosine": "cosine",
    "cosine_with_min_lr": "cosine",
    "cosine_with_restarts": "restarts",
    "constant": "constant",
    "constant_with_warmup": "constant",
    "inverse_sqrt": "inverse_sqrt",
}
"""Configured names with one meaning; `polynomial` has a free power and `warmup_stable_decay` free parts."""


@dataclass(frozen=True, slots=True)
class PlanCheck:
    """Plan against rows. A number that is not known is `None`; a comparison that could not be made is left out.

    Attributes:
        compared: What could be compared: `peak`, `end`, `shape`, `warm-up`.
        differs: Those of them that differ.
        planned_peak: Configured learning rate.
        peak: Peak of the schedule that fits, else the highest logged value.
        planned_end: Step at which the schedule was meant to end.
        end: Step at which it ends.
        pace: Schedule steps per optimizer step when they explain the end exactly; 1 otherwise.
        stretch: Whole factor by which the schedule ends too late, as when accumulation was forgotten; 1 otherwise.
        planned_shape: Configured shape in the words of the file.
        shape: Name of the schedule that fits.
        planned_warmup: Configured warm-up steps.
        warmup: Warm-up of the schedule that fits.
        unfinished_warmup: The last planned step was reached while the rate was still rising.
        skipped: Steps by which the rows fell behind the schedule.
    """

    compared: tuple[str, ...]
    differs: tuple[str, ...]
    planned_peak: float | None = None
    peak: float | None = None
    planned_end: float | None = None
    end: int | None = None
    pace: int = 1
    stretch: int = 1
    planned_shape: str | None = None
    shape: str | None = None
    planned_warmup: float | None = None
    warmup: int | None = None
    unfinished_warmup: bool = False
    skipped: int = 0


@np.errstate(all="ignore")
def plan_check_of(run: Measured) -> PlanCheck | None:
    """Compare configuration and rows; `None` when the learning rate was not logged or nothing was configured."""
    series, fit = run.record.get("train/learning_rate"), run.schedule
    rows = rows_of(series) if series is not None and run.record.axis == "step" else None
    if rows is None or fit is None:
        return None
    facts = run.record.facts
    planned_end = planned_end_of(run)
    ratio = stated(run, "warmup_ratio")
    warmup = stated(run, "warmup_steps") or (ratio * planned_end if ratio and planned_end else None)
    results = {
        "peak": _peak_differs(rows, fit, stated(run, "learning_rate")),
        "end": _end_differs(rows, fit, planned_end),
        "shape": _shape_differs(rows, fit, facts.text("schedule"), planned_end),
        "warm-up": _warmup_differs(rows, fit, warmup),
    }
    best, last = fit.best, int(rows.step[-1])
    unfinished = fit.phase == "warm-up" and len(rows) >= 5 and bool(planned_end) and last >= 0.98 * (planned_end or 0)
    end = fit.total
    pace, stretch = _factors(end, planned_end) if results["end"] else (1, 1)
    return PlanCheck(
        compared=tuple(name for name, answer in results.items() if answer is not None),
        differs=tuple(name for name, answer in results.items() if answer),
        planned_peak=stated(run, "learning_rate"),
        peak=best.peak if best is not None else rows.top,
        planned_end=planned_end,
        end=end,
        pace=pace,
        stretch=stretch,
        planned_shape=facts.text("schedule"),
        shape=best.name if best is not None else None,
        planned_warmup=warmup,
        warmup=best.warmup if best is not None else None,
        unfinished_warmup=unfinished,
        skipped=fit.skipped[-1][1] if fit.skipped else 0,
    )


def planned_end_of(run: Measured) -> float | None:
    """Planned optimizer steps: configured, or planned epochs times the steps per epoch of the log."""
    planned, start = stated(run, "planned_steps"), stated(run, "start_step")
    if planned:
        if (run.record.last_step or 0) <= (1 + SAME) * planned:
            return planned
        return planned + start if start else None  # a resumed run may count its own steps alone
    epochs, position = stated(run, "planned_epochs"), run.position
    if not epochs or position is None or position.steps_per_epoch is None:
        return None
    return epochs * position.steps_per_epoch


def _peak_differs(rows: Rows, fit: ScheduleFit, planned: float | None) -> bool | None:
    if not planned:
        return None
    slack = float(rows.tolerance[int(np.argmax(rows.value))]) + SAME * planned
    if rows.top > planned + slack:
        return True
    if fit.phase not in {"decay", "constant"} or not fit.natural:
        return None
    return all(abs(solution.schedule.peak - planned) > slack for solution in fit.solutions)


def _end_differs(rows: Rows, fit: ScheduleFit, planned: float | None) -> bool | None:
    if not planned or fit.total is None or fit.phase != "decay":
        return None
    allowed = max(2.0, SAME * planned)
    if any(_reaches(solution.total_range, planned, allowed) for solution in fit.solutions):
        return False
    # an end known from a short stretch of rows is an extrapolation of their rounding
    return True if rows.is_exact or rows.step[-1] > 0.3 * fit.total else None


def _reaches(ends: tuple[float, float] | None, planned: float, allowed: float) -> bool:
    return ends is None or ends[0] - allowed <= planned <= ends[1] + allowed


def _shape_differs(rows: Rows, fit: ScheduleFit, word: str | None, planned: float | None) -> bool | None:
    wanted = SHAPE_WORDS.get((word or "").lower().rpartition(".")[2])
    if wanted is None or not fit.solutions or fit.phase == "warm-up":
        return None
    if any(solution.schedule.shape == wanted for solution in fit.solutions):
        return False
    if fit.phase == "constant":
        # near its beginning every schedule is flat within few digits
        gone = rows.step[-1] / planned if planned else 0.0
        return True if wanted in {"linear", "cosine"} and gone > 0.3 and fit.best is not None else None
    return True


def _warmup_differs(rows: Rows, fit: ScheduleFit, planned: float | None) -> bool | None:
    if planned is None or not fit.solutions or fit.phase == "warm-up" or not rows.rising:
        return None
    allowed = max(2.0, SAME * planned)
    return all(abs(_warmup(solution.schedule) - planned) > allowed for solution in fit.solutions)


def _warmup(schedule: Schedule) -> float:
    return float(schedule.warmup)


def _factors(end: int | None, planned: float | None) -> tuple[int, int]:
    """Whole factors by which a schedule ended too early and too late; 1 where there is none."""
    if not end or not planned:
        return 1, 1
    return _whole_factor(planned / end), _whole_factor(end / planned)


def _whole_factor(factor: float) -> int:
    whole = round(min(factor, 1e6))
    return whole if 2 <= whole <= MOST_PACE and abs(factor / whole - 1) < SAME else 1
