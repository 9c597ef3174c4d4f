"""Where a learning curve bends: a continuous piecewise-linear fit in the logarithm of the step.

A smooth descent is nearly straight in log(step), so a bend there is a change of behaviour. (Methods that look for
changes of level cut a smooth descent into stairs.) At most four knots; a knot must pay for itself by BIC with the
number of independent points, not of rows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.signals.binning import lag_one

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.signals.binning import Bins

    Floats = NDArray[np.float64]

MOST_KNOTS = 4
_CANDIDATES = 24
_EDGE = 3


def bends(bins: Bins) -> tuple[float, ...]:
    """Steps at which the curve bends, ascending; empty when a straight line in log(step) does as well.

    Args:
        bins: The curve, at least ten bins for any answer.
    """
    size = bins.value.size
    if size < 10:
        return ()
    origin = bins.step[0] - max(1.0, float(bins.step[1] - bins.step[0]))
    x = np.log(bins.step - origin)
    evenly = np.linspace(x[_EDGE], x[size - 1 - _EDGE], _CANDIDATES)
    places = np.unique(np.clip(np.searchsorted(x, evenly), _EDGE, size - 1 - _EDGE))
    chosen: list[int] = []
    residual = _residual(x, bins.value, chosen)
    independent = _independent(residual)
    best = _bic(residual, independent, 0)
    for _ in range(MOST_KNOTS):
        trials = [(p, _residual(x, bins.value, [*chosen, p])) for p in places.tolist() if _is_apart(p, chosen)]
        if not trials:
            break
        place, rest = min(trials, key=lambda trial: float(np.dot(trial[1], trial[1])))
        score = _bic(rest, independent, len(chosen) + 1)
        if score >= best:
            break
        chosen, best = [*chosen, place], score
    return tuple(float(bins.step[p]) for p in sorted(chosen))


def _is_apart(place: int, chosen: list[int]) -> bool:
    return all(abs(place - other) >= _EDGE for other in chosen)


def _residual(x: Floats, y: Floats, knots: list[int]) -> Floats:
    columns = [np.ones_like(x), x, *(np.maximum(x - x[k], 0.0) for k in knots)]
    basis = np.stack(columns, axis=1)
    solution = np.linalg.lstsq(basis, y, rcond=None)[0]
    return np.asarray(y - basis @ solution, dtype=np.float64)


def _independent(residual: Floats) -> float:
    # Misfit correlates the residuals of the straight line, so the correlation is taken from their differences:
    # those of AR(1) noise have lag-1 correlation -(1 - phi) / 2.
    phi = float(np.clip(1.0 + 2.0 * lag_one(np.diff(residual)), 0.0, 0.95))
    return max(4.0, residual.size * (1.0 - phi) / (1.0 + phi))


def _bic(residual: Floats, independent: float, knots: int) -> float:
    """Two parameters a knot: its place and its bend."""
    variance = max(float(np.mean(residual**2)), 1e-12)
    return independent * math.log(variance) + 2.0 * knots * math.log(independent)
