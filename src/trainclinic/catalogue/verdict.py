"""The currency between rooms: three kinds of verdict, and the evidence they carry."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainclinic.record.source import Source


class Severity(enum.IntEnum):
    """How much harm a symptom does if it is there; never how sure we are, and never how probable a cause is."""

    NOTE = 0
    """Worth knowing; the result of the run is not worse for it."""
    WARNING = 1
    """Costs quality, time or money; the result can still be used."""
    HARMFUL = 2
    """The run failed, or its result must not be trusted until this is explained."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation, with the place it was read.

    Attributes:
        says: A sentence without full stop: the number, its unit and the step.
        source: File, line or key; `None` only for an observation over a whole series.
        step: The step it belongs to.
        series: Name of the series it is about, so that a chart can mark it.
    """

    says: str
    source: Source | None = None
    step: int | None = None
    series: str = ""


@dataclass(frozen=True, slots=True)
class Present:
    """The symptom is there.

    Attributes:
        evidence: At least one observation, the most telling first.
        means: What this means in this run, in one or two sentences; empty when the page says it all.
        settle: What would decide an open question about it in this run (a command, a line to log); may be empty.
        severity: Set only where this run's instance is milder than the rule's severity.
    """

    evidence: tuple[Evidence, ...]
    means: str = ""
    settle: str = ""
    severity: Severity | None = None

    def __post_init__(self) -> None:
        """Refuse a presence that shows nothing."""
        if not self.evidence:
            message = "a `Present` verdict needs at least one piece of evidence"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Absent:
    """We looked, and it is not there: this counts against causes that would have produced it.

    Attributes:
        evidence: What was looked at, with its number; may be empty where "none of n rows" is all there is to say.
    """

    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class NotEvaluated:
    """We could not look. This counts neither way.

    Attributes:
        missing: What to log or pass to make it possible, as a noun phrase.
    """

    missing: str


Verdict = Present | Absent | NotEvaluated
