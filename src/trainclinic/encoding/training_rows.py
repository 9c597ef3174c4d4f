"""Rows to ids and labels, the way that training does it under the settings that are stated or assumed.

A row is written as one text (by the chat template, or prompt and answer behind each other), tokenised with the place of
each token in that text, and labelled by what is scored. It does not judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainclinic.corpus.sample import ROLES, Message, Sample
from trainclinic.encoding.encoded import IGNORED, PARTS, Encoded
from trainclinic.encoding.templates.template import TemplateError
from trainclinic.record.source import Source

if TYPE_CHECKING:
    from trainclinic.encoding.preparation import Preparation
    from trainclinic.encoding.templates.template import ChatTemplate
    from trainclinic.encoding.tokens.tokenizer import Tokenizer, Tokens

STAND_IN_TEMPLATE = "chatml"
"""Markup in which conversations are shown when nobody said which template writes them."""
BATCH = 256
_FRAME, _TEXT, _OTHER = PARTS.index("frame"), PARTS.index("text"), PARTS.index("reference")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a written row.

    Attributes:
        start: First character.
        end: Character after the last one.
        part: Index into `PARTS`.
    """

    start: int
    end: int
    part: int


@dataclass(frozen=True, slots=True)
class Written:
    """A row as the text that is tokenised.

    Attributes:
        text: The text, end token included.
        stretches: What its characters belong to; characters in none are markup.
        answers: For each answer its spans, mostly one: first character and the one after the last, end-of-turn marker
            included; none where it was not found in what the template wrote.
        is_scored: For each answer whether the row wants it scored; `None` when the row is silent.
        is_framed: Whether a chat template wrote it, which brings its own begin and end tokens.
    """

    text: str
    stretches: tuple[Stretch, ...]
    answers: tuple[tuple[tuple[int, int], ...], ...]
    is_scored: tuple[bool | None, ...]
    is_framed: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that the template cannot write.

    Attributes:
        source: The row.
        says: The message of the template.
    """

    source: Source
    says: str


class TrainingRows:
    """Writes rows and turns them into ids and labels.

    Args:
        tokenizer: The tokenizer.
        preparation: How rows become ids and labels.

    Attributes:
        refused: Rows that the template could not write, in the order in which they were met.
    """

    def __init__(self, tokenizer: Tokenizer, preparation: Preparation) -> None:
        self._tokenizer = tokenizer
        self._preparation = preparation
        self.refused: list[Refusal] = []

    @cached_property
    def template(self) -> ChatTemplate:
        """The template that writes conversations: the stated one, the tokenizer's, else a stand-in.

        Raises:
            TemplateError: If it is no valid template.
            ReadError: If it is the name of none.
        """
        from trainclinic.encoding.templates.known import load_template
        from trainclinic.encoding.templates.template import ChatTemplate

        given = self._preparation.template.value or self._tokenizer.template or STAND_IN_TEMPLATE
        if "{" in given:
            return ChatTemplate(given, self._tokenizer.specials)
        return load_template(given, self._tokenizer.specials)

    @property
    def has_real_template(self) -> bool:
        """Whether the template was stated or comes with the tokenizer."""
        return bool(self._preparation.template.value or self._tokenizer.template)

    def is_framed(self, sample: Sample) -> bool:
        """Whether a chat template writes this row: conversations always, prompts with answers when one is stated."""
        if not sample.messages:
            return False
        if self._preparation.template.value or sample.schema in ("messages", "sharegpt"):
            return True
        return any(message.role not in ("user", "assistant") for message in sample.messages) or len(sample.messages) > 2

    def write(self, sample: Sample) -> Written:
        """The text of a row.

        Raises:
            TemplateError: If the template cannot write it.
        """
        if self.is_framed(sample):
            return self._framed(sample)
        end = self._tokenizer.specials.end if self._preparation.appends_end.value else ""
        if not sample.messages:
            text = sample.text if end and sample.text.endswith(end) else sample.text + end
            return Written(text, (Stretch(0, len(sample.text), _TEXT),), (), (), is_framed=False)
        return _behind_each_other(sample, end)

    def _framed(self, sample: Sample) -> Written:
        from trainclinic.encoding.templates.spans import spans

        found = spans(self.template, sample.messages, sample.tools)
        stretches: list[Stretch] = []
        for message, turn in zip(sample.messages, found.turns, strict=True):
            content = message.content.strip()
            start = found.text.find(content, turn.start, turn.end) if content else -1
            inside = turn.answers or (((start, start + len(content)),) if start >= 0 else ())
            stretches += [Stretch(*span, _part_of(message)) for span in inside]
        answers = tuple(
            turn.answers for message, turn in zip(sample.messages, found.turns, strict=True) if message.is_answer
        )
        flags = tuple(message.is_scored for message in sample.messages if message.is_answer)
        return Written(found.text, tuple(stretches), answers, flags, is_framed=True)

    def encode(self, samples: Iterable[Sample]) -> tuple[Encoded, ...]:
        """Rows as ids and labels; rows that the template cannot write are left out and noted in `refused`."""
        made: list[Encoded] = []
        batch: list[tuple[Sample, Written]] = []
        for sample in samples:
            if sample.ids:
                made += [*self._encode_batch(batch), self._tokenised_before(sample)]
                batch = []
                continue
            try:
                batch.append((sample, self.write(sample)))
            except TemplateError as error:
                self.refused.append(Refusal(sample.source, error.message))
            if len(batch) == BATCH:
                made += self._encode_batch(batch)
                batch = []
        return (*made, *self._encode_batch(batch))

    def _encode_batch(self, batch: Sequence[tuple[Sample, Written]]) -> list[Encoded]:
        found: dict[int, Encoded] = {}
        adds = self._preparation.adds_specials
        for framed in (False, True):
            mine = [at for at, (_, written) in enumerate(batch) if written.is_framed is framed]
            specials = not framed if adds.is_assumed else adds.value
            rows = self._tokenizer.encode([batch[at][1].text for at in mine], specials=specials) if mine else []
            found |= {at: self._labelled(*batch[at], tokens) for at, tokens in zip(mine, rows, strict=True)}
        return [found[at] for at in range(len(batch))]

    def _labelled(self, sample: Sample, written: Written, tokens: Tokens) -> Encoded:
        parts = np.full(len(tokens), _FRAME, dtype=np.uint8)
        answers = np.full(len(tokens), -1, dtype=np.int16)
        for stretch in written.stretches:
            parts[_inside(tokens, written.text, stretch.start, stretch.end)] = stretch.part
        for number, spans in enumerate(written.answers):
            for start, end in spans:
                answers[_inside(tokens, written.text, start, end)] = number
        labels = self._labels(tokens, answers, written)
        return Encoded(
            sample, written.text, tokens.ids, tokens.starts, tokens.ends, labels, parts, answers,
            self._kept(len(tokens)), self._tokenizer.specials.ends,
        )  # fmt: skip

    def _labels(self, tokens: Tokens, answers: NDArray[np.int16], written: Written) -> NDArray[np.int32]:
        preparation = self._preparation
        scored = np.ones(len(tokens), dtype=np.bool_)
        if marker := preparation.response_marker.value:
            scored[: _after_marker(tokens.ids, self._marker_ids(marker))] = False
        elif written.answers and preparation.scored.value != "all":
            last = len(written.answers) - 1
            wanted = [
                number == last if preparation.scored.value == "last-answer" else flag is not False
                for number, flag in enumerate(written.is_scored)
            ]
            scored = np.isin(answers, np.flatnonzero(wanted))
        if preparation.masks_pads.value and (pad := self.pad_id) is not None:
            scored &= tokens.ids != pad
        return np.where(scored, tokens.ids, IGNORED).astype(np.int32)

    @property
    def pad_id(self) -> int | None:
        """Id of the padding token of training; `None` when it is not known."""
        specials = self._tokenizer.specials
        return specials.id_of(self._preparation.pad.value or specials.pad)

    def _marker_ids(self, marker: str) -> NDArray[np.int32]:
        return self._tokenizer.ids([marker])[0]

    def _kept(self, count: int) -> tuple[int, int]:
        most = self._preparation.max_length.value
        if most is None or count <= most:
            return 0, count
        return (count - most, count) if self._preparation.truncation.value == "left" else (0, most)

    def _tokenised_before(self, sample: Sample) -> Encoded:
        ids = np.array(sample.ids, dtype=np.int64).clip(-(2**31), 2**31 - 1).astype(np.int32)
        labels = np.array(sample.labels or sample.ids, dtype=np.int64).clip(-(2**31), 2**31 - 1).astype(np.int32)
        if len(labels) != len(ids):
            labels = np.resize(np.append(labels, IGNORED), len(ids)) if len(labels) > len(ids) else ids
        pieces = [self._tokenizer.piece(token) for token in ids.tolist()]
        ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int32)
        starts = np.append(np.int32(0), ends[:-1]).astype(np.int32)
        masked = labels == IGNORED
        answers = np.where(masked.any() & ~masked, 0, -1).astype(np.int16)
        parts = np.where(answers >= 0, PARTS.index("assistant"), _TEXT).astype(np.uint8)
        return Encoded(
            sample, "".join(pieces), ids, starts, ends, labels, parts, answers, self._kept(len(ids)),
            self._tokenizer.specials.ends,
        )  # fmt: skip


def _behind_each_other(sample: Sample, end: str) -> Written:
    """Prompt and answer with nothing between them but a line feed where the form of the row has no separator."""
    joint = "" if sample.schema == "prompt-completion" else "\n"
    pieces: list[Stretch] = []
    text = ""
    answers: list[tuple[tuple[int, int], ...]] = []
    for message in sample.messages:
        text += joint if text else ""
        start = len(text)
        text += message.content
        pieces.append(Stretch(start, len(text), _part_of(message)))
        if message.is_answer:
            text += "" if end and message.content.endswith(end) else end
            answers.append(((start, len(text)),))
    flags = tuple(message.is_scored for message in sample.messages if message.is_answer)
    return Written(text, tuple(pieces), tuple(answers), flags, is_framed=False)


def _part_of(message: Message) -> int:
    return PARTS.index(message.role) if message.role in ROLES else _OTHER


def _inside(tokens: Tokens, text: str, start: int, end: int) -> NDArray[np.bool_]:
    """Tokens of a stretch of the text, also one that brings white space from before it; not those without text."""
    found = (tokens.starts >= start) & (tokens.starts < end) & (tokens.ends > tokens.starts)
    for at in np.flatnonzero((tokens.starts < start) & (tokens.ends > start) & (end > start)):
        found[at] = text[tokens.starts[at] : start].isspace()
    return found


def _after_marker(ids: NDArray[np.int32], marker: NDArray[np.int32]) -> int:
    """Position after the last place where the ids of a marker stand; the end of the row when they stand nowhere."""
    if not len(marker) or len(marker) > len(ids):
        return len(ids)
    windows = np.lib.stride_tricks.sliding_window_view(ids, len(marker))
    found = np.flatnonzero((windows == marker).all(axis=1))
    return int(found[-1]) + len(marker) if len(found) else len(ids)
