"""Which characters of a rendered conversation belong to which turn, and which the model is to write.

It asks the template: by its own marks, or by rendering the beginnings of the conversation. Where a template treats
the beginning of a conversation in another way than the whole, it searches the contents in order. It does not know
tokens.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from trainclinic.corpus.sample import Message
from trainclinic.encoding.templates.template import ChatTemplate, TemplateError

How = Literal["markers", "prefixes", "search"]
Span = tuple[int, int]
_THOUGHTS = re.compile(r".*</think>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message in the rendered text.

    Attributes:
        role: Role of the message.
        start: First character, header included; the end of the turn before it.
        end: Character after the last one.
        answers: What the model is to write: content and end-of-turn marker without the header, usually one span;
            empty for other roles, and when the content was not found.
    """

    role: str
    start: int
    end: int
    answers: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Spans:
    """A rendered conversation and its turns.

    Attributes:
        text: The whole text.
        turns: One for each message, in order, without gaps between them.
        how: How the answers were found: by the marks of the template, by rendering beginnings of the conversation, or
            by searching contents, which may take a header for an answer or miss changed text.
    """

    text: str
    turns: tuple[Turn, ...]
    how: How

    @property
    def answers(self) -> tuple[Span, ...]:
        """What the model is to write, in order."""
        return tuple(span for turn in self.turns for span in turn.answers)


def spans(template: ChatTemplate, messages: Sequence[Message], tools: str = "") -> Spans:
    """The turns of a conversation in its rendered text.

    Args:
        template: The chat template.
        messages: The turns.
        tools: Tool definitions as JSON.

    Raises:
        TemplateError: If the template does not render the conversation.
    """
    whole = template.render(messages, tools=tools)
    beginnings = _Beginnings(template, messages, tools, whole.text)
    turns, is_sure = beginnings.turns()
    if whole.generation_spans and (marked := _marked(turns, whole.generation_spans)) is not None:
        return Spans(whole.text, marked, "markers")
    return Spans(whole.text, turns, "prefixes" if is_sure else "search")


class _Beginnings:
    """The conversation rendered up to each of its turns."""

    def __init__(self, template: ChatTemplate, messages: Sequence[Message], tools: str, text: str) -> None:
        self._template = template
        self._messages = messages
        self._tools = tools
        self._text = text
        self._end_marker = template.end_pattern

    def turns(self) -> tuple[tuple[Turn, ...], bool]:
        """The turns, and whether rendering alone told the answers."""
        found: list[Turn] = []
        is_sure = True
        at = 0
        for number, message in enumerate(self._messages):
            end, is_rendered = self._end_of(number, at)
            if not message.is_answer:
                found.append(Turn(message.role, at, end))
            else:
                start = self._header_end(number, at, end) if is_rendered else None
                is_sure = is_sure and start is not None
                answer = (start, end) if start is not None else self._content(number, at, end)
                answers = () if answer is None else (self._without_space(answer),)
                found.append(Turn(message.role, at, end, answers))
            at = end
        return tuple(found), is_sure

    def _end_of(self, number: int, at: int) -> tuple[int, bool]:
        """Where a turn ends, and whether rendering told it."""
        if number == len(self._messages) - 1:
            return len(self._text), True
        length = self._length(number + 1)
        if length is not None and length >= at and self._is_before_next(number, length):
            return length, True
        return self._searched_end(number, at), False

    def _is_before_next(self, number: int, length: int) -> bool:
        """Whether the content of a turn stands before the place where it is said to end."""
        content = _core(self._messages[number])
        return not content or self._text.find(content, 0, length) >= 0

    def _header_end(self, number: int, at: int, end: int) -> int | None:
        """Where the header of an answer ends, `None` when rendering does not tell."""
        prompted = self._length(number, generation_prompt=True)
        if prompted is None or not at <= prompted <= end:
            return None
        content = _core(self._messages[number])
        place = self._text.find(content, prompted, end) if content else prompted
        if place < 0:
            return None
        has_no_header = prompted == at
        if has_no_header and self._text[at:place].strip():
            return None
        return prompted

    def _length(self, count: int, *, generation_prompt: bool = False) -> int | None:
        """Length of the first messages as text, `None` when the whole does not begin with it."""
        try:
            part = self._template.render(
                self._messages[:count], tools=self._tools, generation_prompt=generation_prompt
            ).text
        except TemplateError:
            return 0 if count == 0 and not generation_prompt else None
        return len(part) if self._text.startswith(part) else None

    def _content(self, number: int, at: int, end: int) -> Span | None:
        """The content of an answer inside its turn, with the end-of-turn marker after it."""
        content = _core(self._messages[number])
        place = self._text.find(content, at, end) if content else -1
        if place < 0:
            return None
        after = place + len(content)
        marker = self._end_marker.match(self._text, after, end)
        return place, marker.end() if marker else after

    def _searched_end(self, number: int, at: int) -> int:
        """Where a turn ends by its content: after its marker and the white space behind that."""
        content = _core(self._messages[number])
        place = self._text.find(content, at) if content else -1
        if place < 0:
            return at
        after = place + len(content)
        marker = self._end_marker.match(self._text, after)
        if marker is None:
            return after
        rest = self._text[marker.end() :]
        return marker.end() + len(rest) - len(rest.lstrip("\n"))

    def _without_space(self, answer: Span) -> Span:
        """An answer without the white space behind its end-of-turn marker, which the model never has to write."""
        start, end = answer
        kept = self._text[start:end].rstrip()
        last = next((match for match in self._end_marker.finditer(kept) if match.end() == len(kept)), None)
        return answer if last is None else (start, start + len(kept))


def _core(message: Message) -> str:
    """What of a content every template keeps: without white space around it, and without thoughts before the answer."""
    return _THOUGHTS.sub("", message.content).strip() if message.is_answer else message.content.strip()


def _marked(turns: Sequence[Turn], marks: Sequence[Span]) -> tuple[Turn, ...] | None:
    """The turns with the marks of the template as answers, `None` when a mark belongs to no answer."""
    answers = [at for at, turn in enumerate(turns) if turn.role == "assistant"]
    owned: dict[int, list[Span]] = {at: [] for at in answers}
    for position, mark in enumerate(marks):
        owner = answers[position] if len(marks) == len(answers) else _owner(turns, answers, mark)
        if owner is None:
            return None
        owned[owner].append(mark)
    return tuple(replace(turn, answers=tuple(owned.get(at, ()))) for at, turn in enumerate(turns))


def _owner(turns: Sequence[Turn], answers: Sequence[int], mark: Span) -> int | None:
    middle = (mark[0] + mark[1]) / 2
    return next((at for at in answers if turns[at].start <= middle <= turns[at].end), None)
