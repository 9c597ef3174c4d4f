"""Which rises of the loss matter, and where each of them began: asked by the rules that report and that place them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.wording import number
from trainclinic.findings.loss_levels import GIANT_RATIO, GIANT_RISE, curve
from trainclinic.signals.outliers import FLAG_Z

if TYPE_CHECKING:
    from trainclinic.record.series import Series
    from trainclinic.record.source import Source
    from trainclinic.signals.measured import Measured
    from trainclinic.signals.spikes import Spike
    from trainclinic.signals.trend import Trend

ROBUST_Z = Threshold("robust z", FLAG_Z, "1", "1 false alarm per 1000 rows; z > 4 gives four")
APART = Threshold(
    "z over the largest of ordinary rows", 2.0, "1", "in t5 noise the two largest rows differ so in 3 % of logs"
)
LONE_APART = Threshold(
    "the same for a lone row", 3.0, "1", "nothing else confirms it, and short logs show few ordinary rows"
)
LEVEL_SHARE = Threshold("rise over the level", 0.2, "1", "hard batches alone reach 10-15 % in healthy logs")
GAIN_SHARE = Threshold("rise over what was gained", 0.1, "1", "less than that is made up within a logging window")
OTHER_GAIN_SHARE = Threshold("the same for other losses", 0.5, "1", "single hard batches dominate losses near zero")
EXCURSION_SHARE = Threshold("excursions over rows", 0.01, "1", "beyond that the noise itself has heavy tails")
MOST_SINGLE = Threshold("excursions in any log", 5, "1", "a run may have several true spikes")

DIVERGENCE_ROWS = 6
GAIN_LOST = Threshold("share of the gain that is lost", 0.5, "1", "wobbling runs lose up to a third and come back")
RISE_SHARE = Threshold("rise over the first level", 0.1, "1", "smaller rises are drift of the data")
SURE_SHARE = Threshold("the same to be sure of harm", 0.25, "1", "harder data in the second half can cost 10-20 %")
NO_GAIN_SHARE = Threshold("the same for a run without any gain", 0.25, "1", "running means creep up by 10-20 %")
NOISE = Threshold("rise over what noise reaches", 1.0, "1", "the lowest of many levels lies below the rest by chance")
CLEAR_NOISE = Threshold(
    "every last row over the first level", 3.0, "sd", "noise does not lift three rows in a row so far"
)
LEFT = 0.25
"""A divergence has begun once a quarter of its rise is made and never given back."""


@dataclass(frozen=True, slots=True)
class Rise:
    """A place where the loss left its level upwards.

    Attributes:
        step: First step above the level.
        says: What happened there, as a sentence without full stop.
        source: Where that row was read.
        series: The series it was seen in.
    """

    step: int
    says: str
    source: Source
    series: str


def rises_of(run: Measured) -> tuple[Rise, ...]:
    """Where spikes and divergence of the training loss begin, in order of steps; jumps at a resume are left out."""
    found = [_of_spike(run, spike) for spike in mattering_spikes(run) if spike.series == "train/loss"]
    trend, series = run.trend, curve(run)
    if trend is not None and series is not None and run.objective.kind != "rl" and diverges(trend, series):
        found.append(_of_divergence(trend, series))
    resumed = {point.step for point in run.resume.points} if run.resume is not None else set()
    here = (rise for rise in found if rise is not None and rise.step not in resumed)
    return tuple(sorted(here, key=lambda rise: rise.step))


def mattering_spikes(run: Measured) -> list[Spike]:
    """The excursions that are reported: high for their surroundings, and not the heavy tail of the noise."""
    spikes = run.spikes
    if spikes is None:
        return []
    found = [spike for spike in spikes.found if _matters(run, spike)]
    if spikes.train_excursions > max(MOST_SINGLE.value, EXCURSION_SHARE.value * spikes.rows):
        found = [spike for spike in found if spike.series == "eval/loss"]
    return found


def _matters(run: Measured, spike: Spike) -> bool:
    tokens = run.objective.kind in ("causal-lm", "seq2seq", "masked-lm", "rl")
    needed = GAIN_SHARE if tokens else OTHER_GAIN_SHARE
    high = spike.at.rise > LEVEL_SHARE.value * abs(spike.at.expected)
    # A row that no batch of text can reach is told by LOS213.
    giant = spike.at.rise > GIANT_RISE.value and spike.at.value > GIANT_RATIO.value * abs(spike.at.expected)
    lone = spike.kind in ("single-row", "eval-only")
    apart = spike.at.apart > (LONE_APART.value if lone else APART.value)
    return high and apart and not giant and spike.at.z > ROBUST_Z.value and spike.share_lost > needed.value


def diverges(trend: Trend, series: Series) -> bool:
    """Whether the loss ends clearly above its best level (or above where it began)."""
    if trend.rows < DIVERGENCE_ROWS or trend.best_step >= trend.last_step:
        return False
    top = max(trend.first, trend.start)
    gained = max(top - trend.best, 0.0)
    share = RISE_SHARE.value if gained > RISE_SHARE.value * abs(top) else NO_GAIN_SHARE.value
    limits = (GAIN_LOST.value * gained, share * abs(top), NOISE.value * trend.chance_rise)
    return trend.last - trend.best > max(limits) or _ends_above_the_start(series, trend, top)


def _ends_above_the_start(series: Series, trend: Trend, top: float) -> bool:
    """Whether every row of the end lies clearly above where the run began: no statistics are needed then."""
    end = series.value[-max(3, len(series) // 10) :]
    return bool(np.all(end > top + max(SURE_SHARE.value * abs(top), CLEAR_NOISE.value * trend.noise)))


def _of_spike(run: Measured, spike: Spike) -> Rise | None:
    rows = run.loss_rows
    row = rows.row_at(spike.at.begin_step) if rows is not None else None
    if rows is None or row is None:
        return None
    says = f"loss rises to {number(spike.at.value)}, expected {number(spike.at.expected)}"
    return Rise(spike.at.begin_step, says, rows.source(row), rows.name)


def _of_divergence(trend: Trend, series: Series) -> Rise:
    """The first row after the best level from which a quarter of the rise is never given back."""
    limit = trend.best + LEFT * (trend.last - trend.best)
    low = np.flatnonzero(series.value <= limit)
    row = min(int(low[-1]) + 1 if low.size else 0, len(series) - 1)
    says = f"loss leaves {number(trend.best)} for good here and ends at {number(trend.last)}"
    return Rise(int(series.step[row]), says, series.source(row), series.name)
