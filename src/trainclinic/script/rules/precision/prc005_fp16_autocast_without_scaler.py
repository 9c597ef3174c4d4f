"""The forward pass runs in a float16 autocast, and the backward pass has no gradient scaler.

## What it sees
An own loop whose forward pass stands in `torch.autocast` with float16, named or by default (`cuda` and `mps` take
float16 when no type is given), and whose `backward` and `step` are called plainly. No `GradScaler` and nothing else
that scales losses is in the script.

## Why it matters
Gradients of activations are float16 in such a region. What is below 6e-8 becomes zero before it reaches the weights:
the loss falls at first and then stays on a plateau that bfloat16 or a scaled loss leaves behind.

## What it does not mean
Autocast to bfloat16 needs no scaler, for its exponents reach as far as those of float32. Evaluation under autocast
needs none either.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("facebook/opt-350m", torch_dtype=torch.float32).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    model.train()
    for batch in batches():
        with torch.autocast("cuda", dtype=torch.float16):
            loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("facebook/opt-350m", torch_dtype=torch.float32).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    model.train()
    for batch in batches():
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

## Check it by hand
After one backward pass count gradients that are exactly zero, once with `loss.backward()` and once with
`(loss * 65536).backward()`: the two numbers must be nearly the same.

## References
- https://pytorch.org/docs/stable/amp.html
- https://pytorch.org/docs/stable/notes/amp_examples.html
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.events import Condition
from trainclinic.script.program.loop_order import are_exclusive, is_without_gradient
from trainclinic.script.program.mixed_precision import autocast_around, autocast_types, is_enabled, other_scaling
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import condition_text
from trainclinic.script.program.training_loops import TrainingLoop, is_plain_backward, stepper_of, training_loops
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

MENDING = Mending("scale the loss with `torch.amp.GradScaler`, or let autocast compute in bfloat16")


def find(program: Program) -> Iterator[Alarm]:
    """Look at the autocast around the forward pass of every loop with a plain backward pass."""
    for loop in _plain_loops(program):
        backward = loop.backward[0]
        for call, certainty, when in _autocasts(loop):
            if call.place is None or other_scaling(program, call):
                continue
            flow = (Step(backward.place, "`backward` without a scaler"), Step(call.place, "around the forward pass"))
            says = "the forward pass runs in a float16 autocast, and its loss is not scaled before `backward`"
            yield Alarm(call.place, says, certainty, flow, condition_text(when), MENDING)
            break


def _plain_loops(program: Program) -> Iterator[TrainingLoop]:
    """Loops that call `backward` of a loss and `step` of an optimizer themselves."""
    for loop in training_loops(program):
        steppers = {stepper_of(event) for event in loop.steps}
        if steppers == {"optimizer"} and all(is_plain_backward(event.call) for event in loop.backward):
            yield loop


def _autocasts(loop: TrainingLoop) -> Iterator[tuple[Call, Certainty, tuple[Condition, ...]]]:
    """Float16 autocasts that something before the backward pass runs in, with their conditions."""
    backward = loop.backward[0]
    for event in loop.events:
        around = autocast_around(event)
        if around is None or event.order > backward.order or is_without_gradient(event):
            continue
        call, when = around
        state = is_enabled(call)
        half = next((one for one in autocast_types(call) if one[0] == "float16"), None)
        if half is not None and state is not False and not are_exclusive(event, backward):
            yield call, Certainty.LIKELY if state and half[2] else Certainty.HINT, (*when, *half[1])


def _looked(program: Program) -> bool:
    return any(autocast_around(event) is not None for loop in training_loops(program) for event in loop.events)


RULE = script_rule(
    code="PRC005",
    slug="fp16-autocast-without-scaler",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("an own training loop with `torch.autocast`",),
    find=find,
    looked=_looked,
    missing="an own training loop with autocast",
)
