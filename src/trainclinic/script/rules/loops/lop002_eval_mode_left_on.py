"""The model is put into evaluation mode inside the training loop, and training goes on in that mode.

## What it sees
`model.eval()` in a loop that also trains the model, directly or in a function that it calls, without a
`model.train()` on the way back to the next training step.

## Why it matters
From the first evaluation on dropout is off, for good: the model overfits sooner, and nothing in the log says why.
Models of transformers also checkpoint activations in training mode only, so that memory jumps at that step.

## What it does not mean
`train()` at the head of each round is enough. `torch.no_grad()` has nothing to do with it: it switches gradients off,
not dropout. A model without dropout and without checkpointing behaves the same in both modes.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from mydata import batches, held_out

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)

    def evaluate():
        model.eval()
        with torch.no_grad():
            return sum(model(ids, labels=ids).loss.item() for ids in held_out())

    model.train()
    for step, ids in enumerate(batches()):
        loss = model(ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 99:
            print(step, evaluate())

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from mydata import batches, held_out

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)

    def evaluate():
        model.eval()
        with torch.no_grad():
            total = sum(model(ids, labels=ids).loss.item() for ids in held_out())
        model.train()
        return total

    model.train()
    for step, ids in enumerate(batches()):
        loss = model(ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 99:
            print(step, evaluate())

## Check it by hand
Assert `model.training` right before the forward pass of every training step.

## References
- https://pytorch.org/docs/stable/generated/torch.nn.Module.html
- https://pytorch.org/docs/stable/notes/autograd.html
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.definitions import Instance
from trainclinic.script.program.events import CallEvent, Event, Loop
from trainclinic.script.program.names import is_library
from trainclinic.script.program.objects import root
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, flag
from trainclinic.script.program.training_loops import training_loops
from trainclinic.script.program.values import Call, External, Value
from trainclinic.script.rule import script_rule

HARMLESS = frozenset({"save_pretrained", "save", "state_dict", "print", "unwrap_model", "get_state_dict", "evaluate"})
"""Calls that may get the model without putting it into training mode."""


def find(program: Program) -> Iterator[Alarm]:
    """Look at every `eval` of a trained model inside the loop that trains it."""
    for call, model, forward in _switched(program):
        loop = _shared(call.event, forward)
        if loop is None or call.place is None or _comes_back(program, call, model, loop, forward):
            continue
        if _leaves(program, call.event, loop) or _may_be_restored(program, loop, model):
            continue
        name = ast.unparse(forward.node.func) if isinstance(forward.node, ast.Call) else "model"
        says = f"`{call.code}` in the training loop is never undone: the next steps train in evaluation mode"
        flow = (Step(forward.place, "each round trains here"), Step(call.place, "evaluation mode from here on"))
        edits = (Edit("insert_before", forward.place, f"{name}.train()"),)
        mending = Mending(f"call `{name}.train()` before training goes on", edits=edits)
        yield Alarm(call.place, says, Certainty.LIKELY, flow, mending=mending)


def _switched(program: Program) -> Iterator[tuple[Call, Value, CallEvent]]:
    """Calls of `eval` in training loops: the call, the model, and the forward pass that trains it."""
    for training in training_loops(program):
        first = training.backward[0]
        for call in program.calls_of(".eval"):
            model = root(call.receiver)
            if model is None or call.args or _shared(call.event, first) is None:
                continue
            passes = [one for one in training.events if one.order < first.order and _is_pass(one.call, model)]
            if passes and _is_in_training(program, model, first):
                yield call, model, passes[-1]


def _is_pass(call: Call, model: Value) -> bool:
    return not isinstance(call.function, External) and root(call.function) is model


def _is_in_training(program: Program, model: Value, before: Event) -> bool:
    """Whether a model begins in training mode: one of the files does, any other after `train()`."""
    if isinstance(model, Instance):
        return True
    return any(one.event.order < before.order for one in _trains(program, model))


def _trains(program: Program, model: Value) -> list[Call]:
    calls = [one for one in program.calls_of(".train") if root(one.receiver) is model]
    return [one for one in calls if flag(argument(one, "mode", 0)) is not False]


def _shared(one: Event, two: Event) -> Loop | None:
    """The innermost loop around both."""
    return next((loop for loop in reversed(one.loops) if loop in two.loops), None)


def _comes_back(program: Program, call: Call, model: Value, loop: Loop, forward: CallEvent) -> bool:
    """Whether `train` is called between the evaluation and the next training step, the end of the round included."""
    start, end = call.event.order, forward.order
    if program.attributes_set("training"):
        return True
    for one in _trains(program, model):
        at = one.event.order
        on_the_way = start < at < end if start < end else at > start or at < end
        if loop in one.event.loops and on_the_way:
            return True
    return False


def _leaves(program: Program, event: Event, loop: Loop) -> bool:
    """Whether the loop ends after the evaluation, by `break` or `return`."""
    ends: list[Event] = [one for one in program.breaks if one.loops and one.loops[-1] is loop]
    ends += [one for one in program.returns if one.activation is loop.activation and loop in one.loops]
    return any(one.order > event.order and set(one.conditions) <= set(event.conditions) for one in ends)


def _may_be_restored(program: Program, loop: Loop, model: Value) -> bool:
    """Whether something out of sight gets the model in a round, and may put it into training mode."""
    return any(_is_unknown(one.call, model) for one in program.calls_in(loop))


def _is_unknown(call: Call, model: Value) -> bool:
    if call.result is not None or call.method in HARMLESS:
        return False
    if isinstance(call.function, External) and is_library(call.function.name):
        return False
    return any(root(one) is model for one in (*call.args, *(value for _, value in call.keywords)))


def _looked(program: Program) -> bool:
    return any(True for _ in _switched(program))


RULE = script_rule(
    code="LOP002",
    slug="eval-mode-left-on",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("`eval` of a model inside the loop that trains it",),
    find=find,
    looked=_looked,
    missing="a training loop that puts its model into evaluation mode",
    fix="unsafe",
)
