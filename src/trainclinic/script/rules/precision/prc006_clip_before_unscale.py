"""Gradients are clipped while they are still multiplied by the loss scale.

## What it sees
A loop with `scaler.scale(loss).backward()` in which `clip_grad_norm_` or `clip_grad_value_` of torch is called and no
`scaler.unscale_(optimizer)` comes before it.

## Why it matters
The scale starts at 65536, so that every gradient is far above the limit: each is clipped to `max_norm / 65536` of its
size. Updates keep their direction and lose their length: with SGD training stands still, with Adam gradients sink to
the size of its epsilon; and the limit means something else whenever the scale changes.

## What it does not mean
`accelerator.clip_grad_norm_` removes the scale by itself. A limit that is multiplied by `scaler.get_scale()` is right
too.

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
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
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
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()

## Check it by hand
Print what `clip_grad_norm_` returns: norms in the ten thousands that jump by a factor of 2 are scaled ones.

## References
- https://github.com/pytorch/examples/issues/1196
- https://github.com/Lightning-AI/pytorch-lightning/issues/9599
- https://pytorch.org/docs/stable/notes/amp_examples.html
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.events import CallEvent
from trainclinic.script.program.loop_order import are_exclusive, move
from trainclinic.script.program.mixed_precision import is_enabled, scaled_by
from trainclinic.script.program.program import Program
from trainclinic.script.program.training_loops import TrainingLoop, stepper_of, training_loops
from trainclinic.script.program.values import Call, External
from trainclinic.script.rule import script_rule


def find(program: Program) -> Iterator[Alarm]:
    """Look at what comes before each clipping of a loop with scaled gradients."""
    for loop in training_loops(program):
        for clip, backward, scaler in _clips(loop):
            earlier = [event for event in loop.events if event.call.method in {"unscale_", "get_scale"}]
            if any(event.order < clip.order and not are_exclusive(event, clip) for event in earlier):
                continue
            says = f"`{clip.call.method}` clips gradients that are still multiplied by the loss scale"
            flow = (Step(backward.place, "gradients of the scaled loss"), Step(clip.place, "clipped before unscaling"))
            certainty = Certainty.PROOF if is_enabled(scaler) else Certainty.LIKELY
            yield Alarm(clip.place, says, certainty, flow, mending=_mending(loop, clip))


def _clips(loop: TrainingLoop) -> Iterator[tuple[CallEvent, CallEvent, Call]]:
    """Clippings by torch's own functions, with the scaled backward pass before them and its scaler."""
    for clip in loop.clips:
        if not isinstance(clip.call.function, External) or not clip.call.function.name.startswith("torch."):
            continue
        for backward in loop.backward:
            scaler = scaled_by(backward.call)
            after = backward.order < clip.order and not are_exclusive(backward, clip)
            if scaler is not None and after and is_enabled(scaler) is not False:
                yield clip, backward, scaler
                break


def _mending(loop: TrainingLoop, clip: CallEvent) -> Mending | None:
    late = [event for event in loop.events if event.call.method == "unscale_" and event.order > clip.order]
    if late:
        return Mending("move `unscale_` before the clipping", "unsafe", move(late[0], clip))
    steps = [event for event in loop.steps if stepper_of(event) == "scaler" and event.activation is clip.activation]
    node = steps[0].call.node if steps else None
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
        return Mending("call `scaler.unscale_(optimizer)` before the clipping")
    code = f"{ast.unparse(node.func.value)}.unscale_({ast.unparse(node.args[0])})"
    return Mending(f"call `{code}` before the clipping", "unsafe", (Edit("insert_before", clip.place, code),))


def _looked(program: Program) -> bool:
    return any(True for loop in training_loops(program) for _ in _clips(loop))


RULE = script_rule(
    code="PRC006",
    slug="clip-before-unscale",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("an own loop with a gradient scaler and clipping",),
    find=find,
    looked=_looked,
    missing="an own loop with a gradient scaler and clipping",
    fix="unsafe",
)
