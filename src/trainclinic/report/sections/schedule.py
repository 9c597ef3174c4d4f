"""The schedule behind the logged learning rates, whether it is the configured one, and what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.wording import count, listed, number
from trainclinic.report.model import Item, Passage

if TYPE_CHECKING:
    from trainclinic.signals.measured import Measured
    from trainclinic.signals.position import Position
    from trainclinic.signals.schedule import ScheduleFit


def schedule(measured: Measured) -> Passage | None:
    """What the logged rates fix and what they leave open; `None` when no rate or only one was logged."""
    fit = measured.schedule
    if fit is None:
        return None
    says = [_fits(fit), _plan(measured), _epochs(measured.position)]
    return Passage(tuple(f"{text}." for text in says if text), tuple(_items(fit, measured.position)))


def _fits(fit: ScheduleFit) -> str:
    rows = "both logged learning rates" if fit.rows == 2 else f"all {fit.rows:,} logged learning rates"
    best = fit.best
    if fit.phase == "warm-up":
        return "The log does not leave the warm-up, so the end of the schedule cannot be told"
    if best is None:
        return f"No known schedule passes through {rows}"
    lag = sum(steps for _, steps in fit.skipped[-1:])
    behind = (
        f", once {count(lag, 'step')} on which the scheduler stood still {'is' if lag == 1 else 'are'} counted"
        if lag
        else ""
    )
    if fit.is_unique:
        return f"One schedule passes through {rows} within their printed digits{behind}: {best.name}"
    return (
        f"{len(fit.solutions):,} schedules pass through {rows} within their printed digits, {best.name} first{behind}"
    )


def _plan(measured: Measured) -> str:
    plan = measured.schedule_plan
    if plan is None or not plan.compared:
        return ""
    if not plan.differs:
        verb = "agrees" if len(plan.compared) == 1 else "agree"
        return f"Its {listed(plan.compared)} {verb} with the configuration"
    verb = "differs" if len(plan.differs) == 1 else "differ"
    return f"Its {listed(plan.differs)} {verb} from the configuration"


def _epochs(position: Position | None) -> str:
    if position is None or position.steps_per_epoch is None:
        return ""
    per_epoch = number(position.steps_per_epoch)
    rows = position.row_range
    if rows is None or position.sequences_per_step is None:
        return f"One pass over the data is {per_epoch} steps"
    data = f"{rows[0]:,} rows" if rows[0] == rows[1] else f"{rows[0]:,} to {rows[1]:,} rows"
    batch = count(int(position.sequences_per_step), "sequence")
    return f"One pass over the data is {per_epoch} steps of {batch}, so the data has {data}"


def _items(fit: ScheduleFit, position: Position | None) -> list[Item]:
    best, items = fit.best, []
    if best is not None and fit.phase != "warm-up":
        items.append(Item("peak", number(best.peak, 3)))
        items.append(Item("warm-up", count(best.warmup, "step") if best.warmup else "none"))
        if fit.total is not None:
            floor = f"{100 * best.floor:.3g} % of the peak" if best.floor else "0"
            items.append(Item("end", f"step {fit.total:,}, at {floor}"))
    if position is not None and position.steps_per_epoch is not None:
        items.append(Item("steps per pass over the data", number(position.steps_per_epoch)))
    return items
