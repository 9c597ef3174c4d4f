"""Runs that differ in one thing, as verdicts: the same questions for every rule that compares.

It knows when a difference counts. It does not know what a difference means: rules say that.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.signals.result_pairs import result_pairs

if TYPE_CHECKING:
    from trainclinic.record.source import Source
    from trainclinic.signals.comparisons import Arm, Pair
    from trainclinic.signals.measured import Measured

APART = Threshold(
    "relative difference over the later half of the shared rows",
    0.05,
    "1",
    "another order of the data moves single rows by more, and no half of a run by so much with one sign",
)
FIRST_APART = Threshold(
    "relative difference of the first losses", 0.25, "1", "two first batches of one data set differ by less"
)
ALIKE = Threshold("the same, for runs that count as alike", 0.02, "1", "below the noise of ten logged rows")
LARGE = Threshold("relative difference that no seed makes", 0.5, "1", "runs of one model and one data set stay nearer")
_WORDS = {"rate": "the learning rate", "batch": "the batch size", "settings": "other settings", "packing": "packing"}


def changed_alone(run: Measured, factor: str, missing: str) -> list[Pair] | NotEvaluated:
    """Pairs of runs that differ in one thing and can be compared; else what is missing.

    Args:
        run: The run with its companions.
        factor: What must differ.
        missing: What to provide when no pair differs in it.
    """
    pairs = [pair for pair in run.pairs if factor in pair.factors]
    if not pairs:
        return NotEvaluated(missing=missing)
    comparable = [pair for pair in pairs if not pair.conflict]
    if not comparable:
        return NotEvaluated(missing=f"a second run with the same `{pairs[0].conflict}`")
    alone = [pair for pair in comparable if set(pair.factors) == {factor}]
    if not alone:
        others = ", ".join(_word(other) for other in comparable[0].factors if other != factor)
        return NotEvaluated(missing=f"a second run that differs in {_word(factor)} alone, and not in {others} too")
    together = [pair for pair in alone if pair.overlaps]
    return together or NotEvaluated(missing="losses of both runs at the same steps")


def parted(run: Measured, factor: str, missing: str) -> Verdict:
    """Whether runs that differ in one thing begin alike and part after an update.

    Args:
        run: The run with its companions.
        factor: What differs between the runs.
        missing: What to provide when there is no second run.
    """
    pairs = changed_alone(run, factor, missing)
    if isinstance(pairs, NotEvaluated):
        return pairs
    alike = [pair for pair in pairs if abs(pair.first_ratio - 1.0) <= ALIKE.value]
    if not alike:
        return NotEvaluated(missing="two runs whose first losses agree")
    for pair in alike:
        if said := difference(pair, APART.value):
            return Present((*shown(pair, factor), said))
    return Absent(shown(alike[0], factor))


def compared(
    run: Measured, factor: str, missing: str, apart: float = APART.value, reference: tuple[str, ...] = ()
) -> Verdict:
    """Whether the losses of runs that differ in one thing differ too.

    Args:
        run: The run with its companions.
        factor: What differs between the runs.
        missing: What to provide when there is no second run.
        apart: Relative difference over the later half that counts.
        reference: Values of the factor that others are measured by: a run with one of them is hardly the wrong one.
    """
    if verdict := _listed(run, factor, apart):
        return verdict
    pairs = changed_alone(run, factor, missing)
    if isinstance(pairs, NotEvaluated):
        return pairs
    for pair in pairs:
        if said := difference(pair, apart):
            is_reference = pair.factors[factor][0] in reference and not pair.one.is_broken
            severity = None if _is_large(pair) and not is_reference else Severity.WARNING
            return Present((*shown(pair, factor), said), severity=severity)
    pair = pairs[0]
    if abs(pair.lasting) <= max(ALIKE.value, apart / 2) and not pair.one.is_broken:
        return Absent(shown(pair, factor))
    return NotEvaluated(missing=f"more rows of both runs: {len(pair.shared[0])} are shared, and they differ little")


def _listed(run: Measured, factor: str, apart: float) -> Verdict | None:
    """The answer of a table or list of results, where one has a pair of rows that differ in the factor alone."""
    for one, other in result_pairs(run.record.results, factor):
        both = f"{one.value}: {number(one.loss)}, {other.value}: {number(other.loss)}{one.beside}"
        if not (math.isfinite(one.loss) and math.isfinite(other.loss)):
            if math.isfinite(one.loss) == math.isfinite(other.loss):
                continue
            return Present((Evidence(both, one.source), Evidence("only one of them is finite", other.source)))
        high, low = max(one.loss, other.loss), min(one.loss, other.loss)
        far = high / low - 1.0 if low > 0 else math.inf
        shown = (Evidence(f"{both} ({percent(far)} apart)", one.source),)
        if far < apart:
            return Absent(shown)
        return Present(shown, severity=None if far >= LARGE.value else Severity.WARNING)
    return None


def difference(pair: Pair, apart: float) -> Evidence | None:
    """What differs between two runs, as one sentence; `None` when nothing does."""
    one, other = pair.one, pair.other
    if one.is_broken != other.is_broken:
        bad, good = (one, other) if one.is_broken else (other, one)
        says = f"`{bad.name}` has no valid loss from step {bad.onset} on, `{good.name}` stays finite"
        return Evidence(says, _source(bad))
    if math.isfinite(pair.first_ratio) and abs(pair.first_ratio - 1) >= max(FIRST_APART.value, apart):
        says = f"the first losses differ by a factor of {number(max(pair.first_ratio, 1 / pair.first_ratio), 3)}"
        return Evidence(says, _source(one), int(one.loss.step[0]))
    if math.isfinite(pair.lasting) and abs(pair.lasting) >= apart:
        higher = "higher" if pair.lasting > 0 else "lower"
        says = f"over the later half `{one.name}` is {percent(abs(pair.lasting))} {higher} than `{other.name}`"
        return Evidence(says, _source(one), int(one.loss.step[-1]))
    return None


def _word(factor: str) -> str:
    return _WORDS.get(factor, f"the {factor}")


def shown(pair: Pair, factor: str) -> tuple[Evidence, Evidence]:
    """Both runs with their first and last losses."""
    mine, theirs = pair.factors.get(factor, ("", ""))
    return _arm(pair.one, mine), _arm(pair.other, theirs)


def _arm(arm: Arm, value: str) -> Evidence:
    said = f" ({value})" if value and value not in arm.words else ""
    first, last = float(arm.values[0]), float(arm.values[-1])
    if len(arm.values) == 1:
        return Evidence(f"`{arm.name}`{said}: loss {number(first)}", _source(arm), int(arm.loss.step[0]))
    steps = f"step {arm.loss.step[0]} to {arm.loss.step[-1]}"
    return Evidence(f"`{arm.name}`{said}: loss {number(first)} to {number(last)}, {steps}", _source(arm))


def _source(arm: Arm) -> Source:
    return arm.loss.source(0)


def _is_large(pair: Pair) -> bool:
    ratios = [abs(value) for value in (pair.first_ratio - 1, pair.lasting) if math.isfinite(value)]
    return pair.one.is_broken != pair.other.is_broken or bool(np.max(ratios, initial=0.0) >= LARGE.value)
