"""A training loop computes losses and changes no weight: `step` or `backward` is missing.

## What it sees
An own loop with a backward pass in a program that builds an optimizer and never calls its `step`; or a loop that steps
an optimizer in a program without any backward pass.

## Why it matters
Nothing fails. An optimizer whose parameters have no gradient skips them in silence, and gradients that nobody applies
only grow. The loss moves up and down with the batches and has no trend; the saved model equals the one that was loaded.

## What it does not mean
Hooks that step inside `backward`, closures and engines that step themselves are right. Where the optimizer, the model
or the loss is handed to code out of sight, nothing is said.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from mydata import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for ids in batches():
        loss = model(ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    model.save_pretrained("out")

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from mydata import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for ids in batches():
        loss = model(ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.save_pretrained("out")

## Check it by hand
Keep a copy of one trainable weight before the loop and compare it after ten steps: it must differ.

## References
- https://pytorch.org/docs/stable/optim.html
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapters import optimised
from trainclinic.script.program.events import CallEvent
from trainclinic.script.program.gradients import loss_within
from trainclinic.script.program.names import is_library
from trainclinic.script.program.objects import root
from trainclinic.script.program.program import Program
from trainclinic.script.program.runs import run_together, together
from trainclinic.script.program.trainers import trainers
from trainclinic.script.program.training_loops import stepper_of, training_loops
from trainclinic.script.program.updates import optimizer_of
from trainclinic.script.program.values import Call, External, Value
from trainclinic.script.rule import script_rule

GRADIENTS = ("backward", "manual_backward", "grad", "minimize", "value_and_grad", "fit", "register_hook")
"""Calls that compute gradients, or hand the training over."""
STEPS = (
    "step",
    "minimize",
    "optimizer_step",
    "register_post_accumulate_grad_hook",
    "initialize",
    "fit",
    "apply_gradients",
)
"""Calls that update weights, or hand the training over."""
HARMLESS = frozenset(
    {"parameters", "save_pretrained", "zero_grad", "state_dict", "load_state_dict", "prepare", "append"}
)
"""Calls that may get the optimizer, the model or the loss and neither step nor propagate back."""


def find(program: Program) -> Iterator[Alarm]:
    """Look for optimizers whose loop lacks one half of an update."""
    for model, optimizer in optimised(program):
        if optimizer.place is None or together(program, optimizer, [one.call for one in trainers(program)]):
            continue
        unapplied, empty = _without_step(program, optimizer), _without_gradients(program, optimizer)
        if not (unapplied or empty) or _has_unknown(program, optimizer, model):
            continue
        for event in unapplied:
            says = f"gradients of `{event.call.code}` are never applied: no `step` of an optimizer is called"
            flow = (Step(optimizer.place, "the optimizer is built"), Step(event.place, "gradients, but no step"))
            yield Alarm(event.place, says, Certainty.LIKELY, flow, mending=Mending("call `optimizer.step()` after it"))
        for event in empty:
            says = f"`{event.call.code}` has nothing to apply: no `backward` is called anywhere"
            flow = (Step(optimizer.place, "the optimizer is built"), Step(event.place, "a step without gradients"))
            mending = Mending("call `loss.backward()` before the step")
            yield Alarm(event.place, says, Certainty.LIKELY, flow, mending=mending)


def _without_step(program: Program, optimizer: Call) -> list[CallEvent]:
    """Backward passes in loops that run together with an optimizer, where nothing steps."""
    if together(program, optimizer, program.calls_ending(*STEPS)):
        return []
    passes = [event for loop in training_loops(program) for event in loop.backward if event.loops]
    return [event for event in passes if run_together(program, optimizer, event.call)]


def _without_gradients(program: Program, optimizer: Call) -> list[CallEvent]:
    """Steps of an optimizer in loops that run without any backward pass."""
    if together(program, optimizer, program.calls_ending(*GRADIENTS)) or program.attributes_set("grad"):
        return []
    steps = [event for event in program.calls if stepper_of(event) == "optimizer" and event.loops]
    return [event for event in steps if optimizer_of(event.call.receiver) is optimizer and not event.call.args]


def _has_unknown(program: Program, optimizer: Call, model: Value) -> bool:
    """Whether the optimizer, its model or a loss goes to code out of sight, which may do what is missing."""
    return any(_is_unknown(program, event.call, optimizer, model) for event in program.calls)


def _is_unknown(program: Program, call: Call, optimizer: Call, model: Value) -> bool:
    if call.result is not None or call.method in HARMLESS:
        return False
    if isinstance(call.function, External) and is_library(call.function.name):
        return False
    handed = [*call.args, *(value for _, value in call.keywords)]
    mine = any(optimizer_of(one) is optimizer or root(one) is root(model) for one in handed)
    return mine or any(loss_within(program, one) is not None for one in handed)


def _looked(program: Program) -> bool:
    return any(loop.steps for loop in training_loops(program))


RULE = script_rule(
    code="LOP005",
    slug="loop-without-update",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("an optimizer that the script builds, and a loop that uses it",),
    find=find,
    looked=_looked,
    missing="a training loop of the script with a backward pass and a step",
)
