"""Masks that take a prompt out of the labels: how long the prompt is taken to be, and in which ids it is masked.

It knows lengths that come from an encoding of the prompt alone. Whether those ids begin the whole encoding is not known
here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.program.encodings import origin_of_ids, tokenizer_of
from trainclinic.script.program.masking import IGNORED, Masking, layers, maskings
from trainclinic.script.program.names import name_of
from trainclinic.script.program.reading import only
from trainclinic.script.program.values import (
    Attribute,
    Call,
    Constant,
    Item,
    Items,
    Operation,
    Span,
    Value,
)

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program


@dataclass(frozen=True, slots=True)
class PromptMask:
    """A mask over the first tokens of a sequence.

    Attributes:
        mask: The mask.
        length: How many tokens are masked.
        prompt: The call that encodes the prompt alone, whose length it is; `None` when the length comes from elsewhere.
        correction: What is added to that length as a literal.
        joint: The calls that encode the ids in whose labels it is masked, that of the prompt alone left out.
        whole: Whether these ids are one encoding, not prompt ids and answer ids put together.
    """

    mask: Masking
    length: Value
    prompt: Call | None
    correction: int
    joint: tuple[Call, ...]
    whole: bool


def prompt_masks(program: Program) -> Iterator[PromptMask]:
    """Every mask with -100 over the first tokens of something, in order.

    Args:
        program: The program.
    """
    for mask in maskings(program):
        length = _length(mask) if only(mask.fill) == IGNORED else None
        if length is None:
            continue
        base, correction = _corrected(length)
        prompt = _encoded(base)
        below = list(layers(program, mask.masked))
        origins = {call for one in below if (call := origin_of_ids(one)) is not None}
        joint = tuple(call for call in origins if call is not prompt and tokenizer_of(call) is not None)
        joined = any(_is_joined_ids(one) for one in below) or not _cuts_the_rest(mask)
        yield PromptMask(mask, length, prompt, correction, joint, bool(joint) and not joined)


def _length(mask: Masking) -> Value | None:
    """`n` of `labels[:, :n] = -100`, `labels[:n] = [-100] * n` and `[-100] * n + ids`."""
    if mask.before is None:
        first = mask.masked.operands[0] if isinstance(mask.masked, Operation) else None
        is_first = isinstance(first, Operation) and mask.test in first.operands
        return mask.test if is_first else None
    key = mask.test
    parts = key.elements if isinstance(key, Items) else (key,)
    spans = [part for part in parts if isinstance(part, Span)]
    last = parts[-1] if parts else None
    if spans and last is spans[-1] and spans[-1].start is None and spans[-1].stop is not None:
        return spans[-1].stop
    return None


def _cuts_the_rest(mask: Masking) -> bool:
    """Whether a constant part stands before the rest of the same ids, as in `[-100] * n + ids[n:]`."""
    if mask.before is not None or not isinstance(mask.masked, Operation):
        return True
    rest = mask.masked.operands[-1]
    return isinstance(rest, Item) and isinstance(rest.index, Span) and rest.index.start is not None


def _corrected(length: Value) -> tuple[Value, int]:
    """A length without the literals that are added to it, and their sum."""
    total = 0
    while isinstance(length, Operation) and length.symbol in {"+", "-"} and len(length.operands) == 2:
        one, two = length.operands
        literal = two.value if isinstance(two, Constant) else None
        if not isinstance(literal, int):
            break
        total += literal if length.symbol == "+" else -literal
        length = one
    return length, total


def _encoded(length: Value) -> Call | None:
    """The encoding whose number of ids a length is: `len(ids)`, `ids.shape[1]`, `ids.size(1)`."""
    if isinstance(length, Call) and name_of(length.function) == "builtins.len" and length.args:
        held: Value | None = length.args[0]
    elif isinstance(length, Call) and length.method in {"size", "numel"}:
        held = length.receiver
    elif isinstance(length, Item) and isinstance(length.base, Attribute) and length.base.name == "shape":
        held = length.base.base
    else:
        held = None
    found = origin_of_ids(held)
    return found if found is not None and tokenizer_of(found) is not None else None


def _is_joined_ids(value: Value) -> bool:
    """Whether ids of two encodings are put together: the length of the first is then exact."""
    if not isinstance(value, Operation) or value.symbol != "+":
        return isinstance(value, Call) and value.method in {"cat", "concat", "concatenate"}
    return all(origin_of_ids(one) is not None for one in value.operands)
