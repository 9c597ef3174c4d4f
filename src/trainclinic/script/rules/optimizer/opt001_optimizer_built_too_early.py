"""The optimizer was built before the model got the parameters that are to be trained.

## What it sees
An optimizer is given `model.parameters()`, and afterwards the model gets an adapter (`get_peft_model`), new
embeddings (`resize_token_embeddings`), another layer (`model.score = nn.Linear(...)`) or a wrapper that replaces its
parameters (FSDP). The optimizer is then stepped in a loop or handed to a trainer, and the new parameters are never
added to it.

## Why it matters
An optimizer keeps the tensors that it was given. New ones get gradients and are never updated; with an adapter, whose
base is frozen, nothing is trained at all. The loss stays where it was.

## What it does not mean
Moving the model to a device afterwards keeps its parameters. A layer that is replaced and stays frozen does no harm
either.

## Example
Bad:

    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
    model = get_peft_model(model, LoraConfig(r=8, target_modules=["c_attn"], task_type="CAUSAL_LM"))
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

Good:

    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    model = get_peft_model(model, LoraConfig(r=8, target_modules=["c_attn"], task_type="CAUSAL_LM"))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

## Check it by hand
Collect `id(p)` of all groups of the optimizer and of `[p for p in model.parameters() if p.requires_grad]`: the second
set must lie inside the first.

## References
- https://github.com/huggingface/peft/issues/1612
- https://pytorch.org/docs/stable/optim.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapters import ways
from trainclinic.script.program.definitions import Instance
from trainclinic.script.program.events import Event, StoreEvent
from trainclinic.script.program.loop_order import are_exclusive, move
from trainclinic.script.program.names import name_of
from trainclinic.script.program.precision import module_ways, same_module
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument
from trainclinic.script.program.trainers import trainers
from trainclinic.script.program.updates import holders, optimizer_of, updates
from trainclinic.script.program.values import Attribute, Call, External, Items, Value
from trainclinic.script.rule import script_rule

_ATTACHING = ("peft.get_peft_model", "peft.get_peft_model_mixed", "unsloth.FastLanguageModel.get_peft_model")
_FSDP = ("torch.distributed.fsdp.FullyShardedDataParallel", "torch.distributed.fsdp.fully_shard")
_WITHOUT_PARAMETERS = ("Identity", "Dropout", "ReLU", "GELU", "SiLU", "Tanh", "Softmax", "Loss", "Sigmoid", "Pool2d")


@dataclass(frozen=True, slots=True)
class Change:
    """Something that gives a model new parameters.

    Attributes:
        event: Where it happens.
        model: The model.
        says: What the model gets, as a noun phrase.
        certainty: How sure it is that these are new tensors that are to be trained.
    """

    event: Event
    model: Value
    says: str
    certainty: Certainty


def find(program: Program) -> Iterator[Alarm]:
    """Look for new parameters between the building of each optimizer and its first step."""
    changes = list(_changes(program))
    for optimizer, at in _used(program):
        if optimizer.place is None or _is_extended(program, optimizer):
            continue
        for change in changes:
            built = optimizer.event
            if not built.order < change.event.order < at or are_exclusive(built, change.event):
                continue
            if any(same_module(model, change.model) for model in holders(program, optimizer)):
                says = f"`{optimizer.method}` is given the parameters before the model gets {change.says}"
                flow = (Step(optimizer.place, "the optimizer keeps these"), Step(change.event.place, "new ones"))
                edits = move(change.event, built) if change.certainty is Certainty.PROOF else ()
                mending = Mending("build the optimizer after the model is complete", "unsafe", edits)
                yield Alarm(change.event.place, says, change.certainty, flow, mending=mending)
                break


def _used(program: Program) -> Iterator[tuple[Call, int]]:
    """Optimizers with the order of the event at which they are first used."""
    first: dict[Call, int] = {}
    for update in updates(program):
        first.setdefault(update.optimizer, update.event.order)
    for trainer in trainers(program):
        given = trainer.part("optimizers")
        for one in given.elements if isinstance(given, Items) else ():
            optimizer = optimizer_of(one)
            if optimizer is not None:
                first.setdefault(optimizer, trainer.call.event.order)
    yield from first.items()


def _is_extended(program: Program, optimizer: Call) -> bool:
    return any(optimizer in ways(call.receiver) for call in program.calls_of(".add_param_group"))


def _changes(program: Program) -> Iterator[Change]:
    for call in program.calls_of(*_ATTACHING):
        model = argument(call, "model", 0)
        if model is not None:
            yield Change(call.event, model, "its adapter", Certainty.PROOF)
    for call in program.calls_of(".resize_token_embeddings"):
        if call.receiver is not None:
            yield Change(call.event, call.receiver, "new embeddings", Certainty.LIKELY)
    for call in program.calls_of(*_FSDP):
        model = argument(call, "module", 0)
        if model is not None:
            yield Change(call.event, model, "the parameters of FSDP", Certainty.LIKELY)
    for event in program.stores:
        held = _replaced(event)
        if held is not None:
            yield Change(event, held, f"a new `{event.key}`", Certainty.PROOF)


def _replaced(event: StoreEvent) -> Value | None:
    """The model that gets a new layer of torch.nn as an attribute, or an attribute of one of its parts."""
    made = event.value
    if event.kind != "attribute" or event.base is None or not isinstance(made, Call):
        return None
    name = name_of(made.function) if isinstance(made.function, External) else ""
    if not name.startswith("torch.nn.") or name.endswith(_WITHOUT_PARAMETERS) or "functional" in name:
        return None
    base: Value = event.base
    while isinstance(base, Attribute):
        base = base.base
    return None if isinstance(base, Instance) and base in _under_construction(event) else base


def _under_construction(event: StoreEvent) -> Iterator[Value]:
    """The objects whose own methods are running."""
    held = event.activation
    while held.caller is not None:
        if held.function is not None and held.function.receiver is not None:
            yield from module_ways(held.function.receiver)
        held = held.caller


def _looked(program: Program) -> bool:
    return any(holders(program, optimizer) for optimizer, _ in _used(program)) and any(True for _ in _changes(program))


RULE = script_rule(
    code="OPT001",
    slug="optimizer-built-too-early",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("an optimizer built in sight", "adapters, resizes and new layers of its model"),
    find=find,
    looked=_looked,
    missing="an optimizer and a model that gets new parameters",
    fix="unsafe",
)
