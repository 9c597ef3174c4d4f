"""The optimizer is built before the model is moved to its device.

## What it sees
An optimizer over `model.parameters()`, and after it `model.to(...)` or `model.cuda()`, in a script that trains with
it. It is a hint: for most models the order does not matter.

## Why it matters
`to` keeps the parameter objects on the usual devices, so that the optimizer still holds them. On XLA devices, with
some wrappers and for layers that rebuild their weights when they are moved, the optimizer keeps the old ones and
trains nothing.

## What it does not mean
On CUDA and MPS with plain layers training is right in both orders.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.to("cuda")
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    model.to("cuda")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

## Check it by hand
Compare `id(next(model.parameters()))` with `id(optimizer.param_groups[0]["params"][0])` before the first step.

## References
- https://pytorch.org/docs/stable/optim.html
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.loop_order import are_exclusive
from trainclinic.script.program.precision import same_module
from trainclinic.script.program.program import Program
from trainclinic.script.program.updates import Update, holders, updates
from trainclinic.script.rule import script_rule

MENDING = Mending("move the model first, then build the optimizer")


def find(program: Program) -> Iterator[Alarm]:
    """Look for moves of the model between the building of an optimizer and its first step."""
    moves = program.calls_of(".to", ".cuda", ".mps", ".xpu")
    for update in _first_updates(program):
        built, models = update.optimizer.event, holders(program, update.optimizer)
        for call in moves:
            late = built.order < call.event.order < update.event.order and not are_exclusive(built, call.event)
            if late and any(same_module(call.receiver, model) for model in models):
                says = f"the model is moved after `{update.optimizer.method}` was given its parameters"
                flow = (Step(built.place, "the optimizer keeps these"), Step(call.event.place, "moved afterwards"))
                yield Alarm(call.event.place, says, Certainty.HINT, flow, mending=MENDING)
                break


def _first_updates(program: Program) -> list[Update]:
    first: dict[object, Update] = {}
    for update in updates(program):
        first.setdefault(update.optimizer, update)
    return list(first.values())


def _looked(program: Program) -> bool:
    return any(holders(program, update.optimizer) for update in updates(program))


RULE = script_rule(
    code="OPT002",
    slug="optimizer-before-device-move",
    severity=Severity.NOTE,
    certainty=Certainty.HINT,
    needs=("an own loop with an optimizer and a model that is moved",),
    find=find,
    looked=_looked,
    missing="an own loop whose optimizer gets the parameters of a model in sight",
)
