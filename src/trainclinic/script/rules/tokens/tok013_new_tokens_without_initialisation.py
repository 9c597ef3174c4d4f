"""Rows of new tokens are used as they were drawn at random.

## What it sees
Tokens are added and the embeddings resized, and the program then generates or computes a loss without training them,
or trains an adapter that leaves them frozen, while nothing initialises the rows.

## Why it matters
Before transformers 4.46 new rows are drawn at random, with a spread that differs from that of trained rows. In a
model with tied embeddings they win the softmax: greedy generation repeats a new token, and the loss of ordinary text
jumps from about 3 to 40 and more although not one weight was trained.

## What it does not mean
Full fine-tuning with the new tokens in the data trains the rows. From 4.46 on `resize_token_embeddings` draws them
around the mean of the old rows unless `mean_resizing=False`.

## Example
Bad:

    # file: check.py
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<call>", "</call>"]})
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    inputs = tokenizer("The weather in May", return_tensors="pt")
    output = model.generate(**inputs, max_new_tokens=20)
    print(tokenizer.decode(output[0, inputs.input_ids.shape[1] :]))

Good:

    # file: check.py
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("gpt2")
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<call>", "</call>"]})
    model.resize_token_embeddings(len(tokenizer), mean_resizing=True)
    inputs = tokenizer("The weather in May", return_tensors="pt")
    output = model.generate(**inputs, max_new_tokens=20)
    print(tokenizer.decode(output[0, inputs.input_ids.shape[1] :]))

## Check it by hand
Compare the norms of the new rows of `model.get_input_embeddings().weight` with those of the others; the loss of a
text without new tokens must be the same before and after resizing.

## References
- https://github.com/huggingface/transformers/issues/8039
- https://github.com/huggingface/transformers/issues/8472
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.behaviour import Behaviour
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.added_tokens import Added, added_tokens
from trainclinic.script.program.embedding_training import changes_embeddings_by_hand, lora_calls, trains_embeddings
from trainclinic.script.program.generation import generations
from trainclinic.script.program.model_calls import model_calls
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, flag
from trainclinic.script.program.runs import together, trainings
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

DRAWS_AROUND_MEAN = Behaviour(
    "transformers",
    "`resize_token_embeddings` draws new rows around the mean of the old ones (`mean_resizing=True`)",
    "modeling_utils.PreTrainedModel.resize_token_embeddings",
    since="4.46.3",
)
MENDING = Mending("set the new rows to the mean of the old ones before they are used, or train them")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every resize after which new rows are used untrained."""
    if changes_embeddings_by_hand(program):
        return
    for added, resize in _resized(program):
        use = _untrained_use(program, resize)
        mean = _draws_around_mean(program, resize)
        if use is None or use.place is None or resize.place is None or mean == "yes":
            continue
        if mean == "unknown" and together(program, resize, trainings(program)):
            continue
        says = f"the rows of the added {added.quoted} are drawn at random here and used untrained"
        flow = (Step(use.place, "they are used"), Step(resize.place, "new rows are drawn"))
        yield Alarm(resize.place, says, Certainty.LIKELY, flow, mending=MENDING)


def _resized(program: Program) -> Iterator[tuple[Added, Call]]:
    """Tokens that are surely new, with the resize that follows them."""
    resizes = program.calls_ending("resize_token_embeddings")
    for added in added_tokens(program):
        mine = together(program, added.call, resizes)
        after = [call for call in mine if call.event.order > added.call.event.order]
        if added.is_sure and not added.is_padding_alone and after:
            yield added, after[0]


def _untrained_use(program: Program, resize: Call) -> Call | None:
    """The generation, loss or frozen training that uses the rows."""
    if together(program, resize, trainings(program)):
        adapters = together(program, resize, lora_calls(program))
        return next((call for call in adapters if trains_embeddings(call) is False), None)
    uses = [one.call for one in generations(program)] + [one.call for one in model_calls(program)]
    return next((call for call in together(program, resize, uses) if call.event.order > resize.event.order), None)


def _draws_around_mean(program: Program, resize: Call) -> str:
    given = flag(argument(resize, "mean_resizing", 2))
    if given is not None:
        return "yes" if given else "no"
    return DRAWS_AROUND_MEAN.holds(program.version_of("transformers"))


def _looked(program: Program) -> bool:
    found = [resize for _, resize in _resized(program) if _untrained_use(program, resize) is not None]
    return any(_draws_around_mean(program, resize) != "unknown" for resize in found)


RULE = script_rule(
    code="TOK013",
    slug="new-tokens-without-initialisation",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("tokens that are added, the resize after them, and the version of transformers",),
    find=find,
    looked=_looked,
    missing="new tokens whose rows are used untrained, and the version of transformers",
)
