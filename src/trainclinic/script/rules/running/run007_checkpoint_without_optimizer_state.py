"""Checkpoints of a training that can be resumed hold the weights alone.

## What it sees
An own loop in a program with an option, field or parameter named after resuming, which saves weights and nowhere the
state of an optimizer.

## Why it matters
After a restart Adam has lost its moments: the first steps are of full size in every direction, and the loss jumps. A
schedule that is not saved starts with its warm-up again.

## What it does not mean
For use after training the weights are all that is needed. Saving the optimizer as well makes a checkpoint three times
as large, in float32.

## Example
Bad:

    # file: train.py
    import argparse
    import torch
    from transformers import GPT2LMHeadModel
    from mydata import batches

    parser = argparse.ArgumentParser()
    parser.add_argument("--resume", default="")
    options = parser.parse_args()
    torch.manual_seed(7)
    model = GPT2LMHeadModel.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    if options.resume:
        state = torch.load(options.resume, weights_only=True)
        model.load_state_dict(state["model"])
    for step, batch in enumerate(batches()):
        optimizer.zero_grad()
        model(**batch).loss.backward()
        optimizer.step()
        if step % 1000 == 999:
            torch.save({"model": model.state_dict(), "step": step}, f"step{step}.pt")

Good:

    # file: train.py
    import argparse
    import torch
    from transformers import GPT2LMHeadModel
    from mydata import batches

    parser = argparse.ArgumentParser()
    parser.add_argument("--resume", default="")
    options = parser.parse_args()
    torch.manual_seed(7)
    model = GPT2LMHeadModel.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    if options.resume:
        state = torch.load(options.resume, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
    for step, batch in enumerate(batches()):
        optimizer.zero_grad()
        model(**batch).loss.backward()
        optimizer.step()
        if step % 1000 == 999:
            whole = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
            torch.save(whole, f"step{step}.pt")

## Check it by hand
List the keys of a checkpoint: `torch.load(path, weights_only=True).keys()` must name the optimizer.

## References
- https://docs.pytorch.org/tutorials/recipes/recipes/saving_and_loading_a_general_checkpoint.html
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.program.checkpoints import WHOLE, holds_optimizer, holds_weights, saved, saves_model_folder
from trainclinic.script.program.program import Program
from trainclinic.script.program.settings import option_names
from trainclinic.script.program.training_loops import TrainingLoop, training_loops
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

MENDING = Mending("save `optimizer.state_dict()`, that of the schedule and the step beside the weights")


def find(program: Program) -> Iterator[Alarm]:
    """Look at what the loops of a program that can be resumed save."""
    writes = list(saved(program))
    if any(holds_optimizer(value) for _, value in writes) or program.calls_ending(*WHOLE):
        return
    for loop in _resumable(program):
        weights = [call for call, value in writes if holds_weights(value)]
        weights += [event.call for event in loop.events if saves_model_folder(event.call)]
        mine = [call for call in weights if _is_within(loop, call)]
        if mine and mine[0].place is not None:
            says = "a checkpoint holds the weights alone, although the training can be resumed"
            yield Alarm(mine[0].place, says, Certainty.HINT, mending=MENDING)


def _is_within(loop: TrainingLoop, call: Call) -> bool:
    outer = loop.backward[0].loops[:1]
    return bool(outer) and outer[0] in call.event.loops


def _resumable(program: Program) -> list[TrainingLoop]:
    """Loops of a program that says something about resuming."""
    options = (name for call in program.calls_ending("add_argument") for name in option_names(call))
    fields = (name for cls in program.classes for name in cls.names)
    if not any("resume" in name.lower() for name in (*options, *fields)):
        return []
    return [loop for loop in training_loops(program) if loop.steps]


def _looked(program: Program) -> bool:
    return bool(_resumable(program))


RULE = script_rule(
    code="RUN007",
    slug="checkpoint-without-optimizer-state",
    severity=Severity.WARNING,
    certainty=Certainty.HINT,
    needs=("an own loop, what it saves, and an option to resume",),
    find=find,
    looked=_looked,
    missing="an own loop in a program with an option to resume",
)
