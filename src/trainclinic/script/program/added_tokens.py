"""Tokens that a program adds to tokenizers, and where it makes room for them in models.

It knows the literals of the code. Whether a name that cannot be read already holds a token is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.knowledge.models import owners_of
from trainclinic.script.program.identities import Identity, identity_of
from trainclinic.script.program.objects import is_tokenizer, root
from trainclinic.script.program.once import listed_once
from trainclinic.script.program.open_values import Setting
from trainclinic.script.program.reading import argument
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
    Value,
)

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

ADDERS = frozenset({"add_tokens", "add_special_tokens"})
LOADER_OPTIONS = (
    "additional_special_tokens",
    "extra_special_tokens",
    "pad_token",
    "eos_token",
    "bos_token",
    "sep_token",
)
CHAT_SETUP = "setup_chat_format"
CHAT_SETUP_TOKENS = ("<|im_start|>", "<|im_end|>")
RESIZERS = ("resize_token_embeddings", CHAT_SETUP, "add_new_tokens", "smart_tokenizer_and_embedding_resize")


@dataclass(frozen=True, slots=True)
class Added:
    """New tokens of a tokenizer.

    Attributes:
        call: The call that adds them.
        tokenizer: The tokenizer.
        tokens: Those literals that are new to it, or may be.
        roles: What they are added as: `pad_token`, `additional_special_tokens`, ...; empty for `add_tokens`.
        identity: The published model of the tokenizer, when it is known.
        is_sure: Whether they are known to be new; a name that says nothing about the tokenizer leaves it open.
    """

    call: Call
    tokenizer: Value
    tokens: tuple[str, ...]
    roles: frozenset[str]
    identity: Identity | None
    is_sure: bool

    @property
    def is_padding_alone(self) -> bool:
        """Whether nothing but a padding token is added, whose row is never read with a label."""
        return self.roles == {"pad_token"}

    @property
    def quoted(self) -> str:
        """The tokens in words, at most two of them."""
        if not self.tokens:
            return "tokens"
        one, *more = (f"`{token}`" for token in self.tokens)
        return f"{one}, {more[0]} and {len(more) - 1} more" if len(more) > 1 else " and ".join([one, *more])

    @property
    def subject(self) -> str:
        """The tokens with their verb, as a sentence begins: "`<a>` is", "new tokens are"."""
        return f"{self.quoted} {'is' if len(self.tokens) == 1 else 'are'}" if self.tokens else "new tokens are"


@listed_once
def added_tokens(program: Program) -> Iterator[Added]:
    """Every call that adds tokens which the tokenizer does not have, or may not have, in order.

    Args:
        program: The program.
    """
    for call in program.calls_ending(*ADDERS, "from_pretrained", CHAT_SETUP):
        tokenizer = _tokenizer(call)
        if tokenizer is None or (call.result is not None and call.method in ADDERS):
            continue
        given = _given(program, call)
        known = identity_of(tokenizer)
        tokens = tuple(dict.fromkeys(token for token, _ in given if token is not None and _is_new(token, known)))
        roles = frozenset(role for token, role in given if token is None or token in tokens)
        unread = any(token is None for token, _ in given)
        if tokens or unread:
            sure = bool(tokens) and all(_is_surely_new(token, known) for token in tokens)
            yield Added(call, tokenizer, tokens, roles, known, sure)


def _tokenizer(call: Call) -> Value | None:
    if call.method == CHAT_SETUP:
        return argument(call, "tokenizer", 1) if isinstance(call.function, External) else None
    if call.method in ADDERS:
        return call.receiver if call.receiver is not None and is_tokenizer(call.receiver) else None
    return call if is_tokenizer(call) else None


def _given(program: Program, call: Call) -> list[tuple[str | None, str]]:
    """Each token with its role; a token that the code does not spell out is `None`."""
    if call.method == CHAT_SETUP:
        return [(token, "additional_special_tokens") for token in CHAT_SETUP_TOKENS]
    if call.method == "from_pretrained":
        named = [(name, argument(call, name)) for name in LOADER_OPTIONS]
        return [
            (t, name) for name, value in named if value is not None for t in _spelled(program, value) if t is not None
        ]
    if call.method == "add_tokens":
        return [(token, "") for token in _spelled(program, argument(call, "new_tokens", 0))]
    given = argument(call, "special_tokens_dict", 0)
    if isinstance(given, Mapping):
        entries = [(str(key.value) if isinstance(key, Constant) else "", value) for key, value in given.entries]
        return [(token, role) for role, value in entries for token in _spelled(program, value)]
    return [(token, "") for token in _spelled(program, given)]


def _spelled(program: Program, value: Value | None) -> Iterator[str | None]:
    if isinstance(value, Constant):
        if isinstance(value.value, str):
            yield value.value
        return
    parts = _inside(program, value)
    if parts is None:
        if not _is_existing(value):
            yield None
        return
    for part in parts:
        yield from _spelled(program, part)


def _inside(program: Program, value: Value | None) -> tuple[Value, ...] | None:
    """The parts of a list of tokens; `None` for what is no list that the code writes out."""
    if isinstance(value, Items):
        return tuple(one.value if isinstance(one, Spread) else one for one in program.elements_of(value))
    if isinstance(value, Operation) and value.symbol == "+":
        return value.operands
    if isinstance(value, Choice):
        return tuple(option.value for option in value.options)
    if isinstance(value, Setting) and value.default is not None:
        return (value.default,)
    return value.args[:1] if isinstance(value, Call) and value.method == "AddedToken" and value.args else None


def _is_existing(value: Value | None) -> bool:
    """`tokenizer.eos_token` and the like are in the vocabulary."""
    return value is None or (isinstance(value, Attribute) and value.name.endswith("_token"))


def _is_new(token: str, known: Identity | None) -> bool:
    return known is None or known.family.has(token) is not True


def _is_surely_new(token: str, known: Identity | None) -> bool:
    if known is not None:
        return known.family.has(token) is False
    return not owners_of(token)


def resizes(program: Program) -> list[Call]:
    """Calls that fit the embedding matrix of a model to its tokenizer, in order.

    Args:
        program: The program.
    """
    return program.calls_ending(*RESIZERS)


def makes_room(program: Program) -> bool:
    """Whether anything in the program gives a model as many rows as the tokenizer has tokens.

    Args:
        program: The program.
    """
    sized = any(
        name in {"vocab_size", "new_num_tokens", "num_embeddings"} and _counts_tokens(value)
        for event in program.calls
        for name, value in event.call.keywords
    )
    return bool(resizes(program)) or sized


def _counts_tokens(value: Value) -> bool:
    return counted(value) is not None


def counted(value: Value | None) -> Value | None:
    """The tokenizer in `len(tokenizer)`; `None` for everything else.

    Args:
        value: The number.
    """
    if isinstance(value, Call) and value.method == "len" and len(value.args) == 1 and is_tokenizer(value.args[0]):
        return root(value.args[0])
    return None
