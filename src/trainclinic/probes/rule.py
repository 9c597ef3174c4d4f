"""A probe: a question to a live model, answered with a verdict of the house.

It knows what a question costs and that an answer must never be an exception. It does not know any particular probe.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Severity, Verdict

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

SINCE = "0.7"
SHOWN = 3
"""Tensors or rows that a verdict names."""
_LONGEST_REASON = 160


class Cost(enum.IntEnum):
    """What has to be run for an answer; cheap questions are asked first."""

    LOOK = 0
    """Nothing: tensors are looked at."""
    FORWARD = 1
    """Forward passes."""
    STEP = 2
    """A step of the optimizer, which is undone."""
    STEPS = 3
    """Many steps, or files: left out once something harmful is known."""


@dataclass(frozen=True, slots=True)
class Probe(Rule["Live"]):
    """A rule on a live model; it leaves weights, gradients, modes, buffers and random states as found.

    Attributes:
        question: What it asks, answered by yes when all is well.
        cost: What has to be run for an answer.
    """

    question: str = ""
    cost: Cost = Cost.LOOK


def probe(
    *, code: str, slug: str, severity: Severity, question: str, needs: tuple[str, ...],
    look: Callable[[Live], Verdict], cost: Cost, thresholds: tuple[Threshold, ...] = (),
) -> Probe:  # fmt: skip
    """A probe whose exceptions become "not evaluated" with their reason.

    Args:
        code: Three letters and three digits; never reused.
        slug: Noun phrase after "this model shows ...".
        severity: How harmful the symptom is if true.
        question: What it asks, answered by yes when all is well.
        needs: What it looks at, for the generated reference.
        look: Looks at the model; where it runs it, batches have targets and fit.
        cost: What has to be run for an answer.
        thresholds: The numbers it decides by.
    """

    def check(live: Live) -> Verdict:
        try:
            if cost > Cost.LOOK and live.unfit:
                return NotEvaluated(live.unfit)
            return look(live)
        except Exception as error:
            return NotEvaluated(f"a check that can finish; it broke off with {reason(error)}")

    return Probe(code, slug, severity, needs, check, thresholds, SINCE, question, cost)


def reason(error: BaseException) -> str:
    """The kind of an exception and the first line of what it says, in back-ticks."""
    said = " ".join(str(error).split("\n")[0].split()).replace("`", "'")
    short = said if len(said) <= _LONGEST_REASON else said[:_LONGEST_REASON].rstrip() + " ..."
    return f"`{type(error).__name__}: {short}`" if short else f"`{type(error).__name__}`"


def named(names: list[str]) -> str:
    """The first few names in back-ticks, and how many more there are."""
    shown = ", ".join(f"`{name}`" for name in names[:SHOWN])
    more = len(names) - SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown
