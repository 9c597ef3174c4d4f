"""A resumed run begins its epoch anew, although its state was saved in the middle of one.

## What it sees
A training loop over a loader that saves its state between two batches, a program that loads such a state (of the
accelerator, or of the optimizer) before that loop, and nothing that skips the batches which were trained on already.

## Why it matters
Rows at the beginning of the epoch are trained on twice and those at its end less often. With many interruptions the
first batches come again and again: the training loss drops where rows repeat, and the validation loss does not.

## What it does not mean
State that is saved at the end of an epoch needs no skipping. Streams and loaders that store their position
(`StatefulDataLoader`, `use_stateful_dataloader=True`) continue where they were.

## Example
Bad:

    import os
    from accelerate import Accelerator
    from accelerate.utils import set_seed
    from datasets import load_dataset
    from torch.optim import AdamW
    from torch.utils.data import DataLoader
    from transformers import AutoModelForCausalLM

    set_seed(7)
    accelerator = Accelerator()
    data = load_dataset("json", data_files="tokens.jsonl", split="train").with_format("torch")
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    optimizer = AdamW(model.parameters(), lr=2e-5)
    loader = DataLoader(data, batch_size=8, shuffle=True)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    if os.path.exists("out/state"):
        accelerator.load_state("out/state")
    model.train()
    for step, batch in enumerate(loader):
        loss = model(input_ids=batch["input_ids"], labels=batch["input_ids"]).loss
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % 500 == 499:
            accelerator.save_state("out/state")

Good:

    import os
    from accelerate import Accelerator, DataLoaderConfiguration
    from accelerate.utils import set_seed
    from datasets import load_dataset
    from torch.optim import AdamW
    from torch.utils.data import DataLoader
    from transformers import AutoModelForCausalLM

    set_seed(7)
    accelerator = Accelerator(dataloader_config=DataLoaderConfiguration(use_stateful_dataloader=True))
    data = load_dataset("json", data_files="tokens.jsonl", split="train").with_format("torch")
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    optimizer = AdamW(model.parameters(), lr=2e-5)
    loader = DataLoader(data, batch_size=8, shuffle=True)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    if os.path.exists("out/state"):
        accelerator.load_state("out/state")
    model.train()
    for step, batch in enumerate(loader):
        loss = model(input_ids=batch["input_ids"], labels=batch["input_ids"]).loss
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % 500 == 499:
            accelerator.save_state("out/state")

## Check it by hand
Stop the run after a save and start it again: the first batch after the restart must be the one that follows the last
batch before the save. Print a few ids of both.

## References
- https://huggingface.co/docs/accelerate/usage_guides/checkpoint
- https://github.com/huggingface/accelerate/issues/4071
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.events import Loop
from trainclinic.script.program.names import name_of
from trainclinic.script.program.processes import root_file
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import condition_text, contains
from trainclinic.script.program.rows import TrainingData, is_streamed, training_data
from trainclinic.script.program.runs import run_together
from trainclinic.script.program.training_loops import kind_of_stepper
from trainclinic.script.program.values import Call, Value
from trainclinic.script.rule import script_rule

POSITION = re.compile(
    r"skip|consumed|islice|stateful|sampler_state|start_(batch|step|iter)|continue\b|resume_step", re.I
)
"""Words of code that may bring a loader back to where it was."""
MENDING = Mending(
    "skip what was trained on: `accelerator.skip_first_batches(loader, step)`, or `use_stateful_dataloader=True`"
)


def find(program: Program) -> Iterator[Alarm]:
    """Look at every loop over a loader that saves its state, and at what loads such a state before it."""
    for one, loop, save in _subjects(program):
        load = next((call for call in _loads(program) if _is_before(program, call, loop)), None)
        if load is None or load.place is None or save.place is None or _keeps_position(program, one, loop):
            continue
        says = "a resumed run goes through this loader from its first batch, though states are saved between batches"
        flow = (
            Step(save.place, "saved between two batches"),
            Step(load.place, "loaded again"),
            Step(loop.place, "and the loader begins anew"),
        )
        yield Alarm(loop.place, says, Certainty.LIKELY, flow, condition_text(load.event.conditions), MENDING)


def _subjects(program: Program) -> Iterator[tuple[TrainingData, Loop, Call]]:
    """Training loops over loaders, with the call that saves their state between two batches."""
    for one in training_data(program):
        if one.loop is None or is_streamed(one.data):
            continue
        saves = (event.call for event in program.calls_in(one.loop) if _saves(event.call))
        save = next(saves, None)
        if save is not None:
            yield one, one.loop, save


def _saves(call: Call) -> bool:
    if call.method == "save_state":
        return True
    return (
        name_of(call.function) == "torch.save" and contains(call.args[0] if call.args else None, _is_state) is not None
    )


def _is_state(value: Value) -> bool:
    """Whether a value is the state of an optimizer."""
    is_state = isinstance(value, Call) and value.method == "state_dict" and value.receiver is not None
    return is_state and isinstance(value, Call) and _is_optimizer(value.receiver)


def _is_optimizer(value: Value | None) -> bool:
    return value is not None and kind_of_stepper(value) == "optimizer"


def _loads(program: Program) -> list[Call]:
    """Calls that load the state of a run: of an accelerator, or of an optimizer."""
    own = [call for call in program.calls_of(".load_state_dict") if _is_optimizer(call.receiver)]
    return [*program.calls_of(".load_state"), *own]


def _is_before(program: Program, load: Call, loop: Loop) -> bool:
    first = program.calls_in(loop)[0]
    return load.event.order < first.order and run_together(program, load, first.call)


def _keeps_position(program: Program, one: TrainingData, loop: Loop) -> bool:
    """Whether any code that belongs to the loop speaks of a position in the data."""
    files = {loop.file, root_file(program.calls_in(loop)[0]), one.user.event.file}
    files |= {held for file in tuple(files) for held in program.reached_from(file)}
    return any(POSITION.search(ast.unparse(file.tree)) for file in files if file.tree is not None)


def _looked(program: Program) -> bool:
    return any(any(_is_before(program, call, loop) for call in _loads(program)) for _, loop, _ in _subjects(program))


RULE = script_rule(
    code="SMP008",
    slug="data-replayed-on-resume",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("a training loop that saves its state, and code that loads it",),
    find=find,
    looked=_looked,
    missing="an own training loop that saves between batches and can be resumed",
)
