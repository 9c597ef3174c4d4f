"""A training goes on from a checkpoint of which it reads the weights alone.

## What it sees
A trainer whose model is loaded from a folder `checkpoint-<step>` of its own output directory, while `train()` gets no
`resume_from_checkpoint`. Or an own loop that loads the weights out of a file with `optimizer` in it, as the script
itself writes it, or in a branch that is named after resuming, and never loads the state of an optimizer.

## Why it matters
The optimizer starts without moments and the schedule from its first step: warm-up and the highest learning rate hit
weights that had been trained to the low end of the schedule. The loss jumps, and the data of the first part are seen
again.

## What it does not mean
To start a new training from the weights of an old one is right, with its own schedule and another output directory.

## Example
Bad:

    # file: train.py
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    model = AutoModelForCausalLM.from_pretrained("out/checkpoint-1500", dtype="float32")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7)
    trainer = Trainer(model=model, args=args, train_dataset=rows("train"), data_collator=collate)
    trainer.train()

Good:

    # file: train.py
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    model = AutoModelForCausalLM.from_pretrained("out/checkpoint-1500", dtype="float32")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7)
    trainer = Trainer(model=model, args=args, train_dataset=rows("train"), data_collator=collate)
    trainer.train(resume_from_checkpoint="out/checkpoint-1500")

## Check it by hand
Compare the first logged learning rate and step of the resumed run with the last ones before: both must go on.

## References
- https://huggingface.co/docs/transformers/main_classes/trainer
- https://docs.pytorch.org/tutorials/recipes/recipes/saving_and_loading_a_general_checkpoint.html
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.checkpoints import key_of, restored_weights, restores_optimizer, saved_keys
from trainclinic.script.program.events import CallEvent
from trainclinic.script.program.names import name_of
from trainclinic.script.program.objects import LOADERS, lineage
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, constants, is_open
from trainclinic.script.program.runs import run_together
from trainclinic.script.program.trainers import Trainer
from trainclinic.script.program.training_loops import training_loops
from trainclinic.script.program.trainings import trainer_runs
from trainclinic.script.program.values import Call, Constant, Value
from trainclinic.script.rule import script_rule

_CHECKPOINT = re.compile(r"(?P<folder>.*?)/?checkpoint-\d+/?")


def find(program: Program) -> Iterator[Alarm]:
    """Look at trainers, then at own loops."""
    for trainer, event in trainer_runs(program):
        if not _resumes(trainer, event.call):
            yield from _trainer_alarm(trainer, event)
    if not restores_optimizer(program):
        yield from _loop_alarms(program)


def _resumes(trainer: Trainer, call: Call) -> bool:
    """Whether a training is told of a checkpoint, or may be."""
    given = [argument(call, "resume_from_checkpoint", 0), trainer.option("resume_from_checkpoint")]
    told = any(one is not None and not (isinstance(one, Constant) and not one.value) for one in given)
    return told or is_open(call) or not trainer.is_known


def _trainer_alarm(trainer: Trainer, event: CallEvent) -> Iterator[Alarm]:
    outputs = {_plain(one) for one in constants(trainer.option("output_dir")) if isinstance(one, str)}
    for loader, path in _loaded(trainer.model):
        match = _CHECKPOINT.fullmatch(path)
        if match is None or loader.place is None:
            continue
        says = f"the weights come from `{path}`, and `train()` starts optimizer and schedule anew"
        flow = (Step(loader.place, f"loads `{path}`"), Step(event.place, "begins at step 0"))
        code = f'"{path}"'
        edits = (Edit("set_argument", event.place, code, "resume_from_checkpoint"),)
        mending = Mending(f"give `train()` `resume_from_checkpoint={code}`", "unsafe", edits)
        certainty = Certainty.LIKELY if _plain(match["folder"]) in outputs else Certainty.HINT
        yield Alarm(event.place, says, certainty, flow, mending=mending)
        return


def _plain(path: str) -> str:
    return posixpath.normpath(path.replace("\\", "/"))


def _loaded(model: Value | None) -> Iterator[tuple[Call, str]]:
    """What a model and the adapters around it were loaded from."""
    for one in lineage(model):
        if isinstance(one, Call) and one.method in LOADERS:
            is_adapter = name_of(one.function).startswith("peft.PeftModel")
            name = argument(one, "model_id", 1) if is_adapter else argument(one, "pretrained_model_name_or_path", 0)
            yield from ((one, text) for text in constants(name) if isinstance(text, str))


def _loop_alarms(program: Program) -> Iterator[Alarm]:
    keys = saved_keys(program)
    for loop in training_loops(program):
        begin = loop.backward[0]
        for call, value in restored_weights(program) if loop.steps else ():
            is_ours = run_together(program, call, begin.call) and call.event.order < begin.order
            if not is_ours or call.place is None or not (key_of(value) in keys or _claims_to_resume(call)):
                continue
            says = "weights are restored from a checkpoint, the state of the optimizer never is"
            flow = (Step(call.place, "restores the weights"), Step(begin.place, "the training goes on"))
            mending = Mending("load the state of optimizer and schedule, and the step, from the same file")
            yield Alarm(begin.place, says, Certainty.LIKELY, flow, mending=mending)
            break


def _claims_to_resume(call: Call) -> bool:
    return any("resume" in str(condition).lower() for condition in call.event.conditions)


def _looked(program: Program) -> bool:
    known = any(trainer.is_known for trainer, _ in trainer_runs(program))
    return known or any(loop.steps for loop in training_loops(program))


RULE = script_rule(
    code="RUN004",
    slug="resume-from-weights-alone",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("what a training starts from, and what it restores",),
    find=find,
    looked=_looked,
    missing="a training of a trainer whose arguments are in sight, or of an own loop",
    fix="unsafe",
)
