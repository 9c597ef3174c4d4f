"""The part of the document that answers why: causes, what is ruled out, and what would settle it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StrengthWord = Literal["decisive", "strong", "moderate", "weak"]
HEALTHY = "healthy-explanation"
UNDETERMINED = "undetermined"
UNLISTED = "None of the causes listed here"
LIKELY = 0.5
"""From this probability on a cause is named as the answer; below it the evidence does not decide."""


@dataclass(frozen=True, slots=True)
class CauseEvidence:
    """One verdict that speaks for or against a cause.

    Attributes:
        code: Code of the symptom or circumstance.
        slug: Its slug.
        state: Whether it was seen, or looked for and not found.
        strength: Its weight in a word: over 50 to 1, over 7 to 1, over 2.7 to 1, less.
        says: What was read, with its number.
        why: What makes it count, in one clause; empty when nothing more is known of it.
        path: File it was read from; `None` for an observation over a whole series.
        line: Line in that file.
        key: Key or column inside the file.
        step: Step it belongs to.
    """

    code: str
    slug: str
    state: Literal["present", "absent"]
    strength: StrengthWord
    says: str
    why: str
    path: str | None = None
    line: int | None = None
    key: str = ""
    step: int | None = None


@dataclass(frozen=True, slots=True)
class CauseEntry:
    """A possible cause with its probability.

    Attributes:
        slug: Noun phrase after "because of".
        title: What it is, in a few words.
        family: Its family; `healthy-explanation` means that nothing is wrong, `undetermined` that none is listed.
        probability: Of this cause, alone or together with another one.
        says: One sentence: how it works.
        evidence_for: Verdicts that speak for it, the heaviest first.
        evidence_against: Verdicts that speak against it, the heaviest first.
        decided_by: What settles whether it is this one, as an instruction.
        false_diagnosis: What people usually say instead.
        held: Whether the probability was held down, because this kind of evidence cannot carry more.
    """

    slug: str
    title: str
    family: str
    probability: float
    says: str = ""
    evidence_for: tuple[CauseEvidence, ...] = ()
    evidence_against: tuple[CauseEvidence, ...] = ()
    decided_by: str = ""
    false_diagnosis: str = ""
    held: bool = False

    @property
    def is_fault(self) -> bool:
        """Whether something is wrong with the run if it is this one."""
        return self.family not in {HEALTHY, UNDETERMINED}

    @property
    def is_likely_fault(self) -> bool:
        """Whether it is a fault that is more probable than everything else together."""
        return self.is_fault and self.probability >= LIKELY


@dataclass(frozen=True, slots=True)
class RuledOutEntry:
    """A popular explanation that the evidence refutes.

    Attributes:
        slug: The explanation.
        title: What it is, in a few words.
        because: One sentence: what was read, with its number, then why both cannot be true.
        code: Code of the symptom or circumstance that refutes it.
        path: File the refuting value was read from.
        line: Line in that file.
        step: Step it belongs to.
    """

    slug: str
    title: str
    because: str
    code: str = ""
    path: str | None = None
    line: int | None = None
    step: int | None = None


@dataclass(frozen=True, slots=True)
class NextTestEntry:
    """A test that would separate the remaining causes, and what it costs.

    Attributes:
        slug: Name of the test, or of the symptom that could not be looked for.
        title: The question it answers.
        how: The command or lines to run; for a symptom, what to log or pass.
        kind: `run` when `how` is code, `log` when it names what to log or pass.
        cost: What it takes of a person's time, e.g. `2 min`.
        minutes: The same as a number.
        gain: Expected information gain in nats.
        decides: Titles of the causes that its answer moves most.
        yes: Titles of what a yes points to, the most probable first.
        no: Titles of what a no points to.
    """

    slug: str
    title: str
    how: str
    kind: Literal["run", "log"]
    cost: str
    minutes: float
    gain: float
    decides: tuple[str, ...] = ()
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
