"""Tokens are added to the tokenizer, and the embedding matrix of the model stays as it was.

## What it sees
`add_tokens` or `add_special_tokens` with tokens that the tokenizer does not have, in a program that trains or runs a
model and nowhere calls `resize_token_embeddings`.

## Why it matters
The ids of the new tokens lie behind the last row of the matrix. The first batch that holds one stops with
`IndexError: index out of range in self` on a CPU, with a device-side assert on a GPU. A padding token does it in the
first padded batch.

## What it does not mean
Some matrices have spare rows (Qwen, Pythia, Phi-2), where a few new tokens fit; then this is a hint at most.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})

    batch = tokenizer(["a short text", "a text that is longer"], padding=True, return_tensors="pt")
    with torch.no_grad():
        print(model(**batch).logits.shape)

Good:

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    model.resize_token_embeddings(len(tokenizer))

    batch = tokenizer(["a short text", "a text that is longer"], padding=True, return_tensors="pt")
    with torch.no_grad():
        print(model(**batch).logits.shape)

## Check it by hand
`len(tokenizer)` must not be larger than `model.get_input_embeddings().weight.shape[0]`.

## References
- https://huggingface.co/docs/transformers/main_classes/tokenizer
- https://github.com/huggingface/transformers/issues/22778
- https://github.com/huggingface/transformers/issues/1848
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.program.added_tokens import Added, added_tokens, makes_room
from trainclinic.script.program.generation import generations
from trainclinic.script.program.identities import model_loads
from trainclinic.script.program.model_calls import model_calls
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import condition_text
from trainclinic.script.program.runs import together, trainings
from trainclinic.script.rule import script_rule

WITHOUT_SPARE_ROWS = frozenset(
    {"gpt2", "gpt-neo", "llama-1", "llama-2", "llama-3", "llama-3.1", "tinyllama", "mistral", "mixtral", "zephyr"}
)
"""Families whose matrix has exactly as many rows as the tokenizer has tokens."""
MENDING = Mending("call `model.resize_token_embeddings(len(tokenizer))` after the tokens are added")


def find(program: Program) -> Iterator[Alarm]:
    """Look at tokens that are added while nothing makes room for them."""
    for one in () if makes_room(program) else _used(program):
        if one.call.place is not None:
            says = f"{one.subject} added to the tokenizer, and nothing resizes the embeddings of the model"
            when = condition_text(one.call.event.conditions)
            yield Alarm(one.call.place, says, _certainty(one), (), when, MENDING)


def _certainty(one: Added) -> Certainty:
    if one.identity is not None:
        return Certainty.LIKELY if one.identity.family.name in WITHOUT_SPARE_ROWS and one.is_sure else Certainty.HINT
    return Certainty.HINT if one.is_padding_alone or not one.is_sure else Certainty.LIKELY


def _used(program: Program) -> list[Added]:
    """Added tokens of scripts that load a causal language model of a library and use it."""
    loads = model_loads(program)
    uses = [one.call for one in generations(program)] + [one.call for one in model_calls(program)] + trainings(program)
    found = list(added_tokens(program)) if loads and uses else []
    return [one for one in found if together(program, one.call, loads) and together(program, one.call, uses)]


def _looked(program: Program) -> bool:
    return makes_room(program) and bool(_used(program))


RULE = script_rule(
    code="TOK005",
    slug="added-tokens-without-resize",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("tokens that are added to a tokenizer, and a causal language model that is used",),
    find=find,
    looked=_looked,
    missing="tokens that are added, and the room that a model has for them",
)
