"""A rule: one symptom that a room can look for, with its code, slug, severity and thresholds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from trainclinic.catalogue.verdict import Severity, Verdict

Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number that a rule decides by, with its reason.

    Attributes:
        name: What is compared, e.g. "robust z".
        value: The limit.
        unit: Its unit; `1` for a pure number.
        why: Why this number: a measurement, a source, or the cost of being wrong on either side.
    """

    name: str
    value: float
    unit: str
    why: str


@dataclass(frozen=True, slots=True)
class Rule(Generic[Subject]):
    """One catalogue entry. The docstring of its module is its page.

    Attributes:
        code: Three letters for what is examined and three digits; never reused.
        slug: Noun phrase after "this run shows ..."; never contains a cause.
        severity: How harmful the symptom is if true.
        needs: What the rule looks at, for the generated reference: series, facts, events.
        check: Looks at the room's subject and answers with a verdict; never raises on any readable input.
        thresholds: The numbers it decides by.
        since: Version of the first release with this rule.
    """

    code: str
    slug: str
    severity: Severity
    needs: tuple[str, ...]
    check: Callable[[Subject], Verdict]
    thresholds: tuple[Threshold, ...] = ()
    since: str = "0.1"
