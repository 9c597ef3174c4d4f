"""Run every rule of this room over one data set.

It knows how rules are found, asked and put in order. It does not know what the user wants to see.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from trainclinic.catalogue.finding import Finding, in_order
from trainclinic.catalogue.load import Entry, load_entries
from trainclinic.catalogue.verdict import NotEvaluated, Verdict
from trainclinic.dataset.rule import FindInRow, RowRule

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

CANNOT_FINISH = "a rule that can finish on these data: please report it"
INTERRUPTED = "time to look: it was interrupted"


@cache
def all_rules() -> dict[str, Entry[Data]]:
    """Every rule of this room, by code."""
    from trainclinic.dataset import rules

    return load_entries(rules)


def row_questions() -> dict[str, FindInRow]:
    """What the row rules ask of each row, by code."""
    return {code: entry.rule.find for code, entry in all_rules().items() if isinstance(entry.rule, RowRule)}


def examine(data: Data, rules: Iterable[Entry[Data]] | None = None, *, strict: bool = False) -> tuple[Finding, ...]:
    """Ask rules about the data; one that breaks off takes no other down.

    An interrupt from the keyboard ends the asking: what was answered until then is kept.

    Args:
        data: The data.
        rules: Which rules to ask; all of them by default.
        strict: Let the exception of a rule through instead of answering "not evaluated": tests want to see it.

    Returns:
        Present findings first, the most harmful first, then by code.
    """
    found: list[Finding] = []
    is_interrupted = False
    for entry in all_rules().values() if rules is None else rules:
        verdict: Verdict = NotEvaluated(INTERRUPTED)
        if not is_interrupted:
            try:
                verdict = _verdict(entry, data, strict=strict)
            except KeyboardInterrupt:
                is_interrupted = True
        found.append(Finding(entry, verdict))
    return tuple(sorted(found, key=in_order))


def _verdict(entry: Entry[Data], data: Data, *, strict: bool) -> Verdict:
    try:
        return entry.rule.check(data)
    except Exception:
        if strict:
            raise
        return NotEvaluated(CANNOT_FINISH)
