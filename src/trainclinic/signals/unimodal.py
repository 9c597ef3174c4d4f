"""Least-squares fits to a sequence that first falls and then rises.

An evaluation curve has this shape whatever its speed, so what a fit leaves over is noise and not curvature. This module
knows sequences only; evaluations and losses are words of others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from trainclinic.record.series import Floats


@dataclass(frozen=True, slots=True)
class UnimodalFit:
    """A sequence as falling-then-rising levels.

    Attributes:
        fitted: Fitted values, `[n]`.
        levels: Number of distinct levels: the degrees of freedom that the fit used.
    """

    fitted: Floats
    levels: int


def fit_unimodal(value: Floats) -> UnimodalFit:
    """Fit falling values up to the minimum and rising values after it (pool adjacent violators on both sides).

    Args:
        value: Finite values in order, `[n]`, n >= 1.
    """
    bottom = int(np.argmin(value))
    left = pool_rising(value[: bottom + 1][::-1])
    right = pool_rising(value[bottom:])
    fitted = np.concatenate([left[::-1], right[1:]])
    return UnimodalFit(fitted, 1 + int(np.count_nonzero(np.diff(fitted))))


def pool_rising(value: Floats) -> Floats:
    """The non-decreasing sequence closest to `value` in least squares (Ayer et al. 1955, pool adjacent violators).

    Args:
        value: Values in order, `[n]`.
    """
    means: list[float] = []
    sizes: list[int] = []
    for item in value.tolist():
        mean, size = float(item), 1
        while means and means[-1] > mean:
            mean = (mean * size + means[-1] * sizes[-1]) / (size + sizes[-1])
            size += sizes.pop()
            means.pop()
        means.append(mean)
        sizes.append(size)
    return np.repeat(np.asarray(means, dtype=np.float64), sizes)
