"""Score ranked causes against labelled runs; used by `accuracy.py`. Plain arithmetic, no fitting."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from trainclinic.catalogue.verdict import Present
from trainclinic.causes.catalogue import all_causes
from trainclinic.diagnosis.labelled import LabelledRun

FLOOR = 0.02
"""Causes below this probability are not counted as named."""
BINS = 10


@dataclass(frozen=True, slots=True)
class Scored:
    """One labelled run and what was said about it.

    Attributes:
        run: The labelled run.
        ranked: Causes with probability, the most probable first.
        verdict: The verdict on the run.
        tests: Slugs of the proposed next tests.
    """

    run: LabelledRun
    ranked: tuple[tuple[str, float], ...]
    verdict: str
    tests: tuple[str, ...] = ()

    @property
    def named(self) -> list[str]:
        """Causes that were named with some probability, the first first."""
        return [slug for slug, p in self.ranked if p >= FLOOR]

    @property
    def top(self) -> str | None:
        """The first cause."""
        return self.named[0] if self.named else None

    @property
    def top_probability(self) -> float:
        """Its probability."""
        return self.ranked[0][1] if self.named else 0.0

    @property
    def rank(self) -> int | None:
        """Rank of the first accepted cause, from 1; `None` when none was named."""
        return next((i for i, slug in enumerate(self.named, 1) if slug in self.run.accepted), None)

    @property
    def right(self) -> bool:
        """Whether the first cause is accepted; where the truth is not known, naming none is right too."""
        return self.top in self.run.accepted or (
            self.top is None and self.run.cause == "unknown" and not self.run.error
        )

    @property
    def family_right(self) -> bool:
        """Whether the first cause is of the family of an accepted one."""
        families = {family_of(slug) for slug in self.run.accepted}
        return self.top is not None and family_of(self.top) in families

    @property
    def violation(self) -> tuple[str, ...]:
        """Forbidden causes that stand above every accepted one."""
        rank = self.rank or math.inf
        return tuple(slug for i, slug in enumerate(self.named, 1) if slug in self.run.must_not and i < rank)

    @property
    def verdict_right(self) -> bool:
        """Whether the verdict on the run is right."""
        return self.verdict == self.run.verdict or (self.run.accept_undetermined and self.verdict == "undetermined")


@dataclass(slots=True)
class Summary:
    """Rates over some runs; counts are kept so that intervals can be given."""

    rows: list[Scored] = field(default_factory=list)

    def share(self, what: Callable[[Scored], bool]) -> tuple[int, int]:
        """How many rows of how many."""
        return sum(bool(what(row)) for row in self.rows), len(self.rows)

    @property
    def top1(self) -> tuple[int, int]:
        """First cause accepted."""
        return self.share(lambda row: row.right)

    @property
    def top3(self) -> tuple[int, int]:
        """An accepted cause among the first three."""
        return self.share(lambda row: row.right or (row.rank is not None and row.rank <= 3))

    @property
    def family(self) -> tuple[int, int]:
        """First cause of the right family."""
        return self.share(lambda row: row.family_right)

    @property
    def strict(self) -> tuple[int, int]:
        """First cause exactly the labelled one."""
        return self.share(lambda row: row.top == row.run.cause)

    @property
    def violations(self) -> tuple[int, int]:
        """A forbidden cause above the truth."""
        return self.share(lambda row: bool(row.violation))

    @property
    def verdicts(self) -> tuple[int, int]:
        """Verdict on the run right."""
        return self.share(lambda row: row.verdict_right)

    @property
    def false_alarms(self) -> tuple[int, int]:
        """Healthy runs called sick."""
        healthy = [row for row in self.rows if row.run.verdict == "healthy"]
        return sum(row.verdict == "sick" for row in healthy), len(healthy)

    @property
    def brier(self) -> float:
        """Mean squared error of the first probability."""
        rows = [row for row in self.rows if row.named]
        return sum((row.top_probability - row.right) ** 2 for row in rows) / max(len(rows), 1)

    def reliability(self) -> list[tuple[float, float, int]]:
        """Mean probability, share right, and rows, per tenth of probability."""
        table = []
        for number in range(BINS):
            rows = [r for r in self.rows if r.named and min(int(r.top_probability * BINS), BINS - 1) == number]
            if rows:
                mean = sum(r.top_probability for r in rows) / len(rows)
                table.append((mean, sum(r.right for r in rows) / len(rows), len(rows)))
        return table

    @property
    def calibration_error(self) -> float:
        """Expected calibration error (Naeini, Cooper and Hauskrecht 2015) with ten equal bins."""
        table = self.reliability()
        total = sum(n for _, _, n in table)
        return sum(n * abs(mean - right) for mean, right, n in table) / max(total, 1)

    def calibration_error_by_chance(self, draws: int = 2000) -> float:
        """The same error for a judge whose probabilities are exactly right: few runs scatter in their bins.

        Args:
            draws: Simulated outcomes, from a fixed seed.
        """
        said = [row.top_probability for row in self.rows if row.named]
        bins = [min(int(p * BINS), BINS - 1) for p in said]
        random = Random(0)
        total = 0.0
        for _ in range(draws):
            off = [0.0] * BINS
            for p, number in zip(said, bins, strict=True):
                off[number] += p - (random.random() < p)
            total += sum(map(abs, off)) / max(len(said), 1)
        return total / draws


def family_of(slug: str) -> str:
    """Family of a cause; the slug itself when it is none of the catalogue."""
    file = all_causes().get(slug)
    return file.cause.family if file else slug


def wilson(right: int, total: int) -> tuple[float, float]:
    """95 % interval of a rate (Wilson 1927)."""
    if not total:
        return 0.0, 1.0
    z = 1.96
    rate, scale = right / total, 1 + z * z / total
    centre = rate + z * z / (2 * total)
    half = z * math.sqrt(rate * (1 - rate) / total + z * z / (4 * total * total))
    return (centre - half) / scale, (centre + half) / scale


def grouped(rows: Iterable[Scored], keys: Callable[[Scored], Sequence[str]]) -> dict[str, Summary]:
    """Rows by key; a row can stand under several."""
    found: dict[str, Summary] = {}
    for row in rows:
        for key in keys(row):
            found.setdefault(key, Summary()).rows.append(row)
    return dict(sorted(found.items()))


def two_lines(run: LabelledRun) -> tuple[str, str]:
    """The baseline: NaN or mostly zeros means float16 overflow, everything else is normal."""
    seen = {"nan-loss", "nan-gradient-norm", "loss-exactly-zero", "nan-eval-loss"}
    present = {a.slug for a in run.answers if isinstance(a.verdict, Present)}
    return ("fp16-range-overflow", "sick") if present & seen else ("normal-convergence", "healthy")
