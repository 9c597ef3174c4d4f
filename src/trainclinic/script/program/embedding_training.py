"""Whether adapters leave the embedding matrix frozen.

It knows the arguments of LoRA configurations. What a model calls its embeddings is known by the usual names only.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainclinic.script.program.names import names_of_call
from trainclinic.script.program.reading import argument, constants, is_open
from trainclinic.script.program.values import Call, Constant, Items, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

LORA = frozenset(
    {"peft.LoraConfig", "unsloth.FastLanguageModel.get_peft_model", "unsloth.FastModel.get_peft_model"}
    | {"unsloth.FastVisionModel.get_peft_model"}
)
EMBEDDINGS = re.compile(r"embed|wte|lm_head|embeddings|shared")
"""Usual names of the input and output embeddings."""


def lora_calls(program: Program) -> list[Call]:
    """Calls that describe a LoRA adapter, in order.

    Args:
        program: The program.
    """
    return [event.call for event in program.calls if LORA & set(names_of_call(event.call))]


def trains_embeddings(call: Call) -> bool | None:
    """Whether an adapter trains embeddings, or rows of them; `None` when the code does not say.

    Args:
        call: The call that describes the adapter.
    """
    if is_open(call):
        return None
    rows = argument(call, "trainable_token_indices")
    if rows is not None and not (isinstance(rows, Constant) and rows.value is None):
        return True
    answers = [_names_embeddings(argument(call, name)) for name in ("modules_to_save", "target_modules")]
    return True if True in answers else None if None in answers else False


def _names_embeddings(value: Value | None) -> bool | None:
    if value is None:
        return False
    if isinstance(value, Items):
        words = [element.value for element in value.elements if isinstance(element, Constant)]
        if len(words) < len(value.elements) and not any(EMBEDDINGS.search(str(word)) for word in words):
            return None
    else:
        words = constants(value)
        if not words:
            return None
    return any(isinstance(word, str) and EMBEDDINGS.search(word) is not None for word in words)


def changes_embeddings_by_hand(program: Program) -> bool:
    """Whether the program reaches for the embedding weights itself: to initialise or to unfreeze them.

    Args:
        program: The program.
    """
    names = {"get_input_embeddings", "get_output_embeddings", "embed_tokens", "wte", "lm_head"}
    if program.calls_of(".get_input_embeddings", ".get_output_embeddings"):
        return True
    return any(event.kind == "attribute" and event.key in names for event in program.stores)
