"""The loss is scaled, but the optimizer is stepped past the gradient scaler, or the scaler is never updated.

## What it sees
A loop with `scaler.scale(loss).backward()` that calls `optimizer.step()` itself and never `scaler.step(optimizer)` or
`scaler.unscale_(optimizer)`; or a loop with `scaler.step(optimizer)` and no `scaler.update()`.

## Why it matters
Past the scaler gradients are 65536 times too large: SGD explodes at once; Adam, which divides by their size, works
on, but weight decay, epsilon and clipping lose their meaning, and steps with infinite gradients are not skipped.
Without `update` the second `scaler.step` raises `RuntimeError: step() has already been called since the last
update()`.

## What it does not mean
A loop that scales under one condition and calls `backward` plainly otherwise is right as long as `scaler.step` does
the same; a scaler with `enabled=False` hands everything on.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2", torch_dtype=torch.float32).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    scaler = torch.amp.GradScaler("cuda")
    model.train()
    for batch in batches():
        with torch.autocast("cuda", dtype=torch.float16):
            loss = model(**batch).loss
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        optimizer.step()
        scaler.update()

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2", torch_dtype=torch.float32).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    scaler = torch.amp.GradScaler("cuda")
    model.train()
    for batch in batches():
        with torch.autocast("cuda", dtype=torch.float16):
            loss = model(**batch).loss
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()

## Check it by hand
Print the norm of the gradients right before the step: it must be of the order of 1, not of 65536. Print
`scaler.get_scale()` over the run: it must move.

## References
- https://pytorch.org/docs/stable/amp.html
- https://pytorch.org/docs/stable/notes/amp_examples.html
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.events import CallEvent
from trainclinic.script.program.loop_order import are_exclusive
from trainclinic.script.program.mixed_precision import is_enabled, scaled_by, scaler_of
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import condition_text
from trainclinic.script.program.training_loops import TrainingLoop, stepper_of, training_loops
from trainclinic.script.rule import script_rule


def find(program: Program) -> Iterator[Alarm]:
    """Look at the steps of every loop whose loss is scaled."""
    for loop in training_loops(program):
        yield from _past_the_scaler(loop)
        yield from _never_updated(loop)


def _past_the_scaler(loop: TrainingLoop) -> Iterator[Alarm]:
    direct = [event for event in loop.steps if stepper_of(event) == "optimizer"]
    handled = [event for event in loop.events if event.call.method == "unscale_" or stepper_of(event) == "scaler"]
    for backward in loop.backward:
        scaler = scaled_by(backward.call)
        if scaler is None or is_enabled(scaler) is False or handled:
            continue
        step = next((one for one in direct if one.order > backward.order and not are_exclusive(one, backward)), None)
        if step is not None:
            says = f"the loss is scaled, but `{step.call.code}` applies the gradients without `scaler.step`"
            flow = (Step(backward.place, "gradients of the scaled loss"), Step(step.place, "applied as they are"))
            certainty = Certainty.PROOF if is_enabled(scaler) else Certainty.LIKELY
            own = tuple(one for one in backward.conditions if loop.loop is None or one not in step.conditions)
            yield Alarm(step.place, says, certainty, flow, condition_text(own), _stepping(step, backward))
            return


def _stepping(step: CallEvent, backward: CallEvent) -> Mending:
    """Step through the scaler of the backward pass."""
    inner, outer = step.call.node, backward.call.node
    advice = "step the optimizer with `scaler.step(optimizer)`"
    if not isinstance(inner, ast.Call) or not isinstance(inner.func, ast.Attribute) or inner.args:
        return Mending(advice)
    scaling = outer.func.value if isinstance(outer, ast.Call) and isinstance(outer.func, ast.Attribute) else None
    held = isinstance(scaling, ast.Call) and isinstance(scaling.func, ast.Attribute)
    if not held or step.activation is not backward.activation:
        return Mending(advice)
    code = f"{ast.unparse(scaling.func.value)}.step({ast.unparse(inner.func.value)})"  # type: ignore[union-attr]
    return Mending(f"call `{code}`", "unsafe", (Edit("replace", step.place, code),))


def _never_updated(loop: TrainingLoop) -> Iterator[Alarm]:
    if loop.loop is None or any(event.call.method == "update" for event in loop.events):
        return
    for step in loop.steps:
        scaler = scaler_of(step.call.receiver) if stepper_of(step) == "scaler" else None
        if scaler is None or scaler.place is None or is_enabled(scaler) is False:
            continue
        says = f"`{step.call.code}` runs in a loop without `update`: the second round raises an error"
        certainty = Certainty.PROOF if is_enabled(scaler) else Certainty.LIKELY
        yield Alarm(step.place, says, certainty, mending=Mending("call `scaler.update()` after the step"))
        return


def _looked(program: Program) -> bool:
    loops = training_loops(program)
    return any(scaled_by(event.call) is not None for loop in loops for event in loop.backward if loop.steps)


RULE = script_rule(
    code="PRC007",
    slug="scaler-left-out",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("an own loop with a gradient scaler",),
    find=find,
    looked=_looked,
    missing="an own loop with a gradient scaler",
    fix="unsafe",
)
