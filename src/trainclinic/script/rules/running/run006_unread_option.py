"""An option that configures the training is declared or given, and no code ever reads it.

## What it sees
An option of `argparse`, a field of a data class, or a variable that a launch script sets, whose name speaks of the
training (learning rate, batch, epochs, rank, layers ...), and that stands in no file as attribute, key or parameter.
Programs whose settings leave the files as a whole are left out.

## Why it matters
The run is not the one that its command line describes. Sweeps over the option compare equal runs, and reports name
numbers that were never used.

## What it does not mean
The value that the training does use can be right; it only stands elsewhere.

## Example
Bad:

    # file: train.py
    import argparse
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from datasets import load_from_disk

    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=2e-5)
    parser.add_argument("--weight_decay", type=float, default=0.1)
    options = parser.parse_args()
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    args = TrainingArguments("out", learning_rate=options.lr, bf16=True, seed=7)
    trainer = Trainer(model=model, args=args, train_dataset=load_from_disk("rows"))
    trainer.train()

Good:

    # file: train.py
    import argparse
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from datasets import load_from_disk

    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=2e-5)
    parser.add_argument("--weight_decay", type=float, default=0.1)
    options = parser.parse_args()
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    args = TrainingArguments(
        "out", learning_rate=options.lr, weight_decay=options.weight_decay, bf16=True, seed=7
    )
    trainer = Trainer(model=model, args=args, train_dataset=load_from_disk("rows"))
    trainer.train()

## Check it by hand
Search all files for the name of the option. Then start with two very different values and the same seed: if the first
logged losses are equal to the last digit, the option does nothing.

## References
- https://docs.python.org/3/library/argparse.html
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Place
from trainclinic.script.program.definitions import Class, Instance
from trainclinic.script.program.processes import launches_of, root_file
from trainclinic.script.program.program import Program
from trainclinic.script.program.read_names import (
    is_complete,
    is_read,
    leaves_files,
    parsed_options,
    reads_everything,
)
from trainclinic.script.program.runs import run_together, trainings
from trainclinic.script.program.settings import is_configuration, option_names
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule
from trainclinic.script.sources.source import SourceFile

_TRAINING = re.compile(
    r"lr|learning_?rate|max_lr|min_lr|peak_lr|((per_device|micro|mini|global|train|eval)_)*batch_?size|"
    r"(num_|n_|train_|max_)*epochs?|max_(steps|iters)|num_steps|training_steps|(num_)?warm_?up(_steps|_ratio|_iters)?|"
    r"weight_decay|wd|(grad(ient)?_)?accum\w*_steps|grad_accum|(lora_)?(rank|alpha|dropout)|lora_r|target_modules|"
    r"max_(seq_?)?len(gth)?|max_seq_length|(block|context)_size|(context|seq|sequence)_len(gth)?|n_(layers?|heads?|embd)|"
    r"num_(layers|heads)|d_model|hidden_size|grad_clip|clip(_grad)?(_norm)?|max_grad_norm|(adam_)?beta[12]|fp16|bf16|"
    r"dtype|mixed_precision|(lr_)?scheduler(_type)?|optim(izer)?|label_smoothing|gradient_checkpointing|packing|use_lora",
    re.I,
)
"""Names of options that configure a training."""


class Stated(NamedTuple):
    """A setting that somebody states.

    Attributes:
        name: Its name.
        place: Where it is stated.
        what: `option`, `field` or `variable`.
        file: The file beside which it must be read.
    """

    name: str
    place: Place
    what: str
    file: SourceFile


def find(program: Program) -> Iterator[Alarm]:
    """Look at options, at fields, and at variables of launch scripts."""
    if reads_everything(program):
        return
    for one in (*_options(program), *_fields(program), *_variables(program)):
        if not is_read(program, one.name, one.file):
            is_sure = one.what != "variable" or is_complete(program)
            yield _alarm(one, Certainty.LIKELY if is_sure else Certainty.HINT)


def _alarm(one: Stated, certainty: Certainty) -> Alarm:
    verb = "set here" if one.what == "variable" else "declared here"
    says = f"the {one.what} `{one.name}` is {verb} and never read: its value changes nothing"
    mending = Mending(f"use `{one.name}` where the training needs it, or drop it")
    return Alarm(one.place, says, certainty, mending=mending)


def _trains(program: Program, call: Call) -> bool:
    return any(run_together(program, call, one) for one in trainings(program))


def _options(program: Program) -> Iterator[Stated]:
    """Options of argument parsers of programs that train and keep their options."""
    declared = [one for one in program.calls_ending("add_argument") if _trains(program, one)]
    if not declared or not parsed_options(program) or leaves_files(program, parsed_options(program)):
        return
    for call in declared:
        for name in option_names(call):
            if _TRAINING.fullmatch(name) and call.place is not None:
                yield Stated(name, call.place, "option", call.event.file)


def _fields(program: Program) -> Iterator[Stated]:
    """Fields of data classes that are made in a program that trains and stay in the files."""
    made: dict[Class, list[Call]] = {}
    for event in program.calls:
        if isinstance(event.call.function, Class):
            made.setdefault(event.call.function, []).append(event.call)
    for cls, calls in made.items():
        plain = all(isinstance(one, Class) for one in cls.lineage()) and is_configuration(cls)
        if not plain or cls.file is None or not any(_trains(program, call) for call in calls):
            continue
        objects = [call.result for call in calls if isinstance(call.result, Instance)]
        if leaves_files(program, objects):
            continue
        for statement in cls.definition.body:
            name = getattr(statement.target, "id", "") if isinstance(statement, ast.AnnAssign) else ""
            if _TRAINING.fullmatch(name):
                yield Stated(name, cls.file.place(statement), "field", cls.file)


def _variables(program: Program) -> Iterator[Stated]:
    """Variables that launch scripts set for a program that trains and reads its settings from the environment."""
    for entry in dict.fromkeys(root_file(one.event) for one in trainings(program)):
        for launch in launches_of(program, entry):
            stated = {name: held for name, held in launch.environment.items() if _TRAINING.fullmatch(name)}
            handed = {value for value, _ in (*launch.options.values(), *launch.launcher_options.values())}
            if not any(is_read(program, name, entry) for name in stated):
                continue
            for name, (value, place) in stated.items():
                if value not in handed:  # the launch script itself may use it
                    yield Stated(name, place, "variable", entry)


def _looked(program: Program) -> bool:
    if reads_everything(program):
        return False
    return any(True for _ in (*_options(program), *_fields(program), *_variables(program)))


RULE = script_rule(
    code="RUN006",
    slug="unread-option",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("options, fields of data classes, launch scripts", "a training"),
    find=find,
    looked=_looked,
    missing="options of a training that stay in the files",
)
