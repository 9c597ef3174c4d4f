"""Fields of rows to turns and texts: roles under all their names, contents in parts, values of the wrong type.

It knows how people write turns down. It does not know which fields make a row.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trainclinic.corpus.sample import Message

ROLE_OF_WORD = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user", "prompter": "user", "question": "user", "instruction": "user",
    "assistant": "assistant", "gpt": "assistant", "bot": "assistant", "ai": "assistant", "model": "assistant",
    "chatgpt": "assistant", "chatbot": "assistant", "bing": "assistant", "answer": "assistant",
    "function_call": "assistant", "tool_call": "assistant",
    "tool": "tool", "observation": "tool", "function": "tool", "ipython": "tool", "function_response": "tool",
    "tool_response": "tool",
}  # fmt: skip
"""Roles by the words for them, in lower case."""
_ROLE_KEYS, _CONTENT_KEYS = ("role", "from", "speaker"), ("content", "value", "text")
_CALL_WORDS = ("function_call", "tool_call")
_TURNS_IN_TEXT = re.compile(r"""\s*\[\s*\{\s*["'](?:role|from|speaker|content|value)["']\s*:""")
_LONGEST_LITERAL = 1 << 20
_REASONING_KEYS = ("reasoning_content", "reasoning", "thinking", "thought")

PROMPT_NAMES = ("prompt", "question", "query", "q", "input", "source", "instruction", "user", "human")
"""Fields that hold what a model is asked, the most telling name first."""


@dataclass(slots=True)
class Content:
    """What the fields of one row hold.

    Attributes:
        messages: The turns, with the chosen answer where there are two.
        text: A plain text.
        rejected: The turns with the rejected answer.
        is_liked: Whether the answer was liked.
        tools: Tool definitions as JSON.
        ids: Token ids of a row that was tokenised before.
        labels: Its labels.
        attended: Its attention mask.
        used: Names of the fields that were read.
        troubles: What is wrong with their form: kind and sentence.
        from_table: Whether values come from cells of a table, whose numbers and lists are text by nature.
    """

    messages: tuple[Message, ...] = ()
    text: str = ""
    rejected: tuple[Message, ...] = ()
    is_liked: bool | None = None
    tools: str = ""
    ids: tuple[int, ...] = ()
    labels: tuple[int, ...] = ()
    attended: tuple[int, ...] = ()
    used: set[str] = field(default_factory=set)
    troubles: list[tuple[str, str]] = field(default_factory=list)
    from_table: bool = False

    def string(self, row: Mapping[str, Any], name: str) -> str:
        """A field as text; another type is noted and written as JSON, a missing field is noted."""
        self.used.add(name)
        value = row.get(name)
        if value is None:
            how = "`null`" if name in row else "missing"
            self.troubles.append(("missing-field", f"the field `{name}` is {how}"))
            return ""
        if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            says = f"the field `{name}` holds a list of {len(value):,} texts where one is expected, the first is used"
            self.troubles.append(("wrong-type", says))
            return str(value[0])
        return self._as_text(value, name)

    def _as_text(self, value: Any, name: str) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, Sequence) and all(isinstance(part, (str, Mapping)) for part in value):
            return "".join(_text_of_part(part) for part in value)
        self.troubles.append(("wrong-type", f"the field `{name}` holds {_kind(value)} where text is expected"))
        return json.dumps(value, ensure_ascii=False)

    def turns(self, row: Mapping[str, Any], name: str) -> tuple[Message, ...]:
        """A field as turns: a list of them, or JSON of one inside a string."""
        self.used.add(name)
        value = row.get(name)
        if isinstance(value, str):
            value = self._unpacked(value, name)
        if value is None:
            self.troubles.append(("missing-field", f"the field `{name}` is missing"))
            return ()
        if isinstance(value, Mapping):
            value = [value]
        return tuple(self._turn(one, name) for one in value if isinstance(one, Mapping))

    def _unpacked(self, text: str, name: str) -> Any:
        value, language = _value_in(text)
        if not isinstance(value, (list, Mapping)):
            self.troubles.append(("wrong-type", f"the field `{name}` holds text where a list of turns is expected"))
            return []
        if language != "JSON" or not self.from_table:
            self.troubles.append(("wrong-type", f"the field `{name}` holds {language} inside a string"))
        return value

    def _turn(self, turn: Mapping[str, Any], name: str) -> Message:
        said = next((turn[key] for key in _ROLE_KEYS if isinstance(turn.get(key), str)), "")
        key = next((key for key in _CONTENT_KEYS if turn.get(key) is not None), "")
        calls = turn.get("tool_calls") or turn.get("function_call")
        if not said:
            self.troubles.append(("missing-field", f"a turn of `{name}` has no role"))
        reasoning = next((turn[one] for one in _REASONING_KEYS if isinstance(turn.get(one), str)), "")
        if not (key or calls or reasoning):
            self.troubles.append(("missing-field", f"a turn of `{name}` has no content"))
        content = self._as_text(turn[key], f"{name}[].{key}") if key else ""
        word = said.strip().lower()
        if word in _CALL_WORDS:
            content, calls = self._called(content, name)
        elif isinstance(calls, Mapping):
            calls = [{"type": "function", "function": calls}]
        role = ROLE_OF_WORD.get(word, said)
        return Message(role, content, reasoning, _as_json(calls), _is_scored(turn), said if role != said else "")

    def _called(self, content: str, name: str) -> tuple[str, Any]:
        """The content and the calls of a turn whose content is a call, or a list of calls, as JSON."""
        value, _ = _value_in(content)
        calls = value if isinstance(value, list) else [value]
        if not all(isinstance(call, Mapping) and "name" in call for call in calls):
            says = f"a call in `{name}` is no JSON with `name` and `arguments`"
            self.troubles.append(("wrong-type", says))
            return content, ""
        return "", [{"type": "function", "function": call} for call in calls]


def prompt_name(row: Mapping[str, Any]) -> str:
    """The field that holds what the model is asked; empty when there is none."""
    return next((name for name in PROMPT_NAMES if name in row), "")


def looks_like_turns(value: Any) -> bool:
    """Whether a value is a list of turns, or JSON of one.

    Args:
        value: Value of a field.
    """
    if isinstance(value, str):
        return _TURNS_IN_TEXT.match(value) is not None
    return (
        isinstance(value, Sequence)
        and bool(value)
        and isinstance(value[0], Mapping)
        and any(key in value[0] for key in (*_ROLE_KEYS, *_CONTENT_KEYS))
    )


def as_flag(value: Any) -> bool | None:
    """A label that says yes or no, in any of its spellings; `None` when it does neither."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in {"true", "1", "1.0", "yes", "good", "desirable"}:
        return True
    return False if word in {"false", "0", "0.0", "-1", "no", "bad", "undesirable"} else None


def _value_in(text: str) -> tuple[Any, str]:
    """The value that a text holds, and in which language; `None` where it is neither JSON nor Python's literals."""
    try:
        return json.loads(text), "JSON"
    except (ValueError, RecursionError):
        pass
    if len(text) <= _LONGEST_LITERAL:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.literal_eval(text), "a Python literal"
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            pass
    return None, ""


def _text_of_part(part: str | Mapping[str, Any]) -> str:
    """Text of one part of a content; what is no text (an image) is named in angle brackets."""
    if isinstance(part, str):
        return part
    text = part.get("text")
    return text if isinstance(text, str) else f"<{part.get('type', 'part')}>"


def _is_scored(turn: Mapping[str, Any]) -> bool | None:
    value = next(
        (turn[key] for key in ("train", "training", "weight", "loss", "trainable") if turn.get(key) is not None), None
    )
    return None if value is None else as_flag(value)


def _as_json(value: Any) -> str:
    if not value:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "a flag"
    if isinstance(value, (int, float)):
        return "a number"
    return "an object" if isinstance(value, Mapping) else "a list"
