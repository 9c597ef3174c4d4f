"""A batch of prompts is padded on the right, and the model writes after the padding.

## What it sees
A tokenizer call on a list of prompts with padding, whose result goes to `generate` of a decoder-only model, while
nothing sets `padding_side` to `left` and the tokenizer pads on the right by default.

## Why it matters
Every prompt but the longest ends in padding tokens, and generation goes on after them. The answers of these rows are
worse or nonsense, the longest row is right, so that scores depend on the batch size.

## What it does not mean
Right padding is what training wants. A single prompt is never padded, and models with an encoder do not care.

## Example
Bad:

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained("gpt2")

    prompts = ["The river", "A long time ago there was a house in which"]
    batch = tokenizer(prompts, padding=True, return_tensors="pt")
    output = model.generate(**batch, max_new_tokens=20)
    print(tokenizer.batch_decode(output[:, batch.input_ids.shape[1] :], skip_special_tokens=True))

Good:

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("gpt2", padding_side="left")
    tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained("gpt2")

    prompts = ["The river", "A long time ago there was a house in which"]
    batch = tokenizer(prompts, padding=True, return_tensors="pt")
    output = model.generate(**batch, max_new_tokens=20)
    print(tokenizer.batch_decode(output[:, batch.input_ids.shape[1] :], skip_special_tokens=True))

## Check it by hand
Generate greedily for one short prompt alone and in a batch with a long one: both must give the same text.

## References
- https://huggingface.co/docs/transformers/llm_tutorial
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.encodings import is_many, is_padded, tokenizer_of
from trainclinic.script.program.generation import generations
from trainclinic.script.program.identities import identity_of
from trainclinic.script.program.objects import loading_call
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, is_open
from trainclinic.script.program.values import Call, Value
from trainclinic.script.rule import script_rule

RIGHT_BY_DEFAULT = frozenset(
    {"gpt2", "gpt-neo", "gpt-j", "gpt-neox", "pythia", "phi-2", "llama-2", "tinyllama", "llama-3", "llama-3.1", "opt"}
)
"""Families whose published tokenizer pads on the right unless it is told otherwise."""
MENDING = Mending('load the tokenizer that prompts go through with `padding_side="left"`')


def find(program: Program) -> Iterator[Alarm]:
    """Look at every padded batch of prompts."""
    for batch, tokenizer, call in _batches(program):
        place = call.place
        if place is None or batch.place is None or _is_set(program, batch, tokenizer):
            continue
        known = identity_of(tokenizer)
        certain = known is not None and known.family.name in RIGHT_BY_DEFAULT
        says = "a padded batch goes to `generate`, and nothing sets `padding_side` of its tokenizer to `left`"
        flow = (Step(batch.place, "padded on the right"), Step(place, "the model writes after the padding"))
        yield Alarm(place, says, Certainty.LIKELY if certain else Certainty.HINT, flow, mending=MENDING)


def _batches(program: Program) -> Iterator[tuple[Call, Value, Call]]:
    """Padded batches with their tokenizer, and the `generate` that reads them."""
    for one in generations(program):
        made = one.source
        tokenizer = tokenizer_of(made) if made is not None else None
        if made is not None and tokenizer is not None and one.is_causal and is_padded(made) and is_many(made):
            yield made, tokenizer, one.call


def _is_set(program: Program, batch: Call, tokenizer: Value) -> bool:
    """Whether anything may set the side: an assignment, an argument, or a preparation for inference."""
    loaded = loading_call(tokenizer)
    told = [batch] if loaded is None else [batch, loaded]
    if any(argument(call, "padding_side") is not None or is_open(call) for call in told):
        return True
    return bool(program.attributes_set("padding_side")) or bool(program.calls_ending("for_inference"))


def _looked(program: Program) -> bool:
    return any(_is_set(program, batch, tokenizer) for batch, tokenizer, _ in _batches(program))


RULE = script_rule(
    code="TOK011",
    slug="right-padded-generation",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("a padded batch of prompts that goes to `generate`",),
    find=find,
    looked=_looked,
    missing="a padded batch of prompts for a decoder-only model, and its padding side",
)
