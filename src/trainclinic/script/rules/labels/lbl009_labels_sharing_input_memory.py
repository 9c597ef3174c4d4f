"""Labels are the same tensor as the inputs, and masking them in place overwrites the inputs.

## What it sees
Labels that are `input_ids` themselves, not a copy, a write of -100 into them, and a model or row that gets both.

## Why it matters
-100 gets into the inputs, where it is no token: the embedding fails with an index error, on a GPU as a device-side
assertion at some later line. Code that clamps the ids instead trains on the wrong tokens without a word.

## What it does not mean
`labels=input_ids` without a write is fine, and so is a write into a `clone()` or `copy()`.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct")
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    for texts in torch.load("texts.pt", weights_only=True):
        batch = tokenizer([text + tokenizer.eos_token for text in texts], padding=True, return_tensors="pt")
        labels = batch["input_ids"]
        labels[batch["attention_mask"] == 0] = -100
        loss = model(batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

Good:

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct")
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    for texts in torch.load("texts.pt", weights_only=True):
        batch = tokenizer([text + tokenizer.eos_token for text in texts], padding=True, return_tensors="pt")
        labels = batch["input_ids"].clone()
        labels[batch["attention_mask"] == 0] = -100
        loss = model(batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

## Check it by hand
After a batch is made, `(batch["input_ids"] < 0).any()` must be false.

## References
- https://pytorch.org/docs/stable/generated/torch.clone.html
- https://pytorch.org/docs/stable/tensor_view.html
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.events import StoreEvent
from trainclinic.script.program.masking import IGNORED, Masking, held_values, maskings
from trainclinic.script.program.model_calls import model_calls
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import only
from trainclinic.script.program.values import Attribute, Call, Constant, Item, Mapping, Value
from trainclinic.script.rule import script_rule

VIEWS = frozenset({"view", "detach", "squeeze", "unsqueeze", "view_as", "flatten"})
"""Methods that give the same memory."""


def find(program: Program) -> Iterator[Alarm]:
    """Look at every pair of labels and inputs that share memory, and for a mask that is written into them."""
    masks = [mask for mask in maskings(program) if mask.in_place and only(mask.fill) == IGNORED]
    for labels, inputs, order in _pairs(program):
        shared = memory(labels)
        if shared is not memory(inputs):
            continue
        for mask in masks:
            if mask.before is not None and memory(mask.before) is shared and mask.event.order < order:
                yield from _alarm(program, mask, shared)


def _alarm(program: Program, mask: Masking, shared: Value) -> Iterator[Alarm]:
    bound = [event for event in program.stores if event.kind == "name" and event.value is shared]
    mine = [event for event in bound if event.activation is mask.event.activation and event.order < mask.event.order]
    if not mine and not isinstance(shared, (Item, Attribute)):
        return  # one call of a function of the files stands for several: their results need not be one tensor
    first = mine[-1].place if mine else shared.place
    says = "-100 is written into the input ids too: the labels are the same tensor, not a copy"
    flow = (Step(first, "labels are the inputs themselves"), Step(mask.place, "and are overwritten")) if first else ()
    yield Alarm(mask.place, says, Certainty.LIKELY, flow, mending=Mending("mask a copy of the ids"))


def memory(value: Value) -> Value:
    """The tensor or list whose memory a value is."""
    while isinstance(value, Call) and isinstance(value.function, Attribute) and value.method in VIEWS:
        value = value.function.base
    return value


def _pairs(program: Program) -> Iterator[tuple[Value, Value, int]]:
    """Labels and inputs of one forward pass or row, and when they are put together."""
    for one in model_calls(program):
        if one.labels is not None and one.inputs is not None:
            yield one.labels, one.inputs, one.call.event.order
    for event in program.events:
        if isinstance(event, StoreEvent) and event.kind == "item" and event.base is not None:
            inputs = _inputs_beside(program, event)
            if inputs is not None:
                yield event.value, inputs, len(program.events)
        for value in held_values(event):
            if isinstance(value, Mapping):
                labels, inputs = program.value_of(value, "labels"), program.value_of(value, "input_ids")
                if labels is not None and inputs is not None:
                    yield labels, inputs, len(program.events)


def _inputs_beside(program: Program, event: StoreEvent) -> Value | None:
    """`input_ids` of the row in which labels are stored."""
    if not isinstance(event.key, Constant) or event.key.value != "labels" or event.base is None:
        return None
    shared = memory(event.value)
    if isinstance(shared, Item) and isinstance(shared.index, Constant) and shared.index.value == "input_ids":
        return shared if shared.base is event.base else program.value_of(event.base, "input_ids")
    if isinstance(shared, Attribute) and shared.name == "input_ids" and shared.base is event.base:
        return shared
    return program.value_of(event.base, "input_ids")


def _looked(program: Program) -> bool:
    return any(True for _ in _pairs(program))


RULE = script_rule(
    code="LBL009",
    slug="labels-sharing-input-memory",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("labels and inputs of one row or forward pass",),
    find=find,
    looked=_looked,
    missing="a row or forward pass with labels and inputs in sight",
)
