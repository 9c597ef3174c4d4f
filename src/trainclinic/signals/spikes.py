"""Excursions of the loss above its band: where, how high, for how long, and what moved with them.

The same detector runs on the training loss, on the evaluation loss and on the logarithm of the gradient norm. A class
says what the log shows at that place, never why it happened; whether an excursion is a state of the model
or an artefact of its evaluation often cannot be told from the log, and `decidable` says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.signals.outliers import Distances, upward_outliers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Series
    from trainclinic.signals.measured import Measured

SpikeClass = Literal["train-and-eval", "eval-only", "with-gradient", "single-row", "several-rows", "unrecovered"]

SMALLEST_RISE = 0.1
"""Nats; smaller excursions cost less than one logging window of training."""

SMALLEST_SHARE = 0.02
SPARSE_SHARE = 0.05
"""With fewer than 40 rows the scatter is known to a factor of two only, so more height is asked for."""

GRADIENT_RISE = 0.69
"""ln 2: gradient norms double without harm; below that a flagged norm is scatter."""

CALM_Z = 2.0
CALM_ROWS = 10


@dataclass(frozen=True, slots=True)
class Excursion:
    """One stretch of rows above the band.

    Attributes:
        row: Row of the peak in the series that was searched.
        step: Step of the peak.
        begin_step: First step above the band.
        value: Value at the peak (a gradient norm itself, not its logarithm).
        expected: What the surroundings predict there.
        rise: `value - expected`; for a gradient norm the ratio `value / expected`.
        z: Height in robust standard deviations.
        apart: `z` over the largest |z| of the rows that belong to no excursion; infinite where that is not known.
        rows: Rows above the band.
        recovered_step: First step back in the band for good; `None` when the log ends before.
    """

    row: int
    step: int
    begin_step: int
    value: float
    expected: float
    rise: float
    z: float
    apart: float
    rows: int
    recovered_step: int | None


@dataclass(frozen=True, slots=True)
class Spike:
    """An excursion of a loss with what the other columns show at the same place.

    Attributes:
        series: `train/loss` or `eval/loss`.
        at: The excursion.
        kind: What the log shows there.
        other_rise: Rise of the other loss at the same step, nats, when it was logged there and rose too.
        gradient_z: Height of the gradient norm at that row, when logged.
        share_lost: Rise as a share of everything the run had gained until then (1 = back to the start).
        decidable: Whether the log can tell a state of the model from an artefact of measuring it.
    """

    series: str
    at: Excursion
    kind: SpikeClass
    other_rise: float | None
    gradient_z: float | None
    share_lost: float
    decidable: bool


@dataclass(frozen=True, slots=True)
class Spikes:
    """All excursions of the losses, the highest z first.

    Attributes:
        found: Excursions, at most one per place: an evaluation that moved with the training loss is told there.
        rows: Rows of the training loss that were searched.
        eval_rows: Rows of the evaluation loss that were searched.
        train_excursions: Number of separate excursions of the training loss: heavy-tailed noise has many.
    """

    found: tuple[Spike, ...]
    rows: int
    eval_rows: int
    train_excursions: int


def excursions(series: Series, *, gradient: bool = False) -> tuple[Excursion, ...]:
    """Stretches of rows above the band of their surroundings, in order of steps.

    Args:
        series: Finite rows; positive ones only when `gradient`.
        gradient: Search ln(value) with a rise of ln 2 as the least that counts.
    """
    value = np.log(series.value) if gradient else series.value
    sparse = value.size < 40
    smallest, share = (GRADIENT_RISE, 0.0) if gradient else (SMALLEST_RISE, SPARSE_SHARE if sparse else SMALLEST_SHARE)
    floor = 0.05 if gradient else float(np.max(series.half_unit(), initial=0.0))
    distances = upward_outliers(value, smallest=smallest, share=share, floor=floor)
    out = []
    stretches = _stretches(distances)
    ordinary = _largest_elsewhere(distances, stretches)
    for begin, end in stretches:
        peak = begin + int(np.argmax(distances.z[begin:end]))
        level, at = float(distances.expected[peak]), float(series.value[peak])
        expected = float(np.exp(level)) if gradient else level
        out.append(
            Excursion(
                row=peak,
                step=int(series.step[peak]),
                begin_step=int(series.step[begin]),
                value=at,
                expected=expected,
                rise=at / expected if gradient else at - expected,
                z=float(distances.z[peak]),
                apart=float(distances.z[peak]) / ordinary if ordinary > 0 else float("inf"),
                rows=int(np.count_nonzero(distances.flagged[begin:end])),
                recovered_step=_recovery(series, distances, end),
            )
        )
    return tuple(out)


def _stretches(distances: Distances) -> list[tuple[int, int]]:
    """Flagged rows, joined over gaps of up to two rows and over rows that are still above z 3."""
    joined: list[tuple[int, int]] = []
    for row in np.flatnonzero(distances.flagged).tolist():
        if joined:
            begin, end = joined[-1]
            gap = distances.z[end:row]
            if row - end <= 2 or bool(np.all(gap > 3.0)):
                joined[-1] = (begin, row + 1)
                continue
        joined.append((row, row + 1))
    return joined


def _largest_elsewhere(distances: Distances, stretches: list[tuple[int, int]]) -> float:
    """Largest |z| outside the excursions: how far the noise of this run reaches by itself."""
    outside = np.isfinite(distances.expected)
    for begin, end in stretches:
        outside[max(0, begin - 1) : end + 1] = False
    return float(np.max(np.abs(distances.z[outside]), initial=0.0))


def _recovery(series: Series, distances: Distances, end: int) -> int | None:
    """First step after which ten rows (or all that are left) stay within two standard deviations."""
    if end >= len(series):
        return None
    if len(series) < 40:
        return int(series.step[end])
    calm: NDArray[np.bool_] = distances.z[end:] < CALM_Z
    run = 0
    for offset, quiet in enumerate(calm[: 50 * CALM_ROWS].tolist()):
        run = run + 1 if quiet else 0
        if run == min(CALM_ROWS, calm.size):
            return int(series.step[end + offset - run + 1])
    return None


def spikes_of(run: Measured) -> Spikes | None:
    """Excursions of training and evaluation loss; `None` when neither has five rows."""
    train, held_out = run.loss_rows, run.eval_rows
    train_found = excursions(train) if train is not None and len(train) >= 5 else ()
    eval_found = excursions(held_out) if held_out is not None and len(held_out) >= 5 else ()
    sizes = (len(train) if train is not None else 0, len(held_out) if held_out is not None else 0)
    if max(sizes) < 5:
        return None
    found = [_on_train(run, train, at, eval_found) for at in train_found if train is not None]
    told = {spike.at.step for spike in found if spike.other_rise is not None}
    found += [_on_eval(held_out, at, train) for at in eval_found if held_out is not None and at.step not in told]
    return Spikes(
        found=tuple(sorted(found, key=lambda spike: -spike.at.z)),
        rows=sizes[0],
        eval_rows=sizes[1],
        train_excursions=len(train_found),
    )


def _on_train(run: Measured, train: Series, at: Excursion, eval_found: tuple[Excursion, ...]) -> Spike:
    together = next((other for other in eval_found if other.step == at.step), None)
    gradient = run.gradient_outliers
    near = next((g for g in gradient if abs(g.row - at.row) <= 1), None) if gradient else None
    same_pass = together is not None and _logged_at_evaluations_only(run)
    kind: SpikeClass = "single-row" if at.rows == 1 else "several-rows"
    if at.recovered_step is None:
        kind = "unrecovered"
    elif together is not None:
        kind = "train-and-eval"
    elif near is not None:
        kind = "with-gradient"
    other = together.rise if together else None
    spike = Spike("train/loss", at, kind, other, near.z if near else None, _share_lost(train, at), decidable=True)
    return replace(spike, decidable=not same_pass)


def _on_eval(held_out: Series, at: Excursion, train: Series | None) -> Spike:
    kind: SpikeClass = "eval-only" if at.recovered_step is not None else "unrecovered"
    # Calm training rows around the evaluation say that the model was the same before and after it.
    around = np.abs(train.step - at.step) <= _interval(held_out) / 2 if train is not None else np.zeros(0, dtype=bool)
    calm = train is not None and bool(np.count_nonzero(around) >= 3)
    return Spike("eval/loss", at, kind, None, None, _share_lost(held_out, at), decidable=calm)


def _logged_at_evaluations_only(run: Measured) -> bool:
    """Whether the training loss is itself an evaluation: printed at the same steps as the evaluation loss only."""
    train, held_out = run.loss_rows, run.eval_rows
    if train is None or held_out is None:
        return False
    return len(train) <= len(held_out) + 2 and bool(np.isin(train.step, held_out.step).mean() > 0.9)


def _interval(series: Series) -> float:
    return float(np.median(np.diff(series.step))) if len(series) > 1 else 0.0


def _share_lost(series: Series, at: Excursion) -> float:
    gained = float(np.max(series.value[: max(1, min(at.row, 5))])) - at.expected
    return at.rise / gained if gained > 0 else float("inf")


def gradient_outliers_of(run: Measured) -> tuple[Excursion, ...] | None:
    """Excursions of the gradient norm; `None` when fewer than 20 positive finite norms were logged."""
    norm = run.record.get("train/grad_norm")
    if norm is None:
        return None
    norm = norm.final()
    norm = norm.where(np.isfinite(norm.value) & (norm.value > 0))
    return excursions(norm, gradient=True) if len(norm) >= 20 else None
