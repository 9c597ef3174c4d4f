"""A training loop adds up gradients and never clears them.

## What it sees
A loop with `loss.backward()` and a step of an optimizer of a library, and nowhere in the loop, in the functions that
it calls or in a loop around it `zero_grad`, `p.grad = None` or another way to clear gradients.

## Why it matters
`backward` adds to what is there. After n steps the optimizer follows the sum of n gradients: their norm grows step by
step, old batches outvote the new one, and the loss falls at first, then swings or diverges.

## What it does not mean
Leaving gradients for a few micro-batches is gradient accumulation, as long as they are cleared after the step.
Engines (DeepSpeed) and the Trainer clear gradients by themselves.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for step, batch in enumerate(batches()):
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for step, batch in enumerate(batches()):
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

## Check it by hand
Print the gradient norm before each step with the same batch in every step: it must stay; if it doubles, then triples,
gradients are never cleared.

## References
- https://pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html
- https://pytorch.org/tutorials/recipes/recipes/zeroing_out_gradients.html
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.loop_order import are_exclusive
from trainclinic.script.program.program import Program
from trainclinic.script.program.training_loops import is_plain_backward, training_loops
from trainclinic.script.program.updates import Update, holders, unknown_calls, updates
from trainclinic.script.program.values import Attribute, Value
from trainclinic.script.rule import script_rule

_CLEARING = frozenset({"zero_", "fill_", "detach_", "mul_", "copy_"})


def find(program: Program) -> Iterator[Alarm]:
    """Look for something that clears gradients in every loop that steps an optimizer."""
    for update in _plain(program):
        if _is_cleared(program, update) or unknown_calls(update, holders(program, update.optimizer)):
            continue
        backward = update.loop.backward[0]
        says = f"`{update.event.call.code}` follows gradients that nothing in the loop clears"
        flow = (Step(backward.place, "adds to the gradients"), Step(update.event.place, "applies their sum"))
        yield Alarm(update.event.place, says, Certainty.PROOF, flow, mending=_mending(update))


def _plain(program: Program) -> Iterator[Update]:
    """Steps in a loop, after a plain backward pass, of an optimizer that was built outside of the loop."""
    for update in updates(program):
        loop = update.loop.loop
        closure = update.scaler is None and (update.event.call.args or update.event.call.keywords)
        if loop is None or closure or loop in update.optimizer.event.loops:
            continue
        plain = all(is_plain_backward(one.call) or update.scaler is not None for one in update.loop.backward)
        if plain and any(not are_exclusive(one, update.event) for one in update.loop.backward):
            yield update


def _is_cleared(program: Program, update: Update) -> bool:
    """Whether anything in the loops around the step clears gradients, of whatever model."""
    around = set(update.event.loops)
    calls = [event for event in program.calls_of(".zero_grad", "*.zero_grad") if around & set(event.event.loops)]
    if calls:
        return True
    if any(around & set(event.loops) for event in program.attributes_set("grad")):
        return True
    reset = program.calls_of(*(f".{name}" for name in sorted(_CLEARING)))
    return any(around & set(call.event.loops) and _is_gradient(call.receiver) for call in reset)


def _is_gradient(value: Value | None) -> bool:
    while isinstance(value, Attribute):
        if value.name == "grad":
            return True
        value = value.base
    return False


def _mending(update: Update) -> Mending:
    node = update.event.call.node
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or update.scaler is not None:
        return Mending("call `optimizer.zero_grad()` after the step")
    code = f"{ast.unparse(node.func.value)}.zero_grad()"
    return Mending(f"call `{code}` after the step", "unsafe", (Edit("insert_after", update.event.place, code),))


def _looked(program: Program) -> bool:
    loops = [loop for loop in training_loops(program) if loop.loop is not None and loop.steps]
    return any(True for loop in loops if loop.clears) or any(True for _ in _plain(program))


RULE = script_rule(
    code="OPT003",
    slug="no-zero-grad",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("an own training loop with an optimizer of a library",),
    find=find,
    looked=_looked,
    missing="an own training loop that steps an optimizer built in sight",
    fix="unsafe",
)
