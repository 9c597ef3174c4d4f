"""The loss is read as a number in every round, so that Python waits for the accelerator each time.

## What it sees
`loss.item()`, `float(loss)`, `loss.tolist()`, or a `print` of the loss, in the loop of the backward pass and under no
test that lets rounds through only now and then.

## Why it matters
Work is queued on the accelerator while Python prepares the next round. To know the number, Python must wait until all
that is queued has run, and for that moment nothing is queued behind it. With small models and short rounds a tenth of
the time or more can be lost that way; with rounds of a second nobody notices.

## What it does not mean
The training is the same to the last digit, only its speed is not. On a CPU there is nothing to wait for, and a guard
against losses that are not finite needs the number in every round.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from mydata import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2").cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for step, ids in enumerate(batches()):
        loss = model(ids.cuda(), labels=ids.cuda()).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        print(step, loss.item())

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from mydata import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2").cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for step, ids in enumerate(batches()):
        loss = model(ids.cuda(), labels=ids.cuda()).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0:
            print(step, loss.item())

## Check it by hand
Time a hundred rounds with the line and without it, after a few rounds to warm up.

## References
- https://docs.pytorch.org/tutorials/recipes/recipes/tuning_guide.html
- https://pytorch.org/docs/stable/notes/cuda.html
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.program.events import CallEvent
from trainclinic.script.program.gradients import loss_within
from trainclinic.script.program.loop_order import is_conditional
from trainclinic.script.program.names import is_library, name_of
from trainclinic.script.program.program import Program
from trainclinic.script.program.training_loops import TrainingLoop, training_loops
from trainclinic.script.program.values import Attribute, Call, External, Text, Value
from trainclinic.script.rule import script_rule

READING = frozenset({"item", "tolist", "numpy"})
"""Methods that give the content of a tensor to Python."""
PRINTING = frozenset({"builtins.float", "builtins.print", "builtins.str", "tqdm.tqdm.write"})
"""Functions that do."""
WITHOUT_GRAPH = frozenset({"detach", "cpu", "data"})
MENDING = Mending("keep `loss.detach()`, and read it every so many steps")


def find(program: Program) -> Iterator[Alarm]:
    """Look at what every training loop reads of its loss in each round."""
    for loop in _loops(program):
        for event in loop.events:
            if _is_every_round(event, loop) and any(_is_of_loss(program, one) for one in _read(event.call)):
                says = f"`{event.call.code}` waits for the accelerator in every round"
                yield Alarm(event.place, says, Certainty.HINT, mending=MENDING)


def _loops(program: Program) -> list[TrainingLoop]:
    return [loop for loop in training_loops(program) if loop.loop is not None and loop.steps]


def _is_every_round(event: CallEvent, loop: TrainingLoop) -> bool:
    """Whether no test stands around something that does not stand around a backward pass as well."""
    return any(not is_conditional(event, one) for one in loop.backward)


def _read(call: Call) -> list[Value]:
    """Tensors whose content a call asks for."""
    if isinstance(call.function, Attribute):
        return [call.function.base] if call.method in READING else []
    texts = [part for value in call.args if isinstance(value, Text) for part in value.parts()]
    return [*call.args, *texts] if name_of(call.function) in PRINTING else []


def _is_of_loss(program: Program, value: Value) -> bool:
    """Whether a value is a loss, with its graph or cut off from it."""
    for _ in range(8):
        if isinstance(value, Call) and isinstance(value.function, Attribute) and value.method in WITHOUT_GRAPH:
            value = value.function.base
        elif isinstance(value, Attribute) and value.name in WITHOUT_GRAPH:
            value = value.base
    return loss_within(program, value) is not None


def _is_handed_on(program: Program, loop: TrainingLoop) -> bool:
    """Whether a function that is not in sight gets the loss, and may read it."""
    outside = [event.call for event in loop.events if isinstance(event.call.function, External)]
    foreign = [call for call in outside if not is_library(name_of(call.function))]
    handed = [value for call in foreign for value in (*call.args, *(value for _, value in call.keywords))]
    return any(_is_of_loss(program, value) for value in handed)


def _looked(program: Program) -> bool:
    loops = _loops(program)
    return bool(loops) and not any(_is_handed_on(program, loop) for loop in loops)


RULE = script_rule(
    code="LOP006",
    slug="synchronising-print",
    severity=Severity.NOTE,
    certainty=Certainty.HINT,
    needs=("an own training loop",),
    find=find,
    looked=_looked,
    missing="an own training loop whose loss no function out of sight gets",
)
