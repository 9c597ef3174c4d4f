"""Plain values out of a pickle by reading its instructions, without executing any of them.

A pickle is a program for a small stack machine. This module walks that program with `pickletools.genops`, which only
decodes, and keeps numbers, text, flags, lists, tuples and dictionaries. Whatever would import a name or call something
becomes an `Opaque` that remembers the name and is never resolved: no module is imported, no function is called.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

MAX_PICKLE_BYTES = 4_000_000
MAX_INSTRUCTIONS = 200_000


class PickleNotUnderstood(ValueError):
    """The instructions do not make sense, or there are too many of them."""


@dataclass(slots=True)
class Opaque:
    """Something that a pickle would import or build.

    Attributes:
        name: `module.qualname` of what would be imported or called.
        arguments: What it would be called with.
        state: What it would be given as its state, when that is a dictionary.
    """

    name: str
    arguments: tuple[Any, ...] = ()
    state: dict[Any, Any] = field(default_factory=dict)

    def plain(self) -> Any:
        """The single plain argument, which is what an enum member is built from; else `None`."""
        return self.arguments[0] if len(self.arguments) == 1 and isinstance(self.arguments[0], (str, int)) else None


_MARK = object()


def plain_value(data: bytes) -> Any:
    """The value that a pickle describes, with `Opaque` in the place of every object.

    Args:
        data: The pickle.

    Raises:
        PickleNotUnderstood: If the program is damaged, too long, or uses instructions that plain values never need.
    """
    if len(data) > MAX_PICKLE_BYTES:
        message = f"{len(data):,} bytes"
        raise PickleNotUnderstood(message)
    machine = _Machine()
    try:
        for name, argument, _ in instructions(data)[:-1]:
            machine.step(name, argument)
        return machine.stack.pop()
    except (IndexError, KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise PickleNotUnderstood(str(error)) from error


def instructions(data: bytes) -> list[tuple[str, Any, int]]:
    """The program of the first pickle in `data`: names, arguments, where each instruction begins; `STOP` is the last.

    Raises:
        PickleNotUnderstood: If the program is damaged or too long.
    """
    import pickletools

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # escapes in a name that Python does not know
        try:
            found = [
                (opcode.name, argument, at or 0)
                for opcode, argument, at in islice(pickletools.genops(data), MAX_INSTRUCTIONS + 1)
            ]
        except ValueError as error:
            raise PickleNotUnderstood(str(error)) from error
    if len(found) > MAX_INSTRUCTIONS:
        message = "too many instructions"
        raise PickleNotUnderstood(message)
    return found


class _Machine:
    """The stack of the machine, with calls replaced by notes of what would be called."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """Follow one instruction."""
        if name in _PUSHES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name in _ACTIONS:
            _ACTIONS[name](self, argument)
        elif name not in {"PROTO", "FRAME"}:
            message = f"instruction {name}"
            raise PickleNotUnderstood(message)

    def since_mark(self) -> list[Any]:
        """Take everything above the last mark, and the mark."""
        above = next((n for n, item in enumerate(reversed(self.stack)) if item is _MARK), None)
        if above is None:
            message = "a mark is missing"
            raise PickleNotUnderstood(message)
        items = self.take(above)
        self.take(1)
        return items

    def take(self, count: int) -> list[Any]:
        """Take the upper `count` values, lowest first."""
        if count > len(self.stack):
            message = "the stack is too short"
            raise PickleNotUnderstood(message)
        items = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return items

    def imported(self, argument: Any) -> None:
        """A name that would be imported, written as `module name` or taken from the stack."""
        module, name = argument.split(" ", 1) if isinstance(argument, str) else self.take(2)
        self.stack.append(Opaque(f"{module}.{name}"))

    def called(self, _: Any) -> None:
        """A call that is not made: the callee and its arguments are noted."""
        callee, arguments = self.take(2)
        name = callee.name if isinstance(callee, Opaque) else "?"
        self.stack.append(Opaque(name, tuple(arguments) if isinstance(arguments, (list, tuple)) else ()))

    def built(self, _: Any) -> None:
        """A state that an object would be given."""
        (state,) = self.take(1)
        owner = self.stack[-1]
        if isinstance(state, tuple) and len(state) == 2 and isinstance(state[0], dict):
            state = state[0]
        if isinstance(owner, Opaque) and isinstance(state, dict):
            owner.state.update(state)

    def made(self, _: Any) -> None:
        """A dictionary out of everything above the last mark."""
        pairs = self.since_mark()
        self.stack.append({})
        self.filled(pairs)

    def unmarked(self, _: Any) -> None:
        """Values above the last mark that are thrown away."""
        self.since_mark()

    def unknown(self, _: Any) -> None:
        """An object that would be made from everything above the last mark."""
        self.since_mark()
        self.stack.append(Opaque("?"))

    def discarded(self, count: int) -> None:
        """Take values away and leave an unknown object in their place."""
        self.take(count)
        self.stack.append(Opaque("?"))

    def filled(self, pairs: list[Any]) -> None:
        """Entries for the dictionary on top of the stack; keys that are no plain values are left out."""
        target = self.stack[-1]
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if isinstance(target, dict) and isinstance(key, (str, int)):
                target[key] = value

    def appended(self, items: list[Any]) -> None:
        """Items for the list on top of the stack."""
        if isinstance(self.stack[-1], list):
            self.stack[-1].extend(items)


_PUSH_WORDS = """INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING UNICODE
    BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8"""
_PUSHES = frozenset(_PUSH_WORDS.split())
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": list,
    "MARK": lambda: _MARK,
}
_ACTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "DICT": _Machine.made,
    "LIST": lambda m, _: m.stack.append(m.since_mark()),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.since_mark())),
    "FROZENSET": lambda m, _: m.stack.append(tuple(m.since_mark())),
    "TUPLE1": lambda m, _: m.stack.append(tuple(m.take(1))),
    "TUPLE2": lambda m, _: m.stack.append(tuple(m.take(2))),
    "TUPLE3": lambda m, _: m.stack.append(tuple(m.take(3))),
    "SETITEM": lambda m, _: m.filled(m.take(2)),
    "SETITEMS": lambda m, _: m.filled(m.since_mark()),
    "APPEND": lambda m, _: m.appended(m.take(1)),
    "APPENDS": lambda m, _: m.appended(m.since_mark()),
    "ADDITEMS": lambda m, _: m.appended(m.since_mark()),
    "POP": lambda m, _: m.stack.__delitem__(-1),
    "POP_MARK": _Machine.unmarked,
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    "GLOBAL": _Machine.imported,
    "STACK_GLOBAL": lambda m, _: m.imported(None),
    "REDUCE": _Machine.called,
    "NEWOBJ": _Machine.called,
    "NEWOBJ_EX": lambda m, _: m.discarded(3),
    "BUILD": _Machine.built,
    "INST": _Machine.unknown,
    "OBJ": _Machine.unknown,
    "BINPERSID": lambda m, _: m.discarded(1),
    "PERSID": lambda m, _: m.stack.append(Opaque("?")),
    "EXT1": lambda m, _: m.stack.append(Opaque("?")),
    "EXT2": lambda m, _: m.stack.append(Opaque("?")),
    "EXT4": lambda m, _: m.stack.append(Opaque("?")),
    "PUT": lambda m, at: m.memo.__setitem__(at, m.stack[-1]),
    "BINPUT": lambda m, at: m.memo.__setitem__(at, m.stack[-1]),
    "LONG_BINPUT": lambda m, at: m.memo.__setitem__(at, m.stack[-1]),
    "MEMOIZE": lambda m, _: m.memo.__setitem__(len(m.memo), m.stack[-1]),
    "GET": lambda m, at: m.stack.append(m.memo[at]),
    "BINGET": lambda m, at: m.stack.append(m.memo[at]),
    "LONG_BINGET": lambda m, at: m.stack.append(m.memo[at]),
}
