"""A cause: what may stand behind symptoms, how often it shows each of them, and what excludes it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal

from trainclinic.catalogue.verdict import Absent, Present, Verdict

Family = Literal[
    "numeric-precision",
    "kernels-and-backends",
    "loss-definition",
    "supervised-tokens",
    "tokens-and-templates",
    "trainable-parameters",
    "optimisation",
    "state-and-parallelism",
    "data",
    "merge-and-export",
    "throughput",
    "evaluation-and-reporting",
    "healthy-explanation",
    "undetermined",
]
Decider = Literal["log", "config", "environment", "script", "data", "generation", "probe"]


class Frequency(float, enum.Enum):
    """How many runs with a cause show a symptom, among those in which it could be looked for.

    Five words are as fine as expert judgement is; labelled runs move the numbers from there.
    """

    ALWAYS = 0.95
    USUALLY = 0.8
    OFTEN = 0.5
    SOMETIMES = 0.25
    RARELY = 0.1


ALWAYS, USUALLY, OFTEN, SOMETIMES, RARELY = Frequency


@dataclass(frozen=True, slots=True)
class Expect:
    """A symptom or circumstance that a cause produces or needs.

    Attributes:
        finding: Slug of the symptom or circumstance.
        frequency: How many runs with the cause show it.
        why: The mechanism, in one clause that completes "because": it is printed beside the evidence.
    """

    finding: str
    frequency: Frequency
    why: str


@dataclass(frozen=True, slots=True)
class Excluded:
    """A verdict that cannot be reconciled with a cause.

    Attributes:
        finding: Slug of the symptom or circumstance.
        because: Why both cannot be true, in one clause without full stop.
        when: Which verdict excludes.
    """

    finding: str
    because: str
    when: Literal["present", "absent"] = "present"

    def fires_on(self, verdict: Verdict) -> bool:
        """Whether a verdict on the finding is the one that excludes."""
        return isinstance(verdict, Present if self.when == "present" else Absent)


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause. The docstring of its module is its page.

    Attributes:
        slug: Noun phrase after "because of".
        title: What it is, in a few words.
        family: Its family in the taxonomy.
        incidents: Public incidents known with it: where priors start from.
        decided_by: Kinds of evidence that can decide it, the cheapest first.
        decisive_test: What settles it, as one instruction.
        false_diagnosis: What people usually say instead.
        expects: What it shows, the most telling first.
        excluded_by: What it cannot be reconciled with.
        confused_with: Slugs of causes that it is taken for, or that are taken for it.
        since: Version of the first release with this cause.
    """

    slug: str
    title: str
    family: Family
    incidents: int
    decided_by: tuple[Decider, ...]
    decisive_test: str
    false_diagnosis: str
    expects: tuple[Expect, ...] = ()
    excluded_by: tuple[Excluded, ...] = ()
    confused_with: tuple[str, ...] = ()
    since: str = "0.2"
