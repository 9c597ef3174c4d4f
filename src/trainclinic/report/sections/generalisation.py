"""Training against evaluation: what the gap is, whether it grew, and what the curves do after the best evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.wording import count, number, percent
from trainclinic.report.model import Item, Passage

if TYPE_CHECKING:
    from trainclinic.signals.evaluation_metrics import MetricChange
    from trainclinic.signals.generalisation import Generalisation as Measurement
    from trainclinic.signals.measured import Measured

_UNSURE = "The evaluation loss lies higher after its lowest value, too seldom or too unevenly to call it a rise"
_STATES = {
    "rising": "After its lowest value the evaluation loss rises while the training loss goes on falling",
    "rising-alone": "After its lowest value the evaluation loss rises; the training loss does not say why",
    "rising-together": "The evaluation loss rises and the training loss does not fall: overfitting needs a falling one",
    "memorising": "The gap grows while the evaluation loss holds its level: memorisation that costs nothing yet",
    "falling": "The evaluation loss is at its lowest at the end of the run",
    "flat": "The evaluation loss holds its level after its lowest value",
    "insufficient": "Too few evaluations to tell a trend from noise",
}


def generalisation(measured: Measured) -> Passage | None:
    """The relation of the two losses in sentences and numbers, or `None` without evaluations."""
    found = measured.generalisation
    if found is None or not found.step.size:
        return None
    higher = found.rise > found.noise.quantile * found.noise.standard_error
    says = [_UNSURE if found.state == "flat" and higher else _STATES[found.state], _noise(found)]
    if found.metric is not None:
        says.append(_metric(found.metric))
    known = np.flatnonzero(np.isfinite(found.gap))
    items = [
        Item("lowest evaluation loss", found.best_loss, note=f"step {found.best_step:,}"),
        Item("evaluation loss at the end", found.end_loss, note=_end(found)),
    ]
    if known.size > 1:
        items += [
            _gap(found, int(known[0]), "gap at the first evaluation"),
            _gap(found, int(known[-1]), "gap at the last"),
        ]
    return Passage(tuple(f"{sentence}." for sentence in says if sentence), tuple(items))


def _end(found: Measurement) -> str:
    """The level at the end is a median; where the last value is another, that is said."""
    last = float(found.evaluation[-1])
    return "" if last == found.end_loss else f"median of the last evaluations, the last of all is {number(last)}"


def _gap(found: Measurement, row: int, label: str) -> Item:
    gap, error = float(found.gap[row]), float(found.gap_error[row])
    level = float(found.train[row])
    share = f", {percent(gap / level)} of the training loss" if level > 0 else ""
    plus_minus = f" ± {number(error, 2)}" if np.isfinite(error) else ""
    return Item(label, f"{number(gap, 3)}{plus_minus}", note=f"step {int(found.step[row]):,}{share}")


def _noise(found: Measurement) -> str:
    noise = found.noise
    if not np.isfinite(noise.standard_error):
        return ""
    if noise.is_assumed:
        return f"Too few evaluations to measure their noise: ± {number(noise.standard_error, 2)} is assumed"
    how = f"{count(noise.evaluations, 'evaluation')}" if noise.how == "residuals" else "the number of evaluated crops"
    return f"One evaluation is sure to about ± {number(noise.standard_error, 2)} (from {how})"


def _metric(metric: MetricChange) -> str:
    word = "improved" if metric.improved else "did not improve"
    values = f"{number(metric.at_best, 3)} at the lowest loss, {number(metric.at_end, 3)} at the end"
    return f"Over the same time `{metric.name}` {word}: {values}"
