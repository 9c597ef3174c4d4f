"""Count labelled runs: how often each cause showed what it is expected to show.

Nothing else is learned. Most causes have a handful of labelled runs, so the form of the knowledge (which finding a
cause produces, and why) stays with its file, and counts only move the frequencies that stand there.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from trainclinic.causes.catalogue import all_causes
from trainclinic.causes.knowledge import Counts


@dataclass(frozen=True, slots=True)
class Labelled:
    """A run whose cause is known.

    Attributes:
        cause: Slug of its cause.
        states: Slug of every finding that could be looked for, and whether it is present.
    """

    cause: str
    states: Mapping[str, bool]


def count(runs: Iterable[Labelled]) -> Counts:
    """Count what labelled runs show.

    Args:
        runs: Runs with their causes. Causes that are not in the catalogue are an error of the label.

    Raises:
        KeyError: If a label is no cause.
    """
    expected = {slug: {e.finding for e in file.cause.expects} for slug, file in all_causes().items()}
    shown: dict[str, dict[str, list[int]]] = defaultdict(dict)
    elsewhere: dict[str, list[int]] = {}
    cases = 0
    for run in runs:
        cases += 1
        own = expected[run.cause]
        for finding, present in run.states.items():
            row = shown[run.cause] if finding in own else elsewhere
            counted = row.setdefault(finding, [0, 0])
            counted[0] += present
            counted[1] += 1
    return Counts(
        {cause: {f: (n[0], n[1]) for f, n in sorted(row.items())} for cause, row in sorted(shown.items()) if row},
        {finding: (n[0], n[1]) for finding, n in sorted(elsewhere.items())},
        cases,
    )


def to_json(counts: Counts) -> str:
    """The table as it stands in the repository: one cause a line."""
    rows = ",\n".join(f"    {json.dumps(cause)}: {json.dumps(row)}" for cause, row in counts.shown.items())
    cells = [f"    {json.dumps(finding)}: {json.dumps(n)}" for finding, n in counts.elsewhere.items()]
    return (
        f'{{\n  "cases": {counts.cases},\n  "shown": {{\n{rows}\n  }},\n  "elsewhere": {{\n'
        + ",\n".join(cells)
        + "\n  }\n}\n"
    )
