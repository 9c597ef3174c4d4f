"""One chat template, rendered as training libraries render it.

It knows Jinja sources, messages and the text that comes out. It does not know tokens, and never lets a template reach
beyond its messages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateSyntaxError

from trainclinic.corpus.sample import Message
from trainclinic.encoding.templates.sandbox import (
    LONGEST_VALUE,
    MARK_BEGIN,
    MARK_END,
    ChatEnvironment,
    LimitError,
    RefusedError,
)
from trainclinic.encoding.tokens.special_tokens import END_OF_TURN
from trainclinic.encoding.tokens.tokenizer import Specials
from trainclinic.record.errors import TrainclinicError


class TemplateError(TrainclinicError):
    """A template that is no valid Jinja, or a conversation that it does not render.

    Args:
        message: What happened.
        reason: The words of the template or of Jinja alone.
        is_refusal: Whether the template itself refused the conversation (`raise_exception`).
        hint: What to do.
    """

    def __init__(self, message: str, *, reason: str, is_refusal: bool = False, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.is_refusal = is_refusal


@dataclass(frozen=True, slots=True)
class Rendered:
    """A conversation as text.

    Attributes:
        text: What the model sees.
        generation_spans: Characters between `{% generation %}` and its end, in order; empty for most templates.
    """

    text: str
    generation_spans: tuple[tuple[int, int], ...] = ()


class ChatTemplate:
    """A chat template.

    Args:
        source: Its Jinja source.
        specials: Special tokens that it may name (`bos_token`, `eos_token` ...).
        name: How the user would name it.

    Attributes:
        ends: Texts that end an answer: end tokens of the tokenizer and public end-of-turn markers, longest first.
        end_pattern: One of them with the white space before it.

    Raises:
        TemplateError: If the source is no valid Jinja.
    """

    def __init__(self, source: str, specials: Specials, name: str = "chat template") -> None:
        self.source = source
        self.specials = specials
        self.name = name
        known = {text for text, number in specials.ids.items() if number in specials.ends}
        self.ends = tuple(sorted({*known, *END_OF_TURN, specials.end} - {""}, key=len, reverse=True))
        self.end_pattern = re.compile(r"\s*(?:" + "|".join(map(re.escape, self.ends)) + ")")
        self._environment = ChatEnvironment()
        try:
            self._template = self._environment.from_string(source)
        except (TemplateSyntaxError, RecursionError) as error:
            line = getattr(error, "lineno", None)
            place = f" at its line {line}" if line else ""
            message = f"the `{name}` is no valid Jinja{place}: {error}"
            raise TemplateError(message, reason=str(error)) from error

    @property
    def has_generation_markers(self) -> bool:
        """Whether it marks what the model writes with `{% generation %}`."""
        tokens = list(self._environment.lex(self.source))
        return any(
            kind == "name" and value == "generation" and _opens_block(tokens, at)
            for at, (_, kind, value) in enumerate(tokens)
        )

    def render(self, messages: Sequence[Message], *, tools: str = "", generation_prompt: bool = False) -> Rendered:
        """A conversation as text.

        Args:
            messages: The turns.
            tools: Tool definitions as JSON.
            generation_prompt: Whether to end with the header of the answer that the model is to write.

        Raises:
            TemplateError: If the template refuses the conversation, fails, or does not come to an end.
        """
        values = self._values(messages, tools, generation_prompt=generation_prompt)
        self._environment.budget.reset()
        try:
            return _with_spans(_limited(self._template.generate(values)))
        except RefusedError as error:
            message = f"the `{self.name}` refuses a conversation: {error}"
            raise TemplateError(message, reason=str(error), is_refusal=True) from error
        except LimitError as error:
            message = f"the `{self.name}` was stopped: {error}"
            raise TemplateError(message, reason=str(error), hint="look for a loop without an end") from error
        except Exception as error:
            reason = str(error) or type(error).__name__
            message = f"the `{self.name}` cannot render a conversation: {reason}"
            raise TemplateError(message, reason=reason) from error

    def _values(self, messages: Sequence[Message], tools: str, *, generation_prompt: bool) -> dict[str, Any]:
        named = {
            "bos_token": self.specials.begin,
            "eos_token": self.specials.end,
            "pad_token": self.specials.pad,
            "unk_token": self.specials.unknown,
        }
        return {
            **{name: token for name, token in named.items() if token},
            "messages": [as_dict(message) for message in messages],
            "tools": _parsed(tools) if tools else None,
            "documents": None,
            "add_generation_prompt": generation_prompt,
        }


def as_dict(message: Message) -> dict[str, Any]:
    """A message as templates expect it: `role`, `content`, and the other fields where it has them."""
    written: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.reasoning:
        written["reasoning_content"] = message.reasoning
    if message.calls:
        written["tool_calls"] = _parsed(message.calls)
    return written


def _parsed(text: str) -> Any:
    """A JSON value; text that is none stays text, since a template may write it as it is."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _limited(parts: Any) -> str:
    found: list[str] = []
    length = 0
    for part in parts:
        length += len(part)
        if length > LONGEST_VALUE:
            message = f"it wrote more than {LONGEST_VALUE:,} characters"
            raise LimitError(message)
        found.append(part)
    return "".join(found)


def _with_spans(marked: str) -> Rendered:
    """Take the marks out of a rendered text; a mark inside a mark belongs to the outer one."""
    if MARK_BEGIN not in marked:
        return Rendered(marked)
    spans: list[tuple[int, int]] = []
    text, rest, depth, opened = "", marked, 0, 0
    while True:
        begin, end = rest.find(MARK_BEGIN), rest.find(MARK_END)
        at = min((place for place in (begin, end) if place >= 0), default=-1)
        if at < 0:
            return Rendered(text + rest, tuple(spans))
        text, is_begin = text + rest[:at], at == begin
        rest = rest[at + len(MARK_BEGIN) :]
        depth += 1 if is_begin else -1
        if is_begin and depth == 1:
            opened = len(text)
        elif not is_begin and depth == 0:
            spans.append((opened, len(text)))


def _opens_block(tokens: Sequence[tuple[int, str, str]], at: int) -> bool:
    before = next((kind for _, kind, _ in reversed(tokens[:at]) if kind != "whitespace"), "")
    return before == "block_begin"
