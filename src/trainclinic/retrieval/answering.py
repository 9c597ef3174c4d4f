"""From a question to an answer with its sources: search, the floor below which the data do not say, writing, citations.

It knows the order of the work. It does not know how the index finds, nor how a model is run: a writer is anything that
turns messages into pieces of text.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from trainclinic.catalogue.wording import count, listed
from trainclinic.record.errors import TrainclinicError
from trainclinic.retrieval.citations import CitationFilter
from trainclinic.retrieval.conversation import Conversation
from trainclinic.retrieval.extractive import quotation
from trainclinic.retrieval.passage import Hit
from trainclinic.retrieval.prompting import LONGEST_PASSAGE, NOT_IN_DATA, messages

SOURCES = 5
"""Passages that an answer is made from, unless the user wants another number."""
MOST_SOURCES = 20
LONGEST_QUESTION = 2000
"""Characters of a question; what is longer is a document."""
LONGEST_ANSWER_TOKENS = 512
_SHORTER = (LONGEST_PASSAGE, 600, 250)
"""Characters that passages are cut to, one after the other, until the prompt fits."""


class Searchable(Protocol):
    """What an index has to offer here; `retrieval.index.Index` does."""

    @property
    def floor(self) -> float:
        """Score below which the data hold no answer."""

    @property
    def title(self) -> str:
        """What the data are called."""

    @property
    def passages(self) -> int:
        """Number of passages."""

    @property
    def settings(self) -> Any:
        """How it was built, by name."""

    def search(self, question: str, count: int = 5) -> list[Hit]:
        """The passages for a question, best first."""


class Writer(Protocol):
    """A model that writes answers."""

    @property
    def name(self) -> str:
        """What it is called, for the reader of an answer."""

    def ready(self) -> None:
        """Load or reach it now; an error is better before the first question than after it."""

    def fits(self, turns: Sequence[dict[str, str]]) -> bool:
        """Whether a conversation leaves room for an answer."""

    def write(self, turns: Sequence[dict[str, str]], longest: int) -> Iterator[str]:
        """Pieces of the answer, of at most `longest` tokens."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered, and what it rests on.

    Attributes:
        question: What was asked.
        text: The answer, with `[n]` where it cites; a sentence that says so when the data do not say.
        in_data: Whether the data hold an answer.
        sources: What was found, best first; number n of a citation is the n-th of them.
        cited: Numbers of the sources that the answer names.
        dropped: Numbers that a model named and that are no source; they were taken out of the text.
        writer: Name of the model; empty for a quotation, or when no model was asked.
        notes: What a reader should know about it, each a sentence without full stop.
    """

    question: str
    text: str
    in_data: bool
    sources: tuple[Hit, ...]
    cited: tuple[int, ...] = ()
    dropped: tuple[int, ...] = ()
    writer: str = ""
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The answer as plain values, with the full text of its sources."""
        return {
            "question": self.question,
            "answer": self.text,
            "in_data": self.in_data,
            "writer": self.writer,
            "cited": list(self.cited),
            "dropped_citations": list(self.dropped),
            "notes": list(self.notes),
            "sources": sources_json(self.sources),
        }


