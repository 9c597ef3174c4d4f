"""The Jinja environment that chat templates are written for, closed against what a foreign template could do.

It knows the extensions that templates rely on (`{% generation %}`, `raise_exception`, `strftime_now`, `tojson` without
HTML escapes) and bounds iterations, calls and lengths. It does not know conversations.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from jinja2 import nodes
from jinja2.ext import Extension, LoopControlExtension
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

MARK_BEGIN, MARK_END = "\ufdd0\ufdd4\ufdd2\ufdd6\ufdd1", "\ufdd1\ufdd6\ufdd2\ufdd4\ufdd0"
"""What stands around generated parts while a template runs; noncharacters that no text may hold."""
MOST_STEPS = 1_000_000
"""Turns of loops and calls of one rendering; the longest conversations need some ten thousand."""
LONGEST_VALUE = 50_000_000
"""Characters of one value that a template builds, and of its output."""


class RefusedError(Exception):
    """What a template says with `raise_exception`."""


class LimitError(Exception):
    """A rendering that went beyond what a chat template may need."""


class Budget(threading.local):
    """What is left to one rendering, in each thread."""

    steps: int = MOST_STEPS

    def reset(self) -> None:
        """Begin a rendering."""
        self.steps = MOST_STEPS

    def spend(self) -> None:
        """Count one turn of a loop, or one call.

        Raises:
            LimitError: If there were too many.
        """
        self.steps -= 1
        if self.steps < 0:
            message = f"it made more than {MOST_STEPS:,} turns and calls"
            raise LimitError(message)


def checked_length(value: Any) -> Any:
    """A value, when it is not too long.

    Raises:
        LimitError: If it is.
    """
    if isinstance(value, (str, bytes, list, tuple)) and len(value) > LONGEST_VALUE:
        message = f"it built a value of {len(value):,} characters or items"
        raise LimitError(message)
    return value


class ChatEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox, with counted loops and calls."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=[GenerationExtension, LoopControlExtension])
        self.budget = Budget()
        self.filters |= {"tojson": to_json, "_counted": self._counted, "_joined": self._joined}
        self.globals |= {"raise_exception": _refuse, "strftime_now": _now}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        parsed: nodes.Template = Bounds().visit(super()._parse(source, name, filename))
        return parsed

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call something for a template; the call is counted, and its result may not be too long.

        Raises:
            LimitError: If there were too many, or a number asks for too much.
        """
        self.budget.spend()
        if any(isinstance(value, int) and value > LONGEST_VALUE for value in args) and isinstance(
            getattr(obj, "__self__", None), str
        ):
            message = f"it asked for a text of more than {LONGEST_VALUE:,} characters"
            raise LimitError(message)
        return checked_length(super().call(context, obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Apply an operator that can make values long.

        Raises:
            LimitError: If the result would be too long.
        """
        sizes = [value if isinstance(value, int) else _length(value) for value in (left, right)]
        is_large = operator == "**" and (sizes[0].bit_length() * max(sizes[1], 0) > LONGEST_VALUE)
        is_long = (
            operator == "*"
            and not (isinstance(left, int) and isinstance(right, int))
            and (sizes[0] * sizes[1] > LONGEST_VALUE)
        )
        if is_large or is_long:
            message = f"it asked for a value of more than {LONGEST_VALUE:,} characters or items"
            raise LimitError(message)
        return checked_length(super().call_binop(context, operator, left, right))

    def _counted(self, values: Iterable[Any]) -> Iterator[Any]:
        for value in values:
            self.budget.spend()
            yield value

    def _joined(self, values: Iterable[Any]) -> str:
        return str(checked_length("".join(map(str, values))))


class GenerationExtension(Extension):
    """`{% generation %}` around what the model writes."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> nodes.Node:
        """The block, with marks around its text."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_marked"), [], [], body).set_lineno(line)

    def _marked(self, caller: Callable[[], str]) -> str:
        return f"{MARK_BEGIN}{caller()}{MARK_END}"


class Bounds(NodeTransformer):
    """Writes the counting into a parsed template: it sees every loop and every joining of texts."""

    def visit_For(self, node: nodes.For) -> nodes.For:
        """Count the turns of a loop."""
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "_counted", [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:
        """Check the length of joined texts."""
        self.generic_visit(node)
        values = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(values, "_joined", [], [], None, None, lineno=node.lineno)


def to_json(
    value: Any,
    ensure_ascii: bool = False,  # noqa: FBT001, FBT002
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,  # noqa: FBT001, FBT002
) -> str:
    """JSON of a value as chat templates expect it: letters beyond ASCII and `<` stay as they are."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _refuse(message: object) -> None:
    raise RefusedError(str(message))


def _now(form: str) -> str:
    return datetime.now().strftime(form)  # noqa: DTZ005


def _length(value: Any) -> int:
    return len(value) if isinstance(value, (str, bytes, list, tuple)) else 0
