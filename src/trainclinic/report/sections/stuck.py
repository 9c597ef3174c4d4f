"""Why the loss stays where it is, in numbers: its level against known levels, and what is left to gain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trainclinic.catalogue.wording import number, percent
from trainclinic.report.model import Item, Passage
from trainclinic.signals.plateau_place import EXHAUSTED_RATE, place_plateau
from trainclinic.signals.remaining import remaining_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainclinic.report.cause_entries import CauseEntry
    from trainclinic.report.model import FindingEntry
    from trainclinic.signals.loss_baselines import Baselines
    from trainclinic.signals.measured import Measured
    from trainclinic.signals.plateau_place import PlateauPlace
    from trainclinic.signals.remaining import Remaining
    from trainclinic.signals.trend import Plateau, Trend

STUCK = (
    "plateau-at-unigram-entropy",
    "flat-loss-from-start",
    "loss-at-log-two",
    "loss-divergence",
    "loss-plateau",
)
"""Symptoms of a loss that stays at a level; a note among them is what success or a finished schedule looks like."""
AT_LEVEL = 0.3
"""Nats within which a loss lies at a level, rather than above or below it."""

SURE_POINTS = 12
"""Points from which the gain along a plateau has a statistical bound; below, twice the scatter stands in for it."""


def stuck(measured: Measured, findings: Sequence[FindingEntry], causes: Sequence[CauseEntry]) -> Passage | None:
    """What the level of a stuck loss is, what it is compared with, and what the plan can still change.

    Args:
        measured: The run.
        findings: The symptoms that are there.
        causes: Its causes, the most probable first.
    """
    shown = {finding.slug for finding in findings if finding.slug in STUCK and finding.severity != "note"}
    trend = measured.trend
    if not shown or trend is None:
        return None
    # After a divergence the end counts: a level that was reached by losing has no pace at which it is left.
    plateau = trend.plateau if "loss-divergence" not in shown else None
    level = plateau.level if plateau is not None else trend.last
    rest = remaining_of(measured, plateau) if plateau is not None else None
    place = place_plateau(measured, plateau) if plateau is not None else None
    gap = _gap(level, measured.baselines)
    says = [
        _course(measured, trend, plateau, shown),
        _level(level, measured.baselines, at_log_two="loss-at-log-two" in shown),
        _schedule(place, plateau, rest, gap),
        _explained(causes, is_placed=gap is not None),
    ]
    return Passage(tuple(f"{text}." for text in says if text), tuple(_items(level, measured.baselines, rest, gap)))


def _course(measured: Measured, trend: Trend, plateau: Plateau | None, shown: set[str]) -> str:
    axis = measured.record.axis
    name = "The evaluation loss" if trend.series == "eval/loss" else "The loss"
    if plateau is not None:
        gained = max(plateau.gain_bound, 0.0)
        sure = "" if plateau.points < SURE_POINTS else " (95 % bound)"
        bound = f"; along it at most {number(gained, 2)} was gained{sure}" if gained > 0 else ""
        return (
            f"{name} lies at {number(plateau.level)} from {axis} {plateau.start_step:,} to {trend.last_step:,}{bound}"
        )
    if "loss-divergence" in shown:
        best = f"{number(trend.best)} around {axis} {trend.best_step:,}"
        return f"{name} ends at {number(trend.last)}, {number(trend.last - trend.best, 3)} above its best level, {best}"
    top = max(trend.first, trend.start)
    return f"{name} began at {number(top)} and stands at {number(trend.last)} at {axis} {trend.last_step:,}"


def _level(level: float, baselines: Baselines | None, *, at_log_two: bool) -> str:
    """Where the level lies, in the words of what scores the same."""
    if at_log_two:
        return f"ln 2 is {number(math.log(2.0), 3)}: the loss of tossing a coin between the two answers"
    if baselines is None:
        return ""
    entropy, uniform = baselines.frequencies, baselines.uniform
    if uniform is not None and abs(level - uniform) < AT_LEVEL:
        tokens = f"{baselines.vocabulary:,} tokens" if baselines.vocabulary else "tokens"
        return f"That is the loss of guessing all {tokens} alike, {number(uniform)}"
    if uniform is not None and level > uniform:
        return f"That is {number(level - uniform, 3)} above the loss of guessing every token alike, {number(uniform)}"
    if entropy is not None and abs(level - entropy) < AT_LEVEL:
        whose = "of the data" if baselines.unigram is not None else "typical of English text"
        return (
            f"That is {_difference(level - entropy)} the entropy of single tokens {whose}, {number(entropy)}: "
            "what a model scores that knows how frequent each token is and makes no use of the text before it"
        )
    gap, reference = _gap(level, baselines), baselines.reference
    if gap is None or reference is None:
        return ""
    ends = f"{number(reference.tuned[0], 3)} to {number(reference.tuned[1], 3)}"
    return f"That is {number(gap, 3)} above where fine-tuning of {reference.title} ends, {ends}"


def _difference(difference: float) -> str:
    if abs(difference) < 0.005:
        return "exactly"
    return f"{number(abs(difference), 2)} {'above' if difference > 0 else 'below'}"


def _gap(level: float, baselines: Baselines | None) -> float | None:
    """Distance to the upper end of where an intact model ends; `None` where it is not known or not reached."""
    if baselines is None or baselines.reference is None:
        return None
    gap = level - baselines.reference.tuned[1]
    return gap if gap > 0 else None


def _schedule(place: PlateauPlace | None, plateau: Plateau | None, rest: Remaining | None, gap: float | None) -> str:
    """What the learning rate can still do about it."""
    if plateau is None or place is None:
        return ""
    if rest is None:
        if place.rate_left is not None and place.rate_left < EXHAUSTED_RATE:
            return f"The learning rate was down to {percent(place.rate_left)} of its peak when that level was reached"
        return ""
    if rest.gain_bound <= 0:
        return f"Nothing was gained along that level, so the remaining {rest.steps:,} steps promise nothing either"
    left = "" if rest.rate_left is None else f", {percent(rest.rate_left)} of the schedule's summed learning rate,"
    more = f"The remaining {rest.steps:,} steps{left} can bring at most {number(rest.gain_bound, 2)} at that pace"
    return f"{more}; the gap to an intact model is {number(gap, 3)}" if gap is not None else more


def _explained(causes: Sequence[CauseEntry], *, is_placed: bool) -> str:
    """What the most probable cause has to say of the level.

    Args:
        causes: The causes, the most probable first.
        is_placed: Whether the level is known to lie above that of an intact model; else a plateau may be its end.
    """
    first = causes[0] if causes else None
    if first is None or not first.is_likely_fault:
        return ""
    reasons = [
        e.why for e in first.evidence_for if e.slug in STUCK and e.why and (is_placed or e.slug != "loss-plateau")
    ]
    return f"The most probable cause, `{first.slug}`, would leave it there: {reasons[0]}" if reasons else ""


def _items(level: float, baselines: Baselines | None, rest: Remaining | None, gap: float | None) -> list[Item]:
    items = [Item("level", round(level, 4))]
    if baselines is not None:
        items += [
            Item(label, round(value, 4), note=f"{_difference(level - value)} it" if abs(level - value) >= 0.005 else "")
            for label, value in (
                ("guessing every token alike", baselines.uniform),
                ("knowing token frequencies only", baselines.frequencies),
            )
            if value is not None
        ]
        if (reference := baselines.reference) is not None:
            ends = f"{number(reference.tuned[0], 3)} – {number(reference.tuned[1], 3)}"
            items.append(
                Item(f"{reference.title} ends at", ends, note=f"the level is {number(gap, 3)} above" if gap else "")
            )
    if rest is not None:
        items.append(Item("most that the rest can bring", round(rest.gain_bound, 4), note=f"to step {rest.planned:,}"))
    return items
