"""What the rest of the schedule can still bring to a run that stands on a plateau.

A plateau says how little was gained along it, with a bound. The rest of the plan is measured in the currency that moves
weights: the summed learning rate where the schedule is known, else steps. It does not know why the run is flat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from trainclinic.signals.measured import Measured
    from trainclinic.signals.schedule_shapes import Schedule
    from trainclinic.signals.trend import Plateau

GRID = 2_000
"""Points at which a schedule is summed; its shapes are smooth."""


@dataclass(frozen=True, slots=True)
class Remaining:
    """The plan after the last logged step.

    Attributes:
        planned: Last step of the plan.
        steps: Steps from the last logged one to there.
        rate_left: Share of the schedule's summed learning rate that lies ahead; `None` when no schedule fits.
        gain_bound: Most that the loss can fall on the way, at the upper bound of the plateau's pace per unit of summed
            learning rate (per step when no schedule fits).
    """

    planned: int
    steps: int
    rate_left: float | None
    gain_bound: float


def remaining_of(run: Measured, plateau: Plateau) -> Remaining | None:
    """The rest of the plan; `None` when the log reaches its end or no plan is known."""
    fit = run.schedule
    stated = run.record.facts.number("planned_steps")
    planned = int(stated) if stated else fit.total if fit is not None else None
    last = max(plateau.end_step, run.record.last_step or 0)
    if run.record.axis != "step" or planned is None or planned <= last:
        return None
    gained = max(plateau.gain_bound, 0.0)
    best = fit.best if fit is not None and fit.phase != "warm-up" else None
    if best is None or (best.total is None and best.shape not in ("constant", "inverse_sqrt")):
        length = max(last - plateau.start_step, 1)
        return Remaining(planned, planned - last, None, gained * (planned - last) / length)
    ahead, along = _summed(best, last, planned), _summed(best, plateau.start_step, last)
    whole = _summed(best, 0, planned)
    if whole <= 0 or along <= 0:
        return None
    return Remaining(planned, planned - last, ahead / whole, gained * ahead / along)


def _summed(schedule: Schedule, first: int, last: int) -> float:
    """Learning rate summed over steps, by the mean over a grid."""
    return float(np.mean(schedule.at(np.linspace(first, last, GRID)))) * (last - first)
