"""A padded batch goes to `generate` without its attention mask.

## What it sees
`generate(batch.input_ids)` with ids of a tokenizer call that pads a list of prompts, and no `attention_mask`, where
the padding token is the end token.

## Why it matters
`generate` builds a mask itself only when it can tell padding from text. With pad = EOS it cannot: padding is read as
text. Rows with padding get other, worse answers than alone, and a warning is all that tells it.

## What it does not mean
With a padding token of its own the mask is found by itself; then this is a hint.

## Example
Bad:

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("gpt2", padding_side="left")
    tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    batch = tokenizer(["The river", "A long time ago there was a house"], padding=True, return_tensors="pt")
    output = model.generate(batch.input_ids, max_new_tokens=20)
    print(tokenizer.batch_decode(output[:, batch.input_ids.shape[1] :], skip_special_tokens=True))

Good:

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("gpt2", padding_side="left")
    tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    batch = tokenizer(["The river", "A long time ago there was a house"], padding=True, return_tensors="pt")
    output = model.generate(batch.input_ids, attention_mask=batch.attention_mask, max_new_tokens=20)
    print(tokenizer.batch_decode(output[:, batch.input_ids.shape[1] :], skip_special_tokens=True))

## Check it by hand
Generate greedily for the shortest prompt alone and in the batch: both must give the same text.

## References
- https://huggingface.co/docs/transformers/llm_tutorial
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.encodings import is_many, is_padded, tokenizer_of
from trainclinic.script.program.generation import Generation, generations
from trainclinic.script.program.objects import root
from trainclinic.script.program.program import Program
from trainclinic.script.program.values import Attribute, Call, Value
from trainclinic.script.rule import script_rule

MENDING = Mending("pass `attention_mask` of the same encoding, or the whole encoding as `**batch`")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every padded batch of prompts."""
    for one, batch, tokenizer in _batches(program):
        place = one.call.place
        if one.passes_mask or place is None or batch.place is None:
            continue
        certainty = Certainty.LIKELY if _pads_with_end(program, tokenizer) else Certainty.HINT
        says = "a padded batch goes to `generate` without its `attention_mask`"
        flow = (Step(batch.place, "prompts are padded"), Step(place, "only their ids go on"))
        yield Alarm(place, says, certainty, flow, mending=MENDING)


def _batches(program: Program) -> Iterator[tuple[Generation, Call, Value]]:
    for one in generations(program):
        made = one.source
        tokenizer = tokenizer_of(made) if made is not None else None
        if made is not None and tokenizer is not None and is_padded(made) and is_many(made):
            yield one, made, tokenizer


def _pads_with_end(program: Program, tokenizer: Value) -> bool:
    """Whether the script makes the end token the padding token of this tokenizer."""
    stores = [*program.attributes_set("pad_token"), *program.attributes_set("pad_token_id")]
    return any(
        isinstance(event.value, Attribute)
        and event.value.name.startswith("eos_token")
        and event.base is not None
        and root(event.base) is root(tokenizer)
        for event in stores
    )


def _looked(program: Program) -> bool:
    return any(one.passes_mask for one, _, _ in _batches(program))


RULE = script_rule(
    code="INF005",
    slug="attention-mask-left-out",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("a padded batch of prompts that goes to `generate`",),
    find=find,
    looked=_looked,
    missing="a padded batch of prompts that goes to `generate` with its mask",
)
