"""What is known before a run is seen: how often each cause shows each finding, and how often it is there anyway.

Experts say it in words (the cause files) and in background rates (`tables/background/*.json`); labelled runs move both
(`tables/counts.json`, written by `scripts/fit_causes.py`). Expert words count as a number of imagined runs, so that a
cause with three labelled runs stays close to its mechanism.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainclinic.catalogue.cause import Cause
from trainclinic.causes.catalogue import all_causes

TABLES = Path(__file__).parent / "tables"
UNKNOWN = "unknown"
HEALTHY_FAMILY = "healthy-explanation"
EXPERT_RUNS = 8.0
"""Imagined runs behind an expert's frequency (Dirichlet pseudo-counts): 2 to 10 are customary."""
BACKGROUND_RUNS = 20.0
"""Imagined runs behind a background rate; they were set by looking at many more logs than causes have cases."""
HEALTHY_SHARE, UNKNOWN_SHARE = 0.4, 0.06
"""Of the runs that are brought to a diagnosis: nothing is wrong; the cause is none of those listed."""
ORDINARY, ORDINARY_SHARE = "normal-convergence", 0.75
"""Of the healthy runs, those that need no special explanation; trackers hold only those that puzzled someone."""
UNKNOWN_SCALE = 0.5
"""An unlisted cause shows a finding this often, relative to a typical listed one: half of what it does is new."""
HEURISTIC_CAP, DECISIVE_CAP = 3.0, 7.0
"""Largest weight of one verdict in nats: e^3 is 20 to 1, e^7 is 1,100 to 1."""
PERMISSION_CAP = 1.5
"""Largest weight in favour that a circumstance earns: it permits a cause, and is no sign of it."""
PERMISSIONS = "circumstances"
"""The background table whose findings are circumstances."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Background:
    """One finding apart from any cause.

    Attributes:
        rate: Share of runs in which it is present although no listed cause produces it.
        group: Findings that tend to be seen together; their weights are discounted.
        decisive: The finding is a proof (a library names the fault, a probe measured it), not a hint.
        permits: The finding is a circumstance.
        follows: It can be looked for only where another finding is present, so it is no question of its own.
    """

    rate: float
    group: str
    decisive: bool = False
    permits: bool = False
    follows: bool = False

    @property
    def cap_for(self) -> float:
        """Largest weight in favour of a cause, in nats."""
        return DECISIVE_CAP if self.decisive else PERMISSION_CAP if self.permits else HEURISTIC_CAP

    @property
    def cap_against(self) -> float:
        """Largest weight against a cause, in nats: what a cause cannot do without weighs in full when it is missing."""
        return DECISIVE_CAP if self.decisive else HEURISTIC_CAP


@dataclass(frozen=True, slots=True)
class Counts:
    """Labelled runs, counted.

    Attributes:
        shown: Cause, then finding: runs that show it, and runs in which it could be looked for.
        elsewhere: Finding: the same two numbers over runs whose cause does not expect it.
        cases: Number of labelled runs.
        sharpness: Factor on all evidence that describes them best.
    """

    shown: Mapping[str, Mapping[str, tuple[int, int]]] = field(default_factory=dict)
    elsewhere: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    cases: int = 0
    sharpness: float = 1.0


@dataclass(frozen=True, eq=False)
class Knowledge:
    """Everything the ledger weighs with, as arrays.

    Attributes:
        causes: Causes in the order of the rows; `unknown` is not among them.
        findings: Slugs in the order of the columns.
        shows: P(finding present because of the cause), shape `[cause, finding]`; 0 where the cause does not expect it.
        anyway: P(finding present without any cause), shape `[finding]`. Never below e^-cap, which is what caps the
            weight in favour: a hint is taken to be wrong in a run of twenty, however rare it seems, so that causes
            which show it always and causes which show it sometimes stay apart.
        unlisted: P(finding present because of a cause that is not listed), shape `[finding]`.
        cap_against: Largest weight against in nats, shape `[finding]`.
        proof: Whether the finding is a proof, shape `[finding]`.
        permits: Whether the finding is a circumstance, which no cause produces, shape `[finding]`.
        group: Index of the finding's group, shape `[finding]`.
        prior: Probability of each cause alone before anything is seen, shape `[cause]`.
        sharpness: Factor on all evidence, fitted to labelled runs: caps, floors and discounts are cautious, and caution
            that adds up is a bias of its own.
    """

    causes: tuple[Cause, ...]
    findings: tuple[str, ...]
    shows: Floats
    anyway: Floats
    unlisted: Floats
    cap_against: Floats
    proof: NDArray[np.bool_]
    permits: NDArray[np.bool_]
    group: NDArray[np.int64]
    prior: Floats
    sharpness: float = 1.0

    def column(self, finding: str) -> int | None:
        """Column of a finding, or `None` when no table knows it."""
        return _columns(self.findings).get(finding)


@cache
def _columns(findings: tuple[str, ...]) -> dict[str, int]:
    return {slug: index for index, slug in enumerate(findings)}


@cache
def background() -> dict[str, Background]:
    """Background rates by finding.

    Raises:
        ValueError: If two tables name one finding.
    """
    found: dict[str, Background] = {}
    for path in sorted((TABLES / "background").glob("*.json")):
        for slug, row in json.loads(path.read_text(encoding="utf-8")).items():
            if slug in found:
                message = f"`{slug}` stands in two background tables, the second is `{path.name}`"
                raise ValueError(message)
            found[slug] = Background(
                rate=float(row["rate"]),
                group=row["group"],
                decisive=bool(row.get("decisive", False)),
                permits=path.stem == PERMISSIONS,
                follows=bool(row.get("follows", False)),
            )
    return found


@cache
def fitted_counts() -> Counts:
    """The labelled runs that this release was fitted to."""
    raw = json.loads((TABLES / "counts.json").read_text(encoding="utf-8"))
    shown = {cause: {slug: (n[0], n[1]) for slug, n in row.items()} for cause, row in raw["shown"].items()}
    return Counts(shown, {slug: (n[0], n[1]) for slug, n in raw["elsewhere"].items()}, raw["cases"], raw["sharpness"])


@cache
def knowledge() -> Knowledge:
    """What this release knows: expert words moved by the labelled runs."""
    return build_knowledge(fitted_counts())


def build_knowledge(counts: Counts) -> Knowledge:
    """Put words, rates and counts together.

    Args:
        counts: Labelled runs; an empty `Counts` leaves the experts alone.
    """
    table = background()
    files = [file.cause for slug, file in all_causes().items() if slug != UNKNOWN]
    slugs = tuple(table)
    index = _columns(slugs)
    shows = np.zeros((len(files), len(slugs)))
    for row, cause in enumerate(files):
        seen = counts.shown.get(cause.slug, {})
        for expect in cause.expects:
            present, looked = seen.get(expect.finding, (0, 0))
            rate = (EXPERT_RUNS * float(expect.frequency) + present) / (EXPERT_RUNS + looked)
            shows[row, index[expect.finding]] = min(rate, 0.98)
    anyway = np.empty(len(slugs))
    for slug, column in index.items():
        present, looked = counts.elsewhere.get(slug, (0, 0))
        anyway[column] = (BACKGROUND_RUNS * table[slug].rate + present) / (BACKGROUND_RUNS + looked)
    cap_for = np.array([row.cap_for for row in table.values()])
    groups = {name: number for number, name in enumerate(dict.fromkeys(row.group for row in table.values()))}
    return Knowledge(
        causes=tuple(files),
        findings=slugs,
        shows=shows,
        anyway=np.clip(np.maximum(anyway, np.exp(-cap_for)), 0.0, 0.98),
        unlisted=np.clip(UNKNOWN_SCALE * _typical(shows), 0.0, 0.9),
        cap_against=np.array([row.cap_against for row in table.values()]),
        proof=np.array([row.decisive for row in table.values()]),
        permits=np.array([row.permits for row in table.values()]),
        group=np.array([groups[row.group] for row in table.values()]),
        prior=_priors(files),
        sharpness=counts.sharpness,
    )


def _typical(shows: Floats) -> Floats:
    """How often a cause of some kind shows a finding: between the mean over all causes and over those that expect it.

    The geometric mean of the two: an unlisted cause is of one kind, and nobody knows which.
    """
    expecting = np.maximum((shows > 0).sum(axis=0), 1)
    typical: Floats = np.sqrt(shows.mean(axis=0) * shows.sum(axis=0) / expecting)
    return typical


def _priors(causes: list[Cause]) -> Floats:
    """Field frequencies, damped by a square root: issue trackers over-count what can be found by its symptom."""
    raw = np.sqrt(np.array([cause.incidents for cause in causes]) + 1.0)
    ordinary = np.array([cause.slug == ORDINARY for cause in causes])
    special = np.array([cause.family == HEALTHY_FAMILY for cause in causes]) & ~ordinary
    fault = ~ordinary & ~special
    prior = np.zeros(len(causes))
    prior[ordinary] = HEALTHY_SHARE * ORDINARY_SHARE
    prior[special] = HEALTHY_SHARE * (1.0 - ORDINARY_SHARE) * raw[special] / raw[special].sum()
    prior[fault] = (1.0 - HEALTHY_SHARE - UNKNOWN_SHARE) * raw[fault] / raw[fault].sum()
    return prior
