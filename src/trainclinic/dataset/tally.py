"""Counting rows that show something: how many were looked at, how many show it, and where the first ones stand.

Tallies of shards add up to the tally of the whole, whatever the borders. It does not know what is counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt

from trainclinic.record.source import Source

MOST_HITS = 1_000
"""Places that a tally remembers; further ones are counted only."""
Z95 = 1.959964


@dataclass(frozen=True, slots=True)
class Hit:
    """One row that shows it.

    Attributes:
        source: The row.
        says: What it shows, in a few words; may quote the row.
    """

    source: Source
    says: str


@dataclass(slots=True)
class Tally:
    """What was counted.

    Attributes:
        looked: Rows that were looked at.
        hits: Rows that show it.
        first: The first of them, in order of the data.
    """

    looked: int = 0
    hits: int = 0
    first: list[Hit] = field(default_factory=list)

    def add(self, source: Source, says: str | None) -> None:
        """Count one row.

        Args:
            source: The row.
            says: What it shows, or `None` when it does not.
        """
        self.looked += 1
        if says is not None:
            self.hits += 1
            if len(self.first) < MOST_HITS:
                self.first.append(Hit(source, says))

    def merged(self, later: Tally) -> Tally:
        """The tally of these rows and of later ones."""
        first = [*self.first, *later.first][:MOST_HITS]
        return Tally(self.looked + later.looked, self.hits + later.hits, first)

    @property
    def share(self) -> float:
        """Rows that show it among those that were looked at, 0-1."""
        return self.hits / self.looked if self.looked else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share when the rows are a random sample (Wilson 1927)."""
        return wilson(self.hits, self.looked)


def wilson(hits: int, looked: int) -> tuple[float, float]:
    """Score interval of a share at 95 % (Wilson 1927, J. Am. Stat. Assoc. 22).

    Args:
        hits: Successes.
        looked: Trials; with none the interval is 0 to 1.
    """
    if looked == 0:
        return 0.0, 1.0
    share, square = hits / looked, Z95 * Z95
    middle = share + square / (2 * looked)
    reach = Z95 * sqrt(share * (1 - share) / looked + square / (4 * looked * looked))
    whole = 1 + square / looked
    return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)
