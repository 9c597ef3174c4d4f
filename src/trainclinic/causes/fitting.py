"""Fit the tables to labelled runs: count what each cause showed, and find how sharply evidence should count.

Nothing else is learned. Most causes have a handful of labelled runs, so the form of the knowledge (which finding a
cause produces, and why) stays with its file, and counts only move the frequencies that stand there.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from trainclinic.causes.catalogue import all_causes
from trainclinic.causes.knowledge import Counts, Knowledge, background, build_knowledge
from trainclinic.causes.ledger import weigh

SHARPNESSES = (1.0, 1.25, 1.5, 1.75, 2.0)
"""Factors that are tried. Above 2 a single hint of 3 nats would outweigh every prior."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A run whose cause is known.

    Attributes:
        cause: Slug of its cause.
        states: Slug of every finding that could be looked for, and whether it is present.
        accepted: Slugs that count as right, the cause among them; empty means the cause alone.
        source: What it shares with other runs: runs of one source are held out together.
        harmful: Whether a symptom is present that no healthy run has.
    """

    cause: str
    states: Mapping[str, bool]
    accepted: frozenset[str] = frozenset()
    source: str = ""
    harmful: bool = False


def count(runs: Iterable[Labelled]) -> Counts:
    """Count what labelled runs show.

    Args:
        runs: Runs with their causes. Causes that are not in the catalogue are an error of the label.

    Raises:
        KeyError: If a label is no cause.
    """
    known = background().keys()
    expected = {slug: {e.finding for e in file.cause.expects} for slug, file in all_causes().items()}
    shown: dict[str, dict[str, list[int]]] = defaultdict(dict)
    elsewhere: dict[str, list[int]] = {}
    cases = 0
    for run in runs:
        cases += 1
        own = expected[run.cause]
        for finding, present in run.states.items():
            if finding not in known:  # a mistake in a script that speaks for no cause
                continue
            row = shown[run.cause] if finding in own else elsewhere
            counted = row.setdefault(finding, [0, 0])
            counted[0] += present
            counted[1] += 1
    return Counts(
        {cause: {f: (n[0], n[1]) for f, n in sorted(row.items())} for cause, row in sorted(shown.items()) if row},
        {finding: (n[0], n[1]) for finding, n in sorted(elsewhere.items())},
        cases,
    )


@dataclass(frozen=True, eq=False)
class Folds:
    """Labelled runs by source, and how well each factor described each run when its source was held out.

    Attributes:
        runs: The runs.
        losses: Squared error of the first probability, shape `[run, factor]`.
    """

    runs: Sequence[Labelled]
    losses: NDArray[np.float64]

    def sharpness(self, without: str | None = None) -> float:
        """The factor with the smallest mean loss.

        Args:
            without: A source that is left out.
        """
        kept = np.array([run.source != without for run in self.runs])
        return SHARPNESSES[int(np.argmin(self.losses[kept].sum(axis=0)))]

    def knowledge(self, without: str | None = None) -> Knowledge:
        """Tables that have seen every run but those of one source.

        Args:
            without: That source; `None` keeps all.
        """
        counts = count(run for run in self.runs if run.source != without)
        return build_knowledge(replace(counts, sharpness=self.sharpness(without)))


def make_folds(runs: Sequence[Labelled]) -> Folds:
    """Judge every run by tables without its source, once per factor.

    Args:
        runs: At least one run; causes as in `count`.
    """
    losses = np.empty((len(runs), len(SHARPNESSES)))
    for source in dict.fromkeys(run.source for run in runs):
        known = build_knowledge(count(run for run in runs if run.source != source))
        for row, run in enumerate(runs):
            if run.source == source:
                losses[row] = [_loss(run, replace(known, sharpness=factor)) for factor in SHARPNESSES]
    return Folds(runs, losses)


def _loss(run: Labelled, known: Knowledge) -> float:
    """Squared error of the first probability (Brier 1950): it is the number that a reader acts on."""
    ledger = weigh(run.states, known, harmful=run.harmful)
    first = int(np.argmax(ledger.probability))
    right = known.causes[first].slug in (run.accepted or {run.cause})
    return float((ledger.probability[first] - right) ** 2)


def fit(runs: Sequence[Labelled]) -> Counts:
    """The table of a release: all counts, and the factor that described held-out runs best."""
    return replace(count(runs), sharpness=make_folds(runs).sharpness())


def to_json(counts: Counts) -> str:
    """The table as it stands in the repository: one cause a line."""
    rows = [f"    {json.dumps(cause)}: {json.dumps(row)}" for cause, row in counts.shown.items()]
    cells = [f"    {json.dumps(finding)}: {json.dumps(n)}" for finding, n in counts.elsewhere.items()]
    parts = [
        f'  "cases": {counts.cases}',
        f'  "sharpness": {counts.sharpness}',
        '  "shown": {\n' + ",\n".join(rows) + "\n  }",
        '  "elsewhere": {\n' + ",\n".join(cells) + "\n  }",
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"