@dataclass(slots=True)
class Answering:
    """Answers from one index.

    Attributes:
        index: Where to search.
        writer: The model that writes; `None` to quote.
        count: Number of sources.
        longest: Most tokens of an answer that a model writes.
    """

    index: Searchable
    writer: Writer | None = None
    count: int = SOURCES
    longest: int = field(default=LONGEST_ANSWER_TOKENS)

    def answer(self, question: str, conversation: Conversation | None = None) -> Answer:
        """The whole answer.

        Args:
            question: What is asked.
            conversation: Earlier turns; the new one is added.

        Raises:
            TrainclinicError: If the question is empty or too long, or the model cannot be asked.
        """
        return next(item for item in self.stream(question, conversation) if isinstance(item, Answer))

    def stream(self, question: str, conversation: Conversation | None = None) -> Iterator[str | Answer]:
        """The pieces of the answer as they are written, and at the end the answer as a whole.

        Args:
            question: What is asked.
            conversation: Earlier turns; the new one is added at the end.

        Yields:
            Pieces of text, then one `Answer`; an answer that is not in the data comes as one piece.

        Raises:
            TrainclinicError: If the question is empty or too long, or the model cannot be asked.
        """
        asked = checked_question(question)
        talk = conversation if conversation is not None else Conversation()
        hits = self._found(asked, talk)
        good = tuple(hit for hit in hits if hit.score >= self.index.floor)
        if not good:
            answer = _not_in_data(asked, hits, self.index)
            yield answer.text
        elif self.writer is None:
            answer = Answer(asked, quotation(good[0].passage.text), in_data=True, sources=good, cited=(1,))
            yield answer.text
        else:
            answer = yield from self._written(asked, good, talk, self.writer)
        talk.add(asked, answer.text)
        yield answer

    def _found(self, question: str, talk: Conversation) -> list[Hit]:
        """What is found; what was just quoted stands behind what is new when a question refers back."""
        searched = talk.searched(question)
        hits = self.index.search(searched, self.count)
        if searched == question:
            return hits
        floor = self.index.floor
        return sorted(hits, key=lambda hit: (hit.score < floor, talk.was_quoted(hit.passage.text)))

    def _written(
        self, question: str, hits: tuple[Hit, ...], talk: Conversation, writer: Writer
    ) -> Generator[str, None, Answer]:
        turns, given = _prompt(question, hits, talk, writer)
        checked, shown = CitationFilter(given), []
        for piece in writer.write(turns, self.longest):
            shown.append(checked.feed(piece))
            if shown[-1]:
                yield shown[-1]
        shown.append(checked.finish())
        if shown[-1].strip():
            yield shown[-1]
        text = "".join(shown).strip()
        is_said = bool(text) and not text.startswith(NOT_IN_DATA.rstrip("."))
        return Answer(
            question,
            text,
            in_data=is_said,
            sources=hits[:given],
            cited=tuple(checked.cited) if is_said else (),
            dropped=tuple(checked.dropped),
            writer=writer.name,
            notes=_notes(text, checked, is_said=is_said),
        )


def checked_question(question: str) -> str:
    """A question without blanks around it.

    Args:
        question: What is asked.

    Raises:
        TrainclinicError: If it is empty or longer than `LONGEST_QUESTION` characters.
    """
    asked = question.strip()
    if not asked:
        message = "the question is empty"
        raise TrainclinicError(message, hint='ask one: `trainclinic ask DIR "How do I ...?"`')
    if len(asked) > LONGEST_QUESTION:
        message = f"the question has {len(asked):,} characters, and at most {LONGEST_QUESTION:,} are searched for"
        raise TrainclinicError(message, hint="ask what you want to know in a sentence or two")
    return asked


def sources_json(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """Sources as plain values, numbered from 1.

    Args:
        hits: What was found, best first.
    """
    return [
        {
            "number": number,
            "id": hit.passage.id,
            "source": hit.passage.source,
            "question": hit.passage.question,
            "text": hit.passage.text,
            "score": round(float(hit.score), 4),
            "parts": {name: round(float(score), 4) for name, score in hit.parts.items()},
        }
        for number, hit in enumerate(hits, 1)
    ]


def _not_in_data(question: str, hits: Sequence[Hit], index: Searchable) -> Answer:
    nearest = (
        f"the best of {count(index.passages, 'passage')} scores {hits[0].score:.2f}" if hits else "nothing matches"
    )
    note = f"{nearest}, and an answer needs {index.floor:.2f}"
    return Answer(question, NOT_IN_DATA, in_data=False, sources=tuple(hits), notes=(note,))


def _prompt(
    question: str, hits: tuple[Hit, ...], talk: Conversation, writer: Writer
) -> tuple[list[dict[str, str]], int]:
    """The longest prompt that fits: fewer passages before shorter ones, and earlier turns only with the first try."""
    for longest in _SHORTER:
        for given in range(len(hits), 0, -1):
            history = talk.turns if longest == LONGEST_PASSAGE else ()
            turns = messages(question, [hit.passage for hit in hits[:given]], history, longest=longest)
            if writer.fits(turns):
                return turns, given
    message = f"not even one short passage and the question fit into the context of `{writer.name}`"
    raise TrainclinicError(message, hint="ask a shorter question, or take a model with a longer context")


def _notes(text: str, checked: CitationFilter, *, is_said: bool) -> tuple[str, ...]:
    notes = []
    if not text:
        notes.append("the model answered with nothing; the passages it was given follow")
    if checked.dropped:
        named = listed([f"[{number}]" for number in checked.dropped])
        notes.append(f"the model cited {named}, which it was not given; dropped from the answer")
    if is_said and not checked.cited:
        notes.append("the answer cites no passage: check it against the sources")
    return tuple(notes)
