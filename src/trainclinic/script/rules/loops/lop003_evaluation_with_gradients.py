"""Validation runs as if it were training: with a graph for gradients that nobody asks for, or with dropout on.

## What it sees
A forward pass of the trained model in a validation loop of the script (called so, or entered after `model.eval()`)
outside of `torch.no_grad()` and `torch.inference_mode()`; or in training mode, where the model is known to have
dropout.

## Why it matters
A graph keeps every activation of the batch: validation takes two to ten times the memory it needs, and runs out of it
at batch sizes that training would survive. Dropout at validation makes the loss noisy and too high, so that curves of
training and validation cannot be compared.

## What it does not mean
`model.eval()` does not switch gradients off, and `no_grad` does not switch dropout off: both are needed. The numbers of
a validation without `no_grad` are right.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from mydata import batches, held_out

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    for epoch in range(3):
        model.train()
        for ids in batches():
            optimizer.zero_grad()
            model(ids, labels=ids).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        model.eval()
        losses = []
        for ids in held_out():
            losses.append(model(ids, labels=ids).loss.item())
        print(epoch, sum(losses) / len(losses))

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from mydata import batches, held_out

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    for epoch in range(3):
        model.train()
        for ids in batches():
            optimizer.zero_grad()
            model(ids, labels=ids).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        model.eval()
        losses = []
        with torch.no_grad():
            for ids in held_out():
                losses.append(model(ids, labels=ids).loss.item())
        print(epoch, sum(losses) / len(losses))

## Check it by hand
In the validation loop, print `model.training` and `logits.requires_grad`: both must be `False`.

## References
- https://pytorch.org/docs/stable/notes/autograd.html
- https://pytorch.org/docs/stable/generated/torch.no_grad.html
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import partial
from operator import is_

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapters import trained
from trainclinic.script.program.definitions import Instance
from trainclinic.script.program.embedding_training import lora_calls
from trainclinic.script.program.events import CallEvent
from trainclinic.script.program.gradients import backward_loss, may_be_off
from trainclinic.script.program.identities import identity_of
from trainclinic.script.program.loop_order import is_conditional
from trainclinic.script.program.objects import root
from trainclinic.script.program.once import listed_once
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, constants, contains, flag
from trainclinic.script.program.training_loops import is_backward, training_loops
from trainclinic.script.program.values import Call, External, Value
from trainclinic.script.rule import script_rule

NAMED = re.compile(r"(^|[^a-z])(val|valid|validate|validation|eval|evaluate|evaluation|test|held_?out)([^a-z]|$)", re.I)
"""How validation functions and their data are called."""
WITH_DROPOUT = frozenset({"gpt2", "opt", "t5", "bart"})
"""Families whose published configuration has dropout above 0."""


def find(program: Program) -> Iterator[Alarm]:
    """Look at every forward pass of validation."""
    seen: set[object] = set()
    for event, mode in _passes(program):
        if event.place in seen:
            continue
        seen.add(event.place)
        if not may_be_off(event) and not _is_switched_off(program):
            says = f"the forward pass `{event.call.code}` of this validation builds a graph that nobody needs"
            flow = (Step(mode.event.place, "evaluation mode"), Step(event.place, "with gradients")) if mode else ()
            mending = Mending("put the validation loop into `with torch.no_grad():`")
            yield Alarm(event.place, says, Certainty.LIKELY, flow, mending=mending)
        if mode is not None and mode.method == "train" and _has_dropout(program, root(event.call.function)):
            says = f"the forward pass `{event.call.code}` of this validation runs in training mode, with dropout on"
            flow = (Step(mode.event.place, "training mode"), Step(event.place, "validation"))
            mending = Mending("call `model.eval()` before validation, and `model.train()` after it")
            yield Alarm(event.place, says, Certainty.LIKELY, flow, mending=mending)


@listed_once
def _passes(program: Program) -> Iterator[tuple[CallEvent, Call | None]]:
    """Forward passes of validation, with the call that set the mode last."""
    models = {root(model) for model, _ in trained(program)} if training_loops(program) else set()
    losses = [backward_loss(event.call) for loop in training_loops(program) for event in loop.backward]
    for event in program.calls:
        if not event.loops or isinstance(event.call.function, External) or root(event.call.function) not in models:
            continue
        if any(_asks_for_gradients(other.call) for other in program.calls_in(event.loops[-1])):
            continue
        if any(contains(loss, partial(is_, event.call), limit=300) for loss in losses):
            continue
        mode = _mode(program, event, root(event.call.function))
        if _is_named(event) or (mode is not None and mode.method == "eval"):
            yield event, mode


def _asks_for_gradients(call: Call) -> bool:
    return is_backward(call) or call.method in {"grad", "vjp", "jvp"}


def _is_named(event: CallEvent) -> bool:
    """Whether the function around a pass, or what its loop goes through, is called a validation."""
    node = event.loops[-1].node
    over = ast.unparse(node.iter) if isinstance(node, (ast.For, ast.comprehension)) else ""
    return NAMED.search(event.activation.name) is not None or NAMED.search(over) is not None


def _mode(program: Program, event: CallEvent, model: Value | None) -> Call | None:
    """The last call of `eval` or `train` of the model before an event; `None` when none is in sight."""
    calls = program.calls_of(".eval", ".train")
    mine = [call for call in calls if call.event.order < event.order and root(call.receiver) is model]
    last = mine[-1] if mine and (not mine[-1].args or flag(mine[-1].args[0])) else None
    return last if last is not None and not is_conditional(last.event, event) else None


def _is_switched_off(program: Program) -> bool:
    return bool(program.calls_of("torch.set_grad_enabled", "torch.autograd.set_grad_enabled"))


def _has_dropout(program: Program, model: Value | None) -> bool:
    """Whether a model is known to have dropout: by its family, its adapter or its own layers."""
    known = identity_of(model)
    if known is not None and known.family.name in WITH_DROPOUT:
        return True
    given = [argument(call, "lora_dropout") for call in lora_calls(program)]
    if isinstance(model, Instance):
        given += [argument(call, "p", 0) for call in program.calls_of("torch.nn.Dropout")]
    return any(isinstance(rate, float) and rate > 0 for value in given for rate in constants(value))


def _looked(program: Program) -> bool:
    return any(True for _ in _passes(program))


RULE = script_rule(
    code="LOP003",
    slug="evaluation-with-gradients",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("a validation loop of the script over a model that it trains",),
    find=find,
    looked=_looked,
    missing="a validation loop over a model that the script trains in a loop of its own",
)
