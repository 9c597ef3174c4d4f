"""One word for a whole run: sick, healthy or undetermined, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.catalogue.wording import count, listed, words

if TYPE_CHECKING:
    from trainclinic.catalogue.finding import Finding
    from trainclinic.signals.measured import Measured

Word = Literal["healthy", "sick", "undetermined"]

ENOUGH_ROWS = Threshold(
    "finite training-loss rows",
    4,
    "rows",
    "three points tell neither a trend nor its absence from noise; a crashed or cut run must not read as healthy",
)
TIME_ONLY_GROUPS = frozenset({"speed"})
"""A run that lost time learned what it learned: warnings of these groups do not put the result in doubt."""


@dataclass(frozen=True, slots=True)
class Overall:
    """The verdict on a run.

    Attributes:
        word: `sick` when a harmful symptom is present; `healthy` when enough was logged and nothing speaks against the
            result; `undetermined` otherwise.
        reason: Why, in one clause.
    """

    word: Word
    reason: str


def overall_verdict(measured: Measured, findings: Sequence[Finding]) -> Overall:
    """Weigh the findings of one run.

    Args:
        measured: The run; asked only for how much was logged.
        findings: Every rule's answer, present ones first.
    """
    present = [finding for finding in findings if finding.is_present]
    harmful = [finding for finding in present if finding.severity is Severity.HARMFUL]
    if harmful:
        return Overall("sick", f"{count(len(harmful), 'harmful finding')}: {_names(harmful)}")
    rows = measured.train_loss
    finite = int(np.isfinite(rows.value).sum()) if rows is not None else 0
    if finite < ENOUGH_ROWS.value:
        rows_known = f"only {count(finite, 'finite training-loss row')}" if finite else "no finite training-loss row"
        return Overall("undetermined", f"{rows_known} to judge by")
    doubts = [f for f in present if f.severity is Severity.WARNING and f.entry.group not in TIME_ONLY_GROUPS]
    if doubts:
        verb = "puts" if len(doubts) == 1 else "put"
        return Overall("undetermined", f"nothing harmful is certain, but {_names(doubts)} {verb} the result in doubt")
    return Overall("healthy", f"no harmful or doubtful symptom in {count(finite, 'training-loss row')}")


def _names(findings: Sequence[Finding], limit: int = 3) -> str:
    names = [words(finding.entry.rule.slug) for finding in findings]
    return listed(names if len(names) <= limit else [*names[:limit], f"{len(names) - limit} more"])
