"""The document on a finished model: plain values that every format prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trainclinic.report.model import AbsentEntry, FindingEntry, Item, NotEvaluatedEntry, Warned

Word = Literal["pass", "fail", "cannot tell"]
Mark = Literal["", "repeated", "turn", "reserved"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One number about the model.

    Attributes:
        name: What was measured.
        value: The number.
        unit: Its unit; empty for shares.
        better: `lower` or `higher`.
        slack: Change for the worse that is no regression, in the same unit.
        base: The same of the base; `None` when it was not measured.
        earlier: The same at the earlier time; `None` when there is none.
    """

    name: str
    value: float
    unit: str
    better: Literal["lower", "higher"]
    slack: float
    base: float | None = None
    earlier: float | None = None

    @property
    def is_worse(self) -> bool:
        """Whether it is worse than at the earlier time, beyond the slack."""
        if self.earlier is None:
            return False
        change = self.value - self.earlier
        return (change if self.better == "lower" else -change) > self.slack


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an answer.

    Attributes:
        text: The text.
        mark: What is wrong with it; empty for nothing.
    """

    text: str
    mark: Mark = ""


@dataclass(frozen=True, slots=True)
class SampleEntry:
    """One question with its answers.

    Attributes:
        question: The question.
        reference: The expected answer; empty when there is none.
        base: The answer of the base; `None` when there was none.
        answer: The greedy answer, in stretches.
        sampled: An answer drawn by chance; `None` when none was drawn.
        remarks: What is wrong with the greedy answer, in words.
    """

    question: str
    reference: str
    base: str | None
    answer: tuple[Piece, ...]
    sampled: str | None
    remarks: tuple[str, ...]

    @property
    def text(self) -> str:
        """The greedy answer as one text."""
        return "".join(piece.text for piece in self.answer)


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """Whether a model works.

    Attributes:
        title: The model.
        verdict: The verdict.
        reason: Why, in one sentence.
        findings: Symptoms that are there, the most harmful first.
        absent: Symptoms that were looked for and are not there.
        not_evaluated: Symptoms that could not be looked for.
        measures: The model in numbers.
        samples: Questions with answers.
        settings: How it was tested.
        regressions: What is worse than at the earlier time, sentences without full stop.
        against: The earlier report; empty when there is none.
        warnings: What else a reader has to know.
    """

    title: str
    verdict: Word
    reason: str
    findings: tuple[FindingEntry, ...]
    absent: tuple[AbsentEntry, ...]
    not_evaluated: tuple[NotEvaluatedEntry, ...]
    measures: tuple[Measure, ...]
    samples: tuple[SampleEntry, ...]
    settings: tuple[Item, ...]
    regressions: tuple[str, ...] = ()
    against: str = ""
    warnings: tuple[Warned, ...] = ()
