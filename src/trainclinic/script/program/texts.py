"""Texts that a program builds: literal pieces in order, with holes where the program puts data.

An f-string, a sum, `format`, `%` and `join` give the same skeleton for the same text. What a hole holds at run time is
not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING

from trainclinic.script.program.open_values import Parameter, Setting
from trainclinic.script.program.values import (
    Attribute,
    Call,
    Choice,
    Constant,
    Each,
    External,
    Item,
    Items,
    Operation,
    Spread,
    Text,
    Value,
)

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

MOST = 12
"""Alternatives of one text that are told apart."""
DEEPEST = 24
KEEP_TEXT = frozenset({"strip", "lstrip", "rstrip", "dedent", "cleandoc", "str", "tolist", "encode", "lower"})
"""Calls that change no more than the margins of a text."""
_FIELD = re.compile(r"\{\{|\}\}|\{(\w*)[^{}]*\}")
_PERCENT = re.compile(r"%(?:\((\w+)\))?[sdirf]")
END_TOKEN = re.compile(
    r"</s>|<eos>|<end_of_turn>|<turn\|>|<\|endof\w+\|>|<\|(?:im_end|eot_id|eom_id|end|end_of_text|endofturn|return)\|>"
    r"|<\|END_OF_TURN_TOKEN\|>|<｜end▁of▁sentence｜>|<\|?eot\|?>|<\|end_of_sentence\|>|\[EOS\]|<EOS>"
)
"""End tokens of known families, as they are written in texts."""
ANSWER_MARKER = re.compile(
    r"(?:^|[\s#*|>\]])(?:response|answer|assistant|output|completion|reply|bot|solution|label|target|summary|"
    r"translation|sql|gpt|ai|a|chosen|code)\s*(?::|\|>|\])?\**\s*$|\[/INST\]\s*$|<\|im_start\|>assistant\s*$"
    r"|<\|end_header_id\|>\s*$|<start_of_turn>model\s*$",
    re.I,
)
"""What stands right before an answer in instruction data."""

Piece = str | Value


@dataclass(frozen=True, slots=True)
class Skeleton:
    """One way in which a text can be built.

    Attributes:
        pieces: Literal texts and the values in between, in order; two literals never follow each other.
    """

    pieces: tuple[Piece, ...]

    @property
    def literals(self) -> str:
        """The literal pieces, with a NUL character for every hole."""
        return "".join(piece if isinstance(piece, str) else "\0" for piece in self.pieces)

    @property
    def answer_marker(self) -> str | None:
        """The last literal that announces an answer, with data behind it; `None` when there is none."""
        pairs = list(zip(self.pieces, self.pieces[1:], strict=False))
        found = [a for a, b in pairs if isinstance(a, str) and ANSWER_MARKER.search(a) and not isinstance(b, str)]
        return found[-1] if found else None

    @property
    def before_answer(self) -> str | None:
        """The literal in front of the last hole when it announces an answer and no more than space follows the hole."""
        pieces = list(self.pieces)
        while pieces and isinstance(pieces[-1], str) and not pieces[-1].strip():
            pieces.pop()
        if len(pieces) < 2 or isinstance(pieces[-1], str):
            return None
        marker = pieces[-2]
        return marker if isinstance(marker, str) and ANSWER_MARKER.search(marker) else None


def skeletons(program: Program, value: Value | None) -> list[Skeleton]:
    """Every way in which a text, or one text of a list, can be built.

    Args:
        program: The program, for what was appended to lists.
        value: The text, or a list of texts.
    """
    if value is None:
        return []
    return [Skeleton(_merged(pieces)) for pieces in islice(_built(program, value, 0), MOST)]


def _merged(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    out: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and out and isinstance(out[-1], str):
            out[-1] += piece
        elif piece != "":
            out.append(piece)
    return tuple(out)


def _built(program: Program, value: Value, depth: int) -> Iterator[tuple[Piece, ...]]:
    if depth > DEEPEST:
        yield (value,)
    elif isinstance(value, Constant):
        yield (str(value.value),)
    elif isinstance(value, Text):
        yield from _in_a_row(program, value.pieces, depth)
    elif isinstance(value, Operation) and value.symbol == "+" and len(value.operands) == 2:
        yield from _in_a_row(program, value.operands, depth)
    elif isinstance(value, Operation) and value.symbol == "%" and len(value.operands) == 2:
        yield from _filled(program, value.operands[0], _percent_values(value.operands[1]), _PERCENT, depth)
    elif isinstance(value, (Choice, Items, Each, Setting)):
        for one in _alternatives(program, value):
            yield from _built(program, one, depth + 1)
    elif isinstance(value, Call):
        yield from _called(program, value, depth)
    else:
        yield (value,)


def _alternatives(program: Program, value: Choice | Items | Each | Setting) -> tuple[Value, ...]:
    if isinstance(value, Choice):
        return tuple(option.value for option in value.options)
    if isinstance(value, Items):
        return program.elements_of(value)
    if isinstance(value, Each):
        return (value.element,)
    return (value.default,) if value.default is not None else ()


def _in_a_row(program: Program, parts: tuple[Value, ...], depth: int) -> Iterator[tuple[Piece, ...]]:
    ways = [list(islice(_built(program, part, depth + 1), MOST)) for part in parts]
    for way in islice(product(*ways), MOST):
        yield tuple(piece for pieces in way for piece in pieces)


def _called(program: Program, value: Call, depth: int) -> Iterator[tuple[Piece, ...]]:
    receiver = value.receiver
    if value.method == "format" and receiver is not None:
        held: dict[str, Value] = {str(at): arg for at, arg in enumerate(value.args)}
        held.update({name: arg for name, arg in value.keywords if name is not None})
        yield from _filled(program, receiver, held, _FIELD, depth)
    elif value.method == "join" and receiver is not None and value.args:
        yield from _joined(program, receiver, value.args[0], depth)
    elif value.method in KEEP_TEXT and (receiver is not None or value.args):
        inner = value.args[0] if isinstance(value.function, External) and value.args else receiver
        yield from _built(program, inner, depth + 1) if inner is not None else iter(((value,),))
    else:
        yield (value,)


def _filled(
    program: Program, template: Value, held: dict[str, Value], field: re.Pattern[str], depth: int
) -> Iterator[tuple[Piece, ...]]:
    """A template with its fields filled; a field whose value is not in sight stays a hole."""
    for pieces in islice(_built(program, template, depth + 1), MOST):
        parts: list[Value] = []
        number = 0
        for piece in pieces:
            if not isinstance(piece, str):
                parts.append(piece)
                continue
            at = 0
            for found in field.finditer(piece):
                literal = piece[at : found.start()]
                at = found.end()
                if found[0] in {"{{", "}}"}:
                    parts.append(Constant(literal + found[0][0]))
                    continue
                parts.append(Constant(literal))
                parts.append(held.get(found[1] or str(number), template))
                number += not found[1]
            parts.append(Constant(piece[at:]))
        # The template itself stands for an unknown value: it must not be read as a text once more.
        yield from _in_a_row_with(program, parts, template, depth)


def _in_a_row_with(program: Program, parts: list[Value], hole: Value, depth: int) -> Iterator[tuple[Piece, ...]]:
    ways = [[(part,)] if part is hole else list(islice(_built(program, part, depth + 1), MOST)) for part in parts]
    for way in islice(product(*ways), MOST):
        yield tuple(piece for pieces in way for piece in pieces)


def _percent_values(value: Value) -> dict[str, Value]:
    if isinstance(value, Items):
        return {str(at): element for at, element in enumerate(value.elements)}
    return {"0": value}


def _joined(program: Program, between: Value, over: Value, depth: int) -> Iterator[tuple[Piece, ...]]:
    """The parts of each way in which the list of a `join` can be built, with what joins them."""
    for elements in islice(_lists(program, over, 0), MOST):
        parts: list[Value] = []
        for element in elements:
            parts += [between, element] if parts else [element]
        yield from _in_a_row(program, tuple(parts), depth)


def _lists(program: Program, value: Value, depth: int) -> Iterator[tuple[Value, ...]]:
    if depth > DEEPEST:
        yield (value,)
    elif isinstance(value, Items):
        yield tuple(one.value if isinstance(one, Spread) else one for one in program.elements_of(value))
    elif isinstance(value, Choice):
        for option in value.options:
            yield from _lists(program, option.value, depth + 1)
    elif isinstance(value, Operation) and value.symbol == "+" and len(value.operands) == 2:
        one, two = (list(islice(_lists(program, operand, depth + 1), MOST)) for operand in value.operands)
        yield from (first + second for first in one for second in two)
    elif isinstance(value, Each):
        yield (value.element,)
    else:
        yield (value,)


def names_end(piece: Piece) -> bool:
    """Whether a piece of a text is an end token, or something that is called one.

    Args:
        piece: A literal or a value.
    """
    if isinstance(piece, str):
        return END_TOKEN.search(piece) is not None
    if isinstance(piece, (Attribute, Parameter, Setting)):
        return is_end_name(piece.name)
    if isinstance(piece, Item) and isinstance(piece.index, Constant):
        return is_end_name(str(piece.index.value))
    return False


def is_end_name(name: str) -> bool:
    """Whether a name speaks of an end token: `eos_token`, `EOS`, `end_of_turn`, `eot_id`.

    Args:
        name: The name.
    """
    return re.search(r"eos|eot|end_?of|im_end|end_?token|stop_?token", name, re.I) is not None
