"""A circumstance: something that is true of a run and harmless in itself, without which some causes cannot be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from trainclinic.catalogue.rule import Subject
from trainclinic.catalogue.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Circumstance(Generic[Subject]):
    """One circumstance. It has no severity: nothing is wrong with a run because of it.

    Attributes:
        code: `CIR` and three digits; never reused.
        slug: Noun phrase after "this run shows ...".
        title: What is true then, as a full sentence.
        matters: Why a diagnosis asks for it: which causes need it or cannot be with it, in a sentence or two.
        needs: What it is read from, for the generated reference: facts, versions, events.
        check: Looks at the room's subject and answers with a verdict; never raises on any readable input.
        since: Version of the first release with this circumstance.
    """

    code: str
    slug: str
    title: str
    matters: str
    needs: tuple[str, ...]
    check: Callable[[Subject], Verdict]
    since: str = "0.2"
