"""Gradients are clipped after the step that should have been bounded.

## What it sees
An own loop whose every call of `clip_grad_norm_` or `clip_grad_value_` comes after the optimizer's step, with no
backward pass in between.

## Why it matters
The step has used the gradients already: nothing is clipped, a spike goes through at its full size, and the printed
norm looks bounded all the same.

## What it does not mean
Clipping right before the step is right wherever the backward pass stands.

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
        optimizer.step()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.zero_grad()

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
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

## Check it by hand
Multiply the loss by 1000 for one step: with clipping at work the weights change by no more than in any other step.

## References
- https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.events import CallEvent
from trainclinic.script.program.loop_order import are_exclusive, move
from trainclinic.script.program.program import Program
from trainclinic.script.program.training_loops import TrainingLoop, stepper_of, training_loops
from trainclinic.script.rule import script_rule


def find(program: Program) -> Iterator[Alarm]:
    """Compare the order of clipping and steps in every loop."""
    for loop in training_loops(program):
        late = [clip for clip in loop.clips if _step_before(loop, clip) is not None]
        if not late or len(late) < len(loop.clips):
            continue
        step = _step_before(loop, late[0])
        if step is not None:
            says = f"`{late[0].call.method}` comes after `{step.call.code}`, which has used the gradients already"
            flow = (Step(step.place, "the gradients are applied"), Step(late[0].place, "and clipped too late"))
            mending = Mending("clip before the step", "unsafe", move(late[0], step))
            yield Alarm(late[0].place, says, Certainty.PROOF, flow, mending=mending)


def _step_before(loop: TrainingLoop, clip: CallEvent) -> CallEvent | None:
    """The step that a clipping comes after, between it and the last backward pass."""
    earlier = [event for event in loop.backward if event.order < clip.order and not are_exclusive(event, clip)]
    steps = [event for event in loop.steps if stepper_of(event) in {"optimizer", "scaler"}]
    steps = [event for event in steps if event.order < clip.order and not are_exclusive(event, clip)]
    steps = [event for event in steps if earlier and event.order > earlier[-1].order]
    return steps[0] if steps and steps[0].loops == clip.loops else None


def _looked(program: Program) -> bool:
    return any(loop.clips and loop.steps for loop in training_loops(program))


RULE = script_rule(
    code="OPT012",
    slug="late-clipping",
    severity=Severity.WARNING,
    certainty=Certainty.PROOF,
    needs=("an own training loop that clips gradients",),
    find=find,
    looked=_looked,
    missing="an own training loop that clips gradients",
    fix="unsafe",
)
