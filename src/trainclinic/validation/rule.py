"""A rule on a finished model: one symptom, answered from what was measured.

It knows how rows are compared. It does not know any particular rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Severity, Verdict
from trainclinic.catalogue.wording import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.validation.tested import Losses, Tested

SINCE = "0.8"
SHOWN = 3
"""Names that a verdict lists."""
HELD_OUT = "held-out rows (`--data`)"
_NORMAL_95 = 1.96


def model_rule(
    *, code: str, slug: str, severity: Severity, needs: tuple[str, ...], check: Callable[[Tested], Verdict],
    thresholds: tuple[Threshold, ...] = (),
) -> Rule[Tested]:  # fmt: skip
    """A rule of this room.

    Args:
        code: Three letters and three digits; never reused.
        slug: Noun phrase after "this model shows ...".
        severity: How harmful the symptom is if true.
        needs: What it looks at, for the generated reference.
        check: Looks at what was measured.
        thresholds: The numbers it decides by.
    """
    return Rule(code, slug, severity, needs, check, thresholds, SINCE)


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more one side loses per token than the other, over the same rows.

    Attributes:
        nats: Mean difference per token, nats.
        spread: Half of its 95 % interval over rows; infinite with fewer than three rows.
        rows: Rows that were compared.
    """

    nats: float
    spread: float
    rows: int

    def __str__(self) -> str:
        """`0.312 ± 0.05 nats/token over 40 rows`."""
        around = f" ± {number(self.spread, 2)}" if np.isfinite(self.spread) else ""
        return f"{number(self.nats, 3)}{around} nats/token over {self.rows:,} rows"


def difference(one: Losses, other: Losses) -> Difference:
    """Losses of `one` above those of `other` on the same rows, per token of `one`.

    The spread is that of a ratio estimate: 1.96 times the standard error of the row sums about the common ratio, over
    the mean number of tokens (Cochran 1977, section 6.3).

    Args:
        one: Losses of rows.
        other: Losses of the same rows; more rows than those of `one` are left out.
    """
    count = min(len(one.sums), len(other.sums))
    sizes: NDArray[np.float64] = one.tokens[:count].astype(np.float64)
    known = (sizes > 0) & (other.tokens[:count] > 0)
    apart, sizes = (one.sums[:count] - other.sums[:count])[known], sizes[known]
    rows = int(known.sum())
    if not rows:
        return Difference(0.0, float("inf"), 0)
    ratio = float(apart.sum() / sizes.sum())
    if rows < _FEWEST_ROWS:
        return Difference(ratio, float("inf"), rows)
    rest = apart - ratio * sizes
    error = float(np.sqrt((rest**2).sum() / (rows - 1) / rows) / sizes.mean())
    return Difference(ratio, _NORMAL_95 * error, rows)


_FEWEST_ROWS = 3


def not_measured(tested: Tested, what: str, otherwise: str = HELD_OUT) -> NotEvaluated:
    """Why a rule cannot answer.

    Args:
        tested: What was measured.
        what: Attribute that it needs.
        otherwise: What to say when nothing else is known.
    """
    return NotEvaluated(tested.needs(what, otherwise))


def named(names: tuple[str, ...]) -> str:
    """The first few names in back-ticks, and how many more there are.

    Args:
        names: The names.
    """
    shown = ", ".join(f"`{name}`" for name in names[:SHOWN])
    more = len(names) - SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown
