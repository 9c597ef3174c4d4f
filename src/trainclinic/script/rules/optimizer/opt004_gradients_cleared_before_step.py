"""Gradients are cleared between the backward pass and the step, so that every step applies nothing.

## What it sees
A loop with `loss.backward()`, then `zero_grad` of the same optimizer or model on every path, then `optimizer.step()`,
and no other backward pass or written gradient in between.

## Why it matters
The step finds no gradients: with `set_to_none`, the default, it leaves every weight alone; with zeros only weight
decay and old momentum move them. The loss stays flat from the first step.

## What it does not mean
`zero_grad` before the backward pass, or after the step, is right, and so is clearing the gradients of another
optimizer.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

## Check it by hand
Compare one weight tensor before and after `optimizer.step()`: `torch.equal` must be false.

## References
- https://pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html
- https://pytorch.org/tutorials/beginner/basics/optimization_tutorial.html
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.events import CallEvent
from trainclinic.script.program.loop_order import are_exclusive, is_conditional, move
from trainclinic.script.program.precision import same_module
from trainclinic.script.program.program import Program
from trainclinic.script.program.updates import Update, holders, optimizer_of, unknown_calls, updates
from trainclinic.script.program.values import Value
from trainclinic.script.rule import script_rule


def find(program: Program) -> Iterator[Alarm]:
    """Look between each step and the backward pass before it."""
    for update in updates(program):
        models = holders(program, update.optimizer)
        backward = _last_before(update.loop.backward, update.event)
        if backward is None or unknown_calls(update, models) or _writes_gradients(program, backward, update.event):
            continue
        for clear in update.loop.clears:
            if backward.order < clear.order < update.event.order and _clears(update, clear, models):
                says = f"`{clear.call.code}` clears the gradients before `{update.event.call.code}` can apply them"
                flow = (Step(backward.place, "gradients are computed"), Step(clear.place, "cleared before the step"))
                yield Alarm(clear.place, says, Certainty.PROOF, flow, mending=_mending(clear, backward))
                break


def _last_before(events: tuple[CallEvent, ...], step: CallEvent) -> CallEvent | None:
    held = [event for event in events if event.order < step.order and not are_exclusive(event, step)]
    return held[-1] if held else None


def _clears(update: Update, clear: CallEvent, models: list[Value]) -> bool:
    """Whether a call clears what the step applies, whenever the step happens."""
    if is_conditional(clear, update.event) or clear.loops != update.event.loops:
        return False
    if optimizer_of(clear.call.receiver) is update.optimizer:
        return True
    return any(same_module(clear.call.receiver, model) for model in models)


def _writes_gradients(program: Program, backward: CallEvent, step: CallEvent) -> bool:
    return any(backward.order < event.order < step.order for event in program.attributes_set("grad"))


def _mending(clear: CallEvent, backward: CallEvent) -> Mending:
    return Mending("clear the gradients before the backward pass", "unsafe", move(clear, backward))


def _looked(program: Program) -> bool:
    return any(update.loop.clears and update.loop.backward for update in updates(program))


RULE = script_rule(
    code="OPT004",
    slug="gradients-cleared-before-step",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("an own training loop with `backward`, `zero_grad` and `step`",),
    find=find,
    looked=_looked,
    missing="an own training loop that clears gradients of an optimizer built in sight",
    fix="unsafe",
)
