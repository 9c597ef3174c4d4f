"""Tables of results, row against row: pairs that differ in one setting, and losses by sequence length.

It compares what was measured under settings that people name; it does not know steps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.signals.comparison_words import factors_of, words_of

if TYPE_CHECKING:
    from trainclinic.record.parts import Result
    from trainclinic.record.source import Source
    from trainclinic.signals.measured import Measured

LOSS = ("loss", "nll", "perplexity", "ppl")
MOVED = ("moved", "changed", "max_abs_delta", "delta")
_LENGTH = re.compile(r"seq\w*|\w*length|context\w*|block\w*|n_ctx|ctx\w*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One side of a pair.

    Attributes:
        value: What its setting says, e.g. `packed`.
        name: What was measured.
        loss: The measured number.
        beside: The settings that both sides share, for a sentence; empty when there are none.
        source: Where it stands.
    """

    value: str
    name: str
    loss: float
    beside: str
    source: Source


@dataclass(frozen=True, slots=True)
class LossAtLength:
    """A first loss and the sequence length it was measured with."""

    length: float
    loss: float
    source: Source


def result_pairs(
    results: Sequence[Result], factor: str, wanted: tuple[str, ...] = LOSS
) -> Iterator[tuple[Measurement, Measurement]]:
    """Rows that differ in one factor and in no other setting, the first measured name of `wanted` of each.

    Args:
        results: Rows of a table.
        factor: A factor of `comparison_words`.
        wanted: Words of names of what was measured.
    """
    for at, one in enumerate(results):
        for other in results[at + 1 :]:
            differing = [(name, mine, dict(other.settings).get(name)) for name, mine in one.settings]
            changed = [(name, mine, theirs) for name, mine, theirs in differing if mine != theirs]
            if len(changed) != 1 or changed[0][2] is None:
                continue
            mine, theirs = (factors_of(said or "").get(factor) for said in changed[0][1:])
            name = next((name for name, _ in one.values if words_of(name) & set(wanted) or name in wanted), "")
            left, right = dict(one.values).get(name), dict(other.values).get(name)
            if mine is None or theirs is None or mine == theirs or left is None or right is None:
                continue
            shared = ", ".join(said for _, said, same in differing if said == same)
            beside = f" with {shared}" if shared else ""
            yield (
                Measurement(mine, name, left, beside, one.source),
                Measurement(theirs, name, right, beside, other.source),
            )


def losses_by_length(run: Measured) -> list[LossAtLength]:
    """First losses by sequence length, the shortest first: from a table, else from the runs of the folder."""
    points = []
    for result in run.record.results:
        length = next((value for name, value in result.settings if _LENGTH.fullmatch(name)), "")
        loss = next((value for name, value in result.values if words_of(name) & set(LOSS)), None)
        if length.replace(".", "", 1).isdecimal() and loss is not None and np.isfinite(loss) and loss > 0:
            points.append(LossAtLength(float(length), loss, result.source))
    if not points:
        pairs = [pair for pair in run.pairs if set(pair.factors) == {"length"} and not pair.conflict]
        arms = [pairs[0].one, *(pair.other for pair in pairs)] if pairs else []
        points = [
            LossAtLength(float(arm.factors["length"]), arm.first, arm.loss.source(0))
            for arm in arms
            if arm.factors["length"].isdecimal() and np.isfinite(arm.first) and arm.first > 0
        ]
    return sorted(points, key=lambda point: point.length)
