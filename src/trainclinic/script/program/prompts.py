"""Texts that a program trains on, and prompts that it lets a model continue.

It knows texts that the code builds. A text that stands ready in a data file is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.program.encodings import chats_in, encodings, text_of
from trainclinic.script.program.events import CallEvent, Event, ReturnEvent, StoreEvent
from trainclinic.script.program.generation import generations
from trainclinic.script.program.identities import Identity, identity_named, identity_of
from trainclinic.script.program.once import asked_once, listed_once
from trainclinic.script.program.open_values import Setting
from trainclinic.script.program.reading import only
from trainclinic.script.program.runs import together, trainings
from trainclinic.script.program.texts import END_TOKEN, Skeleton, is_end_name, names_end, skeletons
from trainclinic.script.program.trainers import Trainer, trainers
from trainclinic.script.program.values import (
    Attribute,
    Call,
    Choice,
    Constant,
    Each,
    Items,
    Mapping,
    Operation,
    Spread,
    Text,
    Value,
)

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

TEXT_COLUMNS = ("text", "prompt", "completion")
NOT_TRAINING = frozenset({"generate", "GenerationConfig", "pipeline", "SamplingParams", "add_special_tokens"})
SEARCHES = frozenset(
    {"split", "rsplit", "partition", "rpartition", "replace", "find", "index", "startswith", "endswith"}
)
REPORTS = frozenset({"print", "info", "debug", "warning", "log", "write"})


@dataclass(frozen=True, slots=True)
class TrainingText:
    """A text on its way to training.

    Attributes:
        call: The call that takes it: a tokenizer, or a trainer that encodes texts itself.
        tokenizer: The tokenizer, when it is in sight.
        skeleton: How it is built.
        trainer: The trainer that encodes it; `None` where the script does.
    """

    call: Call
    tokenizer: Value | None
    skeleton: Skeleton
    trainer: Trainer | None

    @property
    def identity(self) -> Identity | None:
        """The published model whose tokenizer encodes the text, when it is known."""
        known = identity_of(self.tokenizer) if self.tokenizer is not None else None
        if known is not None or self.trainer is None:
            return known
        return identity_of(self.trainer.model) or identity_named(self.trainer.model)


@asked_once
def training_texts(program: Program) -> list[TrainingText]:
    """Texts that the script encodes for training, or hands to a trainer that does; empty when nothing is trained.

    Args:
        program: The program.
    """
    known, training = trainers(program), trainings(program)
    prompts = {one.source for one in generations(program)}
    found: list[TrainingText] = []
    for call, tokenizer in encodings(program):
        if call not in prompts and together(program, call, training):
            found += [TrainingText(call, tokenizer, one, None) for one in skeletons(program, text_of(call))]
    for trainer in known:
        if trainer.is_trl:
            texts = [one for value in _texts_of(program, trainer) for one in skeletons(program, value)]
            found += [TrainingText(trainer.call, trainer.part("tokenizer"), one, trainer) for one in texts]
    return found


def _texts_of(program: Program, trainer: Trainer) -> Iterator[Value]:
    row = trainer.rows
    field = only(trainer.option("dataset_text_field"))
    for name in (field, *TEXT_COLUMNS) if isinstance(field, str) else TEXT_COLUMNS:
        held = program.value_of(row, name) if row is not None else None
        if held is not None:
            yield held
    formatted = trainer.call.callbacks.get("formatting_func")
    if formatted is not None:
        yield formatted


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is given to continue.

    Attributes:
        call: The call of the tokenizer, or of `apply_chat_template`.
        skeleton: How its text is built; `None` when a chat template builds it.
    """

    call: Call
    skeleton: Skeleton | None


@listed_once
def prompts(program: Program) -> Iterator[Prompt]:
    """Prompts of every `generate` whose text is in sight, in order.

    Args:
        program: The program.
    """
    for one in generations(program):
        made = one.source
        if made is None:
            continue
        if made.method == "apply_chat_template" or any(True for _ in chats_in(text_of(made))):
            yield Prompt(made, None)
        else:
            yield from (Prompt(made, skeleton) for skeleton in skeletons(program, text_of(made)))


def names_end_token(program: Program) -> bool:
    """Whether the program puts an end token somewhere, other than for padding and for stopping a generation.

    Args:
        program: The program.
    """
    return any(_names_end(event) for event in program.events)


def _names_end(event: Event) -> bool:
    if isinstance(event, CallEvent):
        return _call_names_end(event.call)
    if isinstance(event, StoreEvent):
        if isinstance(event.key, str) and "pad" in event.key.lower():
            return False
        bare = isinstance(event.value, (Attribute, Constant)) and event.kind == "name"
        return not bare and _holds_end(event.value, 0)
    return isinstance(event, ReturnEvent) and _holds_end(event.value, 0)


def _call_names_end(call: Call) -> bool:
    if call.method in NOT_TRAINING | SEARCHES | REPORTS:
        return False
    for name, value in call.keywords:
        if name is not None and ("pad" in name.lower() or name in {"stop", "stop_strings", "response_template"}):
            continue
        if name is not None and is_end_name(name) and not (isinstance(value, Constant) and not value.value):
            return True
        if _holds_end(value, 0):
            return True
    return any(_holds_end(arg, 0) for arg in call.args)


def _holds_end(value: Value, depth: int) -> bool:
    """Whether an end token stands in what this code writes, calls inside it left out: they are events of their own."""
    if names_end(value):
        return True
    if isinstance(value, Constant):
        return isinstance(value.value, str) and END_TOKEN.search(value.value) is not None
    if isinstance(value, Mapping):
        entries = ((key.value if isinstance(key, Constant) else "", held) for key, held in value.entries)
        return any("pad" not in str(key) and _holds_end(held, depth + 1) for key, held in entries)
    if depth > 6 or not isinstance(value, (Text, Operation, Items, Choice, Each, Spread, Setting)):
        return False
    return any(_holds_end(part, depth + 1) for part in value.parts())
