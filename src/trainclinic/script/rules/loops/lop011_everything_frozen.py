"""All parameters of a model are frozen, none is set free again, and the model is trained.

## What it sees
`model.requires_grad_(False)`, or `requires_grad = False` for every one of `model.parameters()`, of a model that a
trainer or an optimizer gets, where nothing sets a parameter trainable again and no adapter or new layer is added.

## Why it matters
Plain loops raise "element 0 of tensors does not require grad" at the first `backward`. Where a loop is forced past
that, and in trainers that add a term to the loss, the run goes on: the loss is flat, the gradient norm 0, and the saved
model equals the one that was loaded.

## What it does not mean
Freezing everything is the usual first step: adapters, a new head, or a chosen layer are set free after it. A frozen
reference or teacher model beside the trained one is right.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from mydata import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    for parameter in model.parameters():
        parameter.requires_grad = False
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for ids in batches():
        loss = model(ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from mydata import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    for parameter in model.parameters():
        parameter.requires_grad = False
    for parameter in model.transformer.h[-1].parameters():
        parameter.requires_grad = True
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for ids in batches():
        loss = model(ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

## Check it by hand
Print `sum(p.numel() for p in model.parameters() if p.requires_grad)` right before training.

## References
- https://pytorch.org/docs/stable/notes/autograd.html
- https://huggingface.co/docs/peft/index
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapters import attached_by, is_adapted_in_place, is_given, trained
from trainclinic.script.program.events import Event
from trainclinic.script.program.names import is_library
from trainclinic.script.program.objects import lineage, root
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, flag
from trainclinic.script.program.trainers import trainers
from trainclinic.script.program.updates import holders
from trainclinic.script.program.values import Attribute, Call, Choice, Element, External, Item, Value
from trainclinic.script.rule import script_rule

HARMLESS = frozenset({"unwrap_model", "save_model", "get_state_dict", "watch"})
"""Calls that may get a model without setting parameters free."""
MENDING = Mending("set the parameters that are to be trained free, or attach an adapter, before training")


Frozen = tuple[Event, Value]
"""Where a whole model is frozen, and the model, wrappers taken off."""


def find(program: Program) -> Iterator[Alarm]:
    """Look for the whole models that are frozen among those that are trained."""
    for (event, frozen), model, by in _trained_frozen(program):
        if by.place is None or _is_set_free(program, model, by) or _is_extended(program, frozen, event.order):
            continue
        says = "every parameter of the model is frozen here, and none is set trainable before it is trained"
        flow = (Step(by.place, "trains the model"), Step(event.place, "freezes all of it"))
        yield Alarm(event.place, says, Certainty.LIKELY, flow, mending=MENDING)


def _trained_frozen(program: Program) -> Iterator[tuple[Frozen, Value, Call]]:
    """Whole models that are frozen and then trained, with the model as who trains it got it, and with who that is."""
    for event, frozen in _frozen(program):
        for model, by in trained(program):
            if root(model) is frozen and event.order < by.event.order:
                yield (event, frozen), model, by
                break


def _frozen(program: Program) -> Iterator[Frozen]:
    """Places at which all parameters of a model are frozen."""
    for call in program.calls_of(".requires_grad_"):
        model = _whole(call.receiver)
        if model is not None and flag(argument(call, "requires_grad", 0)) is False:
            yield call.event, model
    for event in program.attributes_set("requires_grad"):
        given = _parameters(event.base)
        model = _whole(given.receiver) if given is not None else None
        every = given is not None and len(event.conditions) == len(given.event.conditions)
        if model is not None and every and flag(event.value) is False:
            yield event, model


def _parameters(value: Value | None) -> Call | None:
    """The call of `parameters` or `named_parameters` whose elements a value stands for."""
    if isinstance(value, Item):
        value = value.base
    made = value.of if isinstance(value, Element) else None
    return made if isinstance(made, Call) and made.method in {"parameters", "named_parameters"} else None


def _whole(value: Value | None) -> Value | None:
    """The model that is frozen; `None` for a part of one, for a copy, and for what is no model."""
    made = root(value)
    for one in lineage(value):
        is_copy = isinstance(one, Call) and one.method in {"deepcopy", "copy"}
        if is_copy or isinstance(one, Choice) or (isinstance(one, Attribute) and one.name != "module"):
            return None
    return made


def _is_set_free(program: Program, model: Value, by: Call) -> bool:
    """Whether anything is set trainable anywhere, or comes beside the frozen model."""
    others = [held for held in holders(program, by) if root(held) is not root(model)]
    configured = any(is_given(trainer.part("peft_config")) for trainer in trainers(program))
    if others or configured or attached_by(model) is not None or is_adapted_in_place(program):
        return True
    calls = program.calls_of(".requires_grad_")
    free = [call for call in calls if flag(argument(call, "requires_grad", 0)) is not False]
    return bool(free) or any(flag(event.value) is not False for event in program.attributes_set("requires_grad"))


def _is_extended(program: Program, model: Value, start: int) -> bool:
    """Whether a model gets new layers, or is handed to code that may free some."""
    stored = [event for event in program.stores if event.order > start and event.key != "requires_grad"]
    if any(event.base is not None and _is_within(event.base, model) for event in stored):
        return True
    return any(event.order > start and _may_free(event.call, model) for event in program.calls)


def _may_free(call: Call, model: Value) -> bool:
    if call.method in {"register_parameter", "register_module", "add_module"}:
        return True
    if call.method in HARMLESS or call.result is not None:
        return False
    if isinstance(call.function, External) and is_library(call.function.name):
        return False
    return any(_is_within(value, model) for value in (*call.args, *(value for _, value in call.keywords)))


def _is_within(value: Value, model: Value) -> bool:
    """Whether a value is a model or a part of it."""
    while isinstance(value, (Attribute, Item)):
        value = value.base
    return root(value) is model


def _looked(program: Program) -> bool:
    return any(True for _ in _trained_frozen(program))


RULE = script_rule(
    code="LOP011",
    slug="everything-frozen",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("a model whose parameters are all frozen, and who trains it",),
    find=find,
    looked=_looked,
    missing="a trained model whose parameters are all frozen at some point",
)
