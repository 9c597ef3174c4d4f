"""A deciding test: a question that a user can answer in minutes, and what each answer would say about causes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DecidingTest:
    """One observation that separates causes.

    Attributes:
        slug: Its name.
        question: What is asked, answered by yes or no.
        how: The command or the lines to add, ready to be copied.
        minutes: Time that it takes a user, waiting included.
        yes: P(yes) under the causes for which the test was made.
        otherwise: P(yes) under every other cause.
        requires: Circumstances without which the question makes no sense; an absent one drops the test.
        answered_by: Findings that answer the same question; an evaluated one drops the test.
    """

    slug: str
    question: str
    how: str
    minutes: float
    yes: Mapping[str, float]
    otherwise: float = 0.05
    requires: tuple[str, ...] = ()
    answered_by: tuple[str, ...] = ()
