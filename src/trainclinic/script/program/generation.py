"""Calls of `generate`: which model writes, from which ids, with which options; and where what it writes is decoded.

Engines with an interface of their own (vLLM, remote services) are not meant, and are not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.program.encodings import origin_of_ids, tokenizer_of
from trainclinic.script.program.names import name_of
from trainclinic.script.program.objects import is_causal_lm, is_model, root
from trainclinic.script.program.once import asked_once, listed_once
from trainclinic.script.program.open_values import Parameter
from trainclinic.script.program.reading import argument, is_open
from trainclinic.script.program.values import Attribute, Call, Choice, Constant, Item, Spread, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

MODEL_NAMES = frozenset({"model", "base_model", "peft_model", "policy", "policy_model", "lm", "llm_model"})
DECODE = frozenset({"decode", "batch_decode"})


@dataclass(frozen=True, slots=True)
class Generation:
    """A call of `generate`.

    Attributes:
        call: The call.
        model: What generates, wrappers taken off.
        is_causal: Whether it is known to be a causal language model of a library.
        source: The call of a tokenizer or chat template that its ids come from, when that is in sight.
        program: The program.
    """

    call: Call
    model: Value
    is_causal: bool
    source: Call | None
    program: Program

    def option(self, name: str) -> Value | None:
        """An option by keyword, or in the `GenerationConfig` that the call is given.

        Args:
            name: `do_sample`, `temperature` ...
        """
        direct = argument(self.call, name)
        if direct is not None:
            return direct
        held = self.configuration
        return (self.program.attribute_of(held, name) or argument(held, name)) if held is not None else None

    @property
    def configuration(self) -> Call | None:
        """The call that builds its `GenerationConfig`."""
        given = argument(self.call, "generation_config", 1)
        return given if isinstance(given, Call) and given.method == "GenerationConfig" else None

    @property
    def is_known(self) -> bool:
        """Whether every option that the script sets is in sight."""
        opaque = argument(self.call, "generation_config") is not None and self.configuration is None
        return not opaque and not any(_is_opaque(value) for name, value in self.call.keywords if name is None)

    @property
    def passes_mask(self) -> bool:
        """Whether an attention mask goes to the model: by name, or inside `**encoding`."""
        return argument(self.call, "attention_mask") is not None or is_open(self.call)


def _is_opaque(value: Value) -> bool:
    """A `**value` that is not an encoding."""
    return origin_of_ids(value) is None


@asked_once
def generations(program: Program) -> list[Generation]:
    """Every call of `generate` of something that is a model, or is called one, in order.

    Args:
        program: The program.
    """
    found: list[Generation] = []
    for call in program.calls_of(".generate"):
        receiver = call.receiver
        if receiver is None or call.result is not None:
            continue
        model = root(receiver) or receiver
        if not is_model(receiver) and not _is_called_model(receiver, model):
            continue
        found.append(Generation(call, model, is_causal_lm(receiver), _source(call), program))
    return found


def _is_called_model(receiver: Value, model: Value) -> bool:
    named = {one.name for one in (receiver, model) if isinstance(one, (Parameter, Attribute))}
    return bool(named & MODEL_NAMES)


def _source(call: Call) -> Call | None:
    direct = argument(call, "input_ids", 0) or argument(call, "inputs")
    if direct is not None:
        return origin_of_ids(direct)
    for name, value in call.keywords:
        if name is None:
            return origin_of_ids(value)
    return None


@listed_once
def decodings(program: Program) -> Iterator[tuple[Call, Value]]:
    """Calls of `decode` and `batch_decode` of tokenizers, with the ids that they are given.

    Args:
        program: The program.
    """
    for call in program.calls_of(*(f".{name}" for name in DECODE)):
        ids = argument(call, "token_ids", 0) or argument(call, "sequences", 0)
        if ids is not None and call.result is None:
            yield call, ids


def whole_output(value: Value) -> Call | None:
    """The call of `generate` whose whole output, prompt included, ids are; `None` when they were cut, or are unknown.

    Args:
        value: Ids that are decoded.
    """
    for _ in range(16):
        if isinstance(value, Call):
            if value.method == "generate":
                return value
            if value.method not in {"cpu", "to", "tolist", "squeeze", "detach", "numpy"} or value.receiver is None:
                return None
            value = value.receiver
        elif isinstance(value, Attribute) and value.name == "sequences":
            value = value.base
        elif (
            isinstance(value, Item) and isinstance(value.index, Constant) and isinstance(value.index.value, (int, str))
        ):
            if isinstance(value.index.value, str) and value.index.value != "sequences":
                return None
            value = value.base
        elif isinstance(value, Spread):
            value = value.value
        elif isinstance(value, Choice) and len(value.options) == 1:
            value = value.options[0].value
        else:
            return None
    return None


def is_encoder_decoder(program: Program) -> bool:
    """Whether the program loads a model with an encoder, whose output holds no prompt.

    Args:
        program: The program.
    """
    names = (name_of(call.function) for call in program.calls_ending("from_pretrained"))
    return any("Seq2Seq" in name or "ForConditionalGeneration" in name or "EncoderDecoder" in name for name in names)


def prompt_tokenizer(one: Generation) -> Value | None:
    """The tokenizer that made the prompt of a generation.

    Args:
        one: The call of `generate`.
    """
    made = one.source
    if made is None:
        return None
    return made.receiver if made.method == "apply_chat_template" else tokenizer_of(made)
