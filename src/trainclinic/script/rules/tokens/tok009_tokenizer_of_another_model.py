"""The tokenizer belongs to another model than the one that reads its ids.

## What it sees
A tokenizer and a model of two published families with different vocabularies, which come together in a trainer, in a
forward pass or in `generate`.

## Why it matters
Every id means another word to the model. The first loss is that of noise (10 and more), training unlearns what the
model knew, and what it writes is garbage. Ids beyond its vocabulary stop the run.

## What it does not mean
A tuned model and its base share a tokenizer; so do some families (GPT-2 and GPT-Neo, Llama 2 and TinyLlama). A folder
of your own tells nothing, and is left out.

## Example
Bad:

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-2-7b-hf")
    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")

    inputs = tokenizer("The river flows", return_tensors="pt")
    output = model.generate(**inputs, max_new_tokens=20)
    print(tokenizer.decode(output[0, inputs.input_ids.shape[1] :]))

Good:

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-3.1-8B")
    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")

    inputs = tokenizer("The river flows", return_tensors="pt")
    output = model.generate(**inputs, max_new_tokens=20)
    print(tokenizer.decode(output[0, inputs.input_ids.shape[1] :]))

## Check it by hand
Load both by one name. The loss of the untouched model on ordinary text must lie between 2 and 4.

## References
- https://huggingface.co/docs/transformers/main_classes/tokenizer
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Place, Step
from trainclinic.script.program.encodings import origin_of_ids, tokenizer_of
from trainclinic.script.program.generation import generations, prompt_tokenizer
from trainclinic.script.program.identities import Identity, identity_of
from trainclinic.script.program.model_calls import model_calls
from trainclinic.script.program.objects import loading_call
from trainclinic.script.program.program import Program
from trainclinic.script.program.trainers import trainers
from trainclinic.script.program.values import Value
from trainclinic.script.rule import script_rule

SHARED = (
    frozenset({"gpt2", "gpt-neo", "gpt-j", "phi-2"}),
    frozenset({"llama-1", "llama-2", "codellama", "tinyllama", "vicuna"}),
    frozenset({"mistral", "mixtral", "zephyr", "openchat"}),
    frozenset({"llama-3", "llama-3.1", "smollm3", "deepseek-r1-distill"}),
    frozenset({"qwen2", "qwen2.5", "qwen3", "qwen1", "deepseek-r1-distill"}),
    frozenset({"gpt-neox", "pythia", "dolly", "mpt", "olmo", "stablelm"}),
    frozenset({"gemma", "gemma-3"}),
)
"""Families that read each other's ids, up to tokens at the end of the vocabulary."""

Pair = tuple[Value, Value, Place]
"""Tokenizer, model, and where they meet."""


def find(program: Program) -> Iterator[Alarm]:
    """Compare the families wherever a tokenizer and a model meet."""
    for tokenizer, model, place in _pairs(program):
        one, two = identity_of(tokenizer), identity_of(model)
        if one is None or two is None or _share(one, two):
            continue
        loaded = loading_call(tokenizer)
        step = Step(loaded.place, "the tokenizer") if loaded is not None and loaded.place is not None else None
        says = f"ids of the tokenizer of `{one.name}` go to a model of another vocabulary, `{two.name}`"
        flow = (step, Step(place, "the model reads its ids")) if step is not None else ()
        yield Alarm(place, says, Certainty.LIKELY, flow, mending=Mending("load both by the same name", "unsafe"))


def _pairs(program: Program) -> Iterator[Pair]:
    for trainer in trainers(program):
        tokenizer, model = trainer.part("tokenizer"), trainer.model
        if tokenizer is not None and model is not None and trainer.call.place is not None:
            yield tokenizer, model, trainer.call.place
    for one in generations(program):
        maker = prompt_tokenizer(one)
        if maker is not None and one.call.place is not None:
            yield maker, one.model, one.call.place
    for call in model_calls(program):
        made = origin_of_ids(call.inputs)
        maker = tokenizer_of(made) if made is not None else None
        if maker is not None and call.call.place is not None:
            yield maker, call.model, call.call.place


def _share(one: Identity, two: Identity) -> bool:
    names = {one.family.name, two.family.name}
    unsure = not (one.family.complete and two.family.complete)
    return len(names) == 1 or unsure or any(names <= group for group in SHARED)


def _looked(program: Program) -> bool:
    return any(identity_of(one) is not None and identity_of(two) is not None for one, two, _ in _pairs(program))


RULE = script_rule(
    code="TOK009",
    slug="tokenizer-of-another-model",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("the names that a tokenizer and a model are loaded under",),
    find=find,
    looked=_looked,
    missing="a tokenizer and a model of known families that come together",
)
