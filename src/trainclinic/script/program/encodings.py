"""Where token ids come from: calls of tokenizers and chat templates, and what they were given.

It knows how encodings are handed on (`.to(device)`, `["input_ids"]`, `**encoding`), and not which ids come out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainclinic.script.program.objects import SAME_DATA, is_tokenizer
from trainclinic.script.program.once import listed_once
from trainclinic.script.program.reading import argument, constants, flag
from trainclinic.script.program.values import (
    Attribute,
    Call,
    Choice,
    Constant,
    Each,
    Element,
    External,
    Item,
    Items,
    Operation,
    Span,
    Spread,
    Text,
    Value,
)

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

ENCODE = frozenset({"encode", "encode_plus", "batch_encode_plus", "__call__"})
COLUMNS = frozenset({"input_ids", "attention_mask", "inputs"})
BATCHES = frozenset({"batch_encode_plus"})


def tokenizer_of(call: Call) -> Value | None:
    """The tokenizer that a call encodes text with; `None` for every other call.

    Args:
        call: `tokenizer(text)`, `tokenizer.encode(text)`, or something else.
    """
    if call.method in ENCODE and call.receiver is not None and is_tokenizer(call.receiver):
        return call.receiver
    function = call.function
    if isinstance(function, Attribute) and call.method not in {"tokenizer", "tok", "processing_class"}:
        return None
    return function if not isinstance(function, External) and is_tokenizer(function) else None


@listed_once
def encodings(program: Program) -> Iterator[tuple[Call, Value]]:
    """Every call that encodes text, with its tokenizer, in order.

    Args:
        program: The program.
    """
    for event in program.calls:
        tokenizer = tokenizer_of(event.call)
        if tokenizer is not None and event.call.result is None:
            yield event.call, tokenizer


def text_of(call: Call) -> Value | None:
    """The text, or list of texts, that a tokenizer is given.

    Args:
        call: The call of the tokenizer.
    """
    return argument(call, "text", 0) or argument(call, "batch_text_or_text_pairs") or argument(call, "images_text")


def chat_templates(program: Program) -> list[Call]:
    """Calls of `apply_chat_template`, in order.

    Args:
        program: The program.
    """
    return program.calls_ending("apply_chat_template")


def gives_text(call: Call) -> bool | None:
    """Whether a call of `apply_chat_template` gives text instead of token ids; `None` when it depends.

    Args:
        call: The call.
    """
    given = argument(call, "tokenize")
    if given is None:
        return False
    state = flag(given)
    return None if state is None else not state


def origin_of_ids(value: Value | None) -> Call | None:
    """The call of a tokenizer or of `apply_chat_template` that token ids come from, unchanged but for device and shape.

    Args:
        value: Ids, or a whole encoding.
    """
    for _ in range(32):
        if isinstance(value, Spread):
            value = value.value
        elif isinstance(value, Choice) and value.options:
            value = value.options[0].value
        elif isinstance(value, Attribute) and value.name in COLUMNS:
            value = value.base
        elif isinstance(value, Item):
            value = _below(value)
        elif isinstance(value, Call):
            if tokenizer_of(value) is not None or value.method in {"apply_chat_template", "pad"}:
                return value
            value = _unwrapped(value)
        elif isinstance(value, Items) and len(value.elements) == 1:
            value = value.elements[0]
        elif isinstance(value, Each) and value.kind == "dict" and isinstance(value.element, Items):
            value = _moved_items(value)
        else:
            return None
    return None


def _below(value: Item) -> Value | None:
    index = value.index
    if isinstance(index, Constant) and index.value in COLUMNS:
        return value.base
    return value.base if isinstance(index, (Span, Items)) else None


def _moved_items(value: Each) -> Value | None:
    """`{name: tensor.to(device) for name, tensor in encoding.items()}`."""
    over = value.over
    return over.receiver if isinstance(over, Call) and over.method == "items" else None


def _unwrapped(value: Call) -> Value | None:
    if value.method in SAME_DATA and isinstance(value.function, Attribute):
        return value.function.base
    if value.method in {"tensor", "LongTensor", "as_tensor", "stack", "dict", "asarray"} and value.args:
        return value.args[0]
    return None


def is_many(call: Call) -> bool:
    """Whether a tokenizer is given a list of texts that the code shows to be one.

    Args:
        call: The call of the tokenizer.
    """
    text = text_of(call)
    if call.method in BATCHES:
        return True
    if isinstance(text, Items):
        return len(text.elements) != 1
    if isinstance(text, Each):
        return text.kind in {"list", "rows"}
    return isinstance(text, Item) and isinstance(text.index, Span) and not isinstance(text.base, (Text, Constant))


def is_padded(call: Call) -> bool:
    """Whether a call of a tokenizer pads its texts.

    Args:
        call: The call of the tokenizer.
    """
    held = constants(argument(call, "padding"))
    return bool(held) and all(one not in {False, None, "do_not_pad"} for one in held)


def chats_in(value: Value | None) -> Iterator[Call]:
    """Calls of `apply_chat_template` whose text a value is made of: itself, in a sum, in an f-string, in a list.

    Args:
        value: The text.
    """
    queue = [value] if value is not None else []
    seen: set[Value] = set()
    while queue and len(seen) < 500:
        one = queue.pop(0)
        if one in seen:
            continue
        seen.add(one)
        if isinstance(one, Call):
            if one.method == "apply_chat_template":
                yield one
            elif one.method in {"strip", "rstrip", "lstrip", "removesuffix"}:
                queue += [one.receiver] if one.receiver is not None else []
        elif isinstance(one, Each):
            queue.append(one.element)
        elif isinstance(one, Element):
            queue += [one.of] if isinstance(one.of, (Each, Items)) else []
        elif isinstance(one, (Text, Operation, Items, Choice, Spread)):
            queue += one.parts()
