"""What a value can be when the program runs: constants with their conditions, flags, texts, dtypes, arguments."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from trainclinic.script.program.events import Condition
from trainclinic.script.program.names import is_library, name_of
from trainclinic.script.program.open_values import Parameter, Setting
from trainclinic.script.program.values import (
    Attribute,
    Call,
    Choice,
    Constant,
    External,
    Items,
    Mapping,
    Operation,
    Spread,
    Text,
    Value,
)

MOST = 24
"""Possible values that are told apart."""
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "**": lambda a, b: a**b if abs(b) <= 16 else None,
}
_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "builtins.int": int,
    "builtins.float": float,
    "builtins.str": str,
    "builtins.bool": bool,
    "pathlib.Path": str,
}


@dataclass(frozen=True, slots=True)
class Possible:
    """One thing that a value can be.

    Attributes:
        value: A Python constant, or the name of a library's constant as `External` (`torch.float16`).
        when: The conditions under which it is this.
        setting: The setting that decides it, when the user can change it; `None` for what the code fixes.
        given: Whether a launch script gives it, so that it is no mere default.
    """

    value: Any
    when: tuple[Condition, ...] = ()
    setting: Setting | Parameter | None = None
    given: bool = False


def possible(value: Value | None) -> tuple[list[Possible], bool]:
    """Everything that a value can be, as far as the code says it.

    Args:
        value: The value; `None` gives nothing.

    Returns:
        The possibilities, and whether they are all: a part that nobody knows leaves the list open.
    """
    if value is None:
        return [], False
    found = list(islice(_possible(value), 4 * MOST))
    return _unique([one for one in found if one is not None])[:MOST], None not in found


def _unique(found: list[Possible]) -> list[Possible]:
    out: list[Possible] = []
    for one in found:
        if not any(type(one.value) is type(o.value) and one.value == o.value and one.when == o.when for o in out):
            out.append(one)
    return out


def _possible(value: Value) -> Iterator[Possible | None]:
    """Possibilities; `None` for one that nobody knows."""
    if isinstance(value, Constant):
        yield Possible(value.value)
    elif isinstance(value, External):
        yield Possible(value) if is_library(value.name) else None
    elif isinstance(value, Choice):
        for option in value.options:
            for one in _possible(option.value):
                yield one and Possible(one.value, (*option.when, *one.when), one.setting, one.given)
    elif isinstance(value, (Setting, Parameter)):
        yield from _possible_setting(value)
    elif isinstance(value, Operation):
        yield from _possible_operation(value)
    elif isinstance(value, Text):
        yield _whole_text(value)
    else:
        yield from _possible_conversion(value)


def _possible_conversion(value: Value) -> Iterator[Possible | None]:
    """`float(x)` is what it makes of each possibility of `x`."""
    convert = _CONVERSIONS.get(name_of(value.function)) if isinstance(value, Call) else None
    if convert is None or not isinstance(value, Call) or len(value.args) != 1:
        yield None
        return
    for one in _possible(value.args[0]):
        yield _computed(convert, one)


def _possible_setting(value: Setting | Parameter) -> Iterator[Possible | None]:
    given = value.given if isinstance(value, Setting) else ()
    for held in given:
        for one in _possible(held):
            yield one and Possible(one.value, one.when, value, given=True)
    if not given and value.default is not None:
        for one in _possible(value.default):
            yield one and Possible(one.value, one.when, value)
    elif not given:
        yield None


def _possible_operation(value: Operation) -> Iterator[Possible | None]:
    if value.symbol == "or":
        for operand in value.operands[:-1]:
            yield from (one for one in _possible(operand) if one is None or one.value)
        yield from _possible(value.operands[-1])
    elif value.symbol == "not":
        yield from (_computed(operator.not_, one) for one in _possible(value.operands[0]))
    elif value.symbol in _ARITHMETIC and len(value.operands) == 2:
        yield from _possible_sum(_ARITHMETIC[value.symbol], *value.operands)
    else:
        yield None


def _possible_sum(compute: Callable[[Any, Any], Any], left: Value, right: Value) -> Iterator[Possible | None]:
    """Each possibility of one operand with each of the other."""
    for one in _possible(left):
        for two in _possible(right):
            if one is None or two is None:
                yield None
                continue
            made = _computed(lambda pair: compute(*pair), Possible((one.value, two.value)))
            setting = one.setting or two.setting
            yield made and Possible(made.value, (*one.when, *two.when), setting, one.given or two.given)


def _computed(compute: Callable[[Any], Any], one: Possible | None) -> Possible | None:
    if one is None:
        return None
    try:
        made = compute(one.value)
    except Exception:  # whatever the user's literals do to an operator, it is no reason to stop
        return None
    if made is None or (isinstance(made, (str, bytes)) and len(made) > 10_000):
        return None
    return Possible(made, one.when, one.setting, one.given)


def _whole_text(value: Text) -> Possible | None:
    parts = [possible(piece) for piece in value.pieces]
    if all(complete and len(found) == 1 for found, complete in parts):
        return Possible("".join(str(found[0].value) for found, _ in parts))
    return None


def constants(value: Value | None) -> list[Any]:
    """The plain constants that a value can be, conditions left out.

    Args:
        value: The value.
    """
    return [one.value for one in possible(value)[0] if not isinstance(one.value, Value)]


def only(value: Value | None) -> Any:
    """The constant that a value is in every case; `None` when it can be several things or nobody knows.

    Args:
        value: The value.
    """
    found, complete = possible(value)
    return found[0].value if complete and len(found) == 1 and not isinstance(found[0].value, Value) else None


def flag(value: Value | None) -> bool | None:
    """Whether a flag is on; `None` when that depends on something that the code does not say.

    A default that the user can override counts as what it is: that is how the program runs when nobody says otherwise.

    Args:
        value: The value; an argument that was not given is `None`.
    """
    found, complete = possible(value)
    states = {bool(one.value) for one in found if not isinstance(one.value, Value)}
    return states.pop() if complete and len(states) == 1 and len(found) >= 1 else None


def may_be_true(value: Value | None) -> list[Possible]:
    """The possibilities under which a flag is on.

    Args:
        value: The value.
    """
    return [one for one in possible(value)[0] if not isinstance(one.value, Value) and bool(one.value)]


def condition_text(when: tuple[Condition, ...]) -> str:
    """Conditions as an alarm says them: ``device != "cpu"``; empty without any.

    Args:
        when: The conditions, all of which must hold.
    """
    return " and ".join(dict.fromkeys(f"`{condition}`" for condition in when))


def argument(call: Call, name: str, position: int | None = None) -> Value | None:
    """The argument of a call, by keyword or position, also inside a `**` that the code writes out.

    Args:
        call: The call.
        name: Its keyword.
        position: Its position from 0, without the receiver; `None` for arguments that are given by keyword only.
    """
    for key, value in call.keywords:
        if key == name:
            return value
    if position is not None and position < len(call.args):
        before = call.args[: position + 1]
        if not any(isinstance(arg, Spread) for arg in before):
            return call.args[position]
    return None


def is_open(call: Call) -> bool:
    """Whether a call has a `*` or `**` whose content the code does not say, so that any argument may be in it.

    Args:
        call: The call.
    """
    return any(isinstance(arg, Spread) for arg in call.args) or any(name is None for name, _ in call.keywords)


DTYPES = {
    "float16": "float16",
    "half": "float16",
    "fp16": "float16",
    "bfloat16": "bfloat16",
    "bf16": "bfloat16",
    "float32": "float32",
    "float": "float32",
    "fp32": "float32",
    "float64": "float64",
    "double": "float64",
    "auto": "auto",
}


def dtypes(value: Value | None) -> list[tuple[str, tuple[Condition, ...]]]:
    """The floating-point types that a value can be: `float16`, `bfloat16`, `float32`, `auto`, each with its conditions.

    Args:
        value: `torch.float16`, `"float16"`, or a choice of them.
    """
    out: list[tuple[str, tuple[Condition, ...]]] = []
    for one in possible(value)[0]:
        name = one.value.name.rpartition(".")[2] if isinstance(one.value, External) else one.value
        if isinstance(name, str) and name.rpartition(".")[2] in DTYPES:
            out.append((DTYPES[name.rpartition(".")[2]], one.when))
    return out


def literal_texts(value: Value | None) -> Iterator[Constant]:
    """Every literal text inside a value, in order: of f-strings, sums, lists, dictionaries and alternatives.

    Args:
        value: The value.
    """
    seen: set[Value] = set()
    queue = [value] if value is not None else []
    while queue:
        one = queue.pop(0)
        if one in seen or len(seen) > 2_000:
            continue
        seen.add(one)
        if isinstance(one, Constant):
            if isinstance(one.value, str):
                yield one
        elif isinstance(one, (Text, Operation, Items, Mapping, Choice, Setting, Call, Attribute)):
            queue = [*one.parts(), *queue]


def contains(value: Value | None, wanted: Callable[[Value], bool], *, limit: int = 3_000) -> Value | None:
    """The first value inside another, itself included, for which something is true; `None` when there is none.

    Args:
        value: Where to look: the value and all that it was made of.
        wanted: The question.
        limit: Values that are looked at.
    """
    seen: set[Value] = set()
    queue = [value] if value is not None else []
    while queue and len(seen) < limit:
        one = queue.pop(0)
        if one in seen:
            continue
        seen.add(one)
        if wanted(one):
            return one
        queue += one.parts()
    return None
