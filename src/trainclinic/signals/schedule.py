"""Which learning-rate schedules fit the logged learning rates, and what they give at any step.

The answer is a set: every schedule inside the printed digits, the most natural numbers first. It knows nothing of
what was configured except as candidates; whether the run followed its plan is asked in `schedule_plan`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.signals.position import stated
from trainclinic.signals.schedule_lag import lagging
from trainclinic.signals.schedule_rows import MOST_RATE, Rows, rows_of
from trainclinic.signals.schedule_search import Hints, Solution, search
from trainclinic.signals.schedule_steps import log_warmup, step_decay, warm_restarts

if TYPE_CHECKING:
    from trainclinic.signals.measured import Measured
    from trainclinic.signals.schedule_shapes import Schedule

Phase = Literal["warm-up", "constant", "decay", "unknown"]
MOST_CHECKED_ROWS = 20_000
LAST_LOGGED_AFTER = (4, 49)
"""Hugging Face Trainers up to 4.49 log the rate after `scheduler.step`, from 4.51 on the one that was used."""


@dataclass(frozen=True, slots=True)
class ScheduleFit:
    """The schedules that the learning-rate column allows.

    Attributes:
        solutions: All that fit, the most natural first; empty when no known shape passes through every row.
        rows: Learning-rate rows looked at.
        phase: How far the log goes: only into the warm-up (its end is then unknown), constant to the end, or decaying.
        steps_per_epoch: Optimizer steps per epoch by the epoch column; `None` without one.
        skipped: `(step, lag)` wherever the rows fall further behind the schedule: each lag counts optimizer steps on
            which the scheduler did not move. Empty when they never do.
    """

    solutions: tuple[Solution, ...]
    rows: int
    phase: Phase
    steps_per_epoch: float | None = None
    skipped: tuple[tuple[int, int], ...] = ()

    @property
    def best(self) -> Schedule | None:
        """The most natural schedule that fits, or `None`."""
        return self.solutions[0].schedule if self.solutions else None

    @property
    def natural(self) -> tuple[Solution, ...]:
        """The solutions whose numbers a person might have chosen about as easily as those of the best."""
        return tuple(s for s in self.solutions if s.oddity <= self.solutions[0].oddity + 1)

    @property
    def is_unique(self) -> bool:
        """Whether one natural schedule is left, apart from which step a row shows (`Schedule.offset`)."""
        forms = {(s.schedule.shape, s.schedule.total, s.schedule.warmup, s.schedule.floor) for s in self.natural}
        return len(forms) == 1

    @property
    def total(self) -> int | None:
        """Step at which the schedule ends, when the natural solutions agree on it within 1 %; else `None`."""
        ends = [s.schedule.total for s in self.natural]
        known = [end for end in ends if end is not None]
        if not known or len(known) < len(ends) or max(known) > 1.01 * min(known):
            return None
        return known[0]

    def at(self, step: float) -> tuple[float, float] | None:
        """Lowest and highest learning rate over the solutions at `step`; `None` when nothing fits."""
        late = max((lag for begin, lag in self.skipped if begin <= step), default=0)
        values = [float(solution.schedule.at(step - late)) for solution in self.solutions]
        return (min(values), max(values)) if values else None


def fit_schedule(rows: Rows, hints: Hints | None = None, *, steps_per_epoch: float | None = None) -> ScheduleFit | None:
    """Fit all known schedules to `rows`.

    Args:
        rows: Finite learning rates, one row a step, ascending.
        hints: Candidates from configuration and epoch column.
        steps_per_epoch: Passed through to the result.

    Returns:
        `None` for fewer than two rows: one number fits everything.
    """
    if len(rows) < 2:
        return None
    hints = hints or Hints()
    checked = rows.thinned(MOST_CHECKED_ROWS)
    solutions = search(checked, hints) or step_decay(checked)
    solutions = solutions or warm_restarts(checked, hints) or log_warmup(checked)
    skipped: tuple[tuple[int, int], ...] = ()
    if not solutions and (behind := lagging(checked, hints)):
        solutions, lag = [behind[0][0]], behind[0][1]
        grows = np.flatnonzero(np.diff(lag, prepend=0) > 0)
        skipped = tuple((int(checked.step[row]), int(lag[row])) for row in grows)
    return ScheduleFit(tuple(solutions), len(rows), _phase(rows, solutions), steps_per_epoch, skipped)


def _phase(rows: Rows, solutions: list[Solution]) -> Phase:
    if rows.rising + rows.level < len(rows):
        return "decay" if solutions else "unknown"
    return "constant" if rows.level > 1 else "warm-up"


@np.errstate(all="ignore")
def schedule_of(run: Measured) -> ScheduleFit | None:
    """Fit the learning-rate column of a run; `None` without one, without steps, or with fewer than two rows."""
    series = run.record.get("train/learning_rate")
    rows = rows_of(series) if series is not None and run.record.axis == "step" else None
    if rows is None:
        return None
    per_epoch = run.position.steps_per_epoch if run.position is not None else None
    return fit_schedule(rows, hints_of(run, per_epoch), steps_per_epoch=per_epoch)


def hints_of(run: Measured, per_epoch: float | None) -> Hints:
    """Candidates from the configuration, the epoch column and the library version."""
    facts = run.record.facts
    totals = [_whole(facts.number("planned_steps"))]
    epochs = stated(run, "planned_epochs")
    if per_epoch:
        counts = [epochs] if epochs else [float(n) for n in range(1, 101)]
        for each in {np.floor(per_epoch), np.ceil(per_epoch), per_epoch}:
            totals += [_whole(round(each * count)) for count in counts]
    ratio, warmups = stated(run, "warmup_ratio"), [_whole(facts.number("warmup_steps"))]
    for total in filter(None, (totals if epochs or totals[0] else ())):
        shares = (ratio,) if ratio else (0.01, 0.02, 0.03, 0.05, 0.06, 0.1)
        warmups += [_whole(whole) for share in shares for whole in (np.floor(share * total), np.ceil(share * total))]
    return Hints(
        peaks=_present([facts.number("learning_rate")]),
        warmups=tuple(w for w in dict.fromkeys(warmups) if w is not None),
        totals=tuple(t for t in dict.fromkeys(totals) if t),
        floors=_present([facts.number("minimum_learning_rate")]),
        offsets=_offsets(run),
    )


def _offsets(run: Measured) -> tuple[int, ...]:
    version = run.record.versions.get("transformers")
    numbers = str(version.value).split(".")[:2] if version is not None else []
    if len(numbers) == 2 and all(part.isdigit() for part in numbers):
        pair = (int(numbers[0]), int(numbers[1]))
        if pair != (4, 50):  # the change fell between 4.49 and 4.51
            return (0,) if pair <= LAST_LOGGED_AFTER else (1,)
    return (0, 1)


def _whole(value: float | None) -> int | None:
    return int(value) if value is not None and 0 <= value < 1e12 and value == int(value) else None


def _present(values: list[float | None]) -> tuple[float, ...]:
    return tuple(value for value in values if value is not None and 0 < value < MOST_RATE)
