"""A model is trained, and nothing measures it on rows that it has not seen.

## What it sees
A trainer without `eval_dataset`, or with training arguments that never evaluate, where nobody calls `evaluate`; or a
training loop of the files in a program without any loop that measures.

## Why it matters
The training loss falls while a model learns and while it overfits. Without held-out rows nobody can tell the two
apart, choose the best checkpoint, or stop in time: small sets are often learned by heart in the second or third epoch.

## What it does not mean
Nothing is wrong with the training itself. Models may be measured by another program, from their checkpoints, and runs
of preferences or rewards are judged by other numbers.

## Example
Bad:

    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments, default_data_collator
    from mydata import rows

    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    arguments = TrainingArguments("out", learning_rate=2e-5, seed=7)
    trainer = Trainer(model=model, args=arguments, data_collator=default_data_collator, train_dataset=rows("train"))
    trainer.train()

Good:

    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments, default_data_collator
    from mydata import rows

    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    arguments = TrainingArguments("out", learning_rate=2e-5, eval_strategy="epoch", seed=7)
    trainer = Trainer(
        model=model,
        args=arguments,
        data_collator=default_data_collator,
        train_dataset=rows("train"),
        eval_dataset=rows("held_out"),
    )
    trainer.train()

## Check it by hand
Look for `eval_loss` in the log of the run.

## References
- https://huggingface.co/docs/transformers/main_classes/trainer
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.program.adapters import is_given
from trainclinic.script.program.evaluation_loops import evaluation_loops
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import is_open, only
from trainclinic.script.program.trainers import Trainer, trainers
from trainclinic.script.program.training_loops import TrainingLoop, training_loops
from trainclinic.script.rule import script_rule

MEASURING = re.compile(r"eval|valid|test|perplexity|accuracy|benchmark", re.I)
"""Words in names of functions that measure a model."""
SCORED = frozenset({"Trainer", "Seq2SeqTrainer", "SFTTrainer"})
"""Trainers that are judged by their loss."""


def find(program: Program) -> Iterator[Alarm]:
    """Look at every trainer that is judged by its loss, and at every training loop."""
    for trainer in _trainers(program):
        gap = _gap(program, trainer)
        if gap and trainer.call.place is not None:
            mending = Mending("hold rows out as `eval_dataset`, and set `eval_strategy`")
            yield Alarm(
                trainer.call.place, f"nothing is measured on unseen rows: {gap}", Certainty.HINT, mending=mending
            )
    for one in _loops(program):
        if not _measures(program):
            place = one.loop.place if one.loop is not None else one.backward[0].place
            says = "the model is trained here, and no code measures it on other rows"
            yield Alarm(place, says, Certainty.HINT, mending=Mending("measure the loss on held-out rows now and then"))


def _trainers(program: Program) -> Iterator[Trainer]:
    """Trainers with all their arguments in sight."""
    for one in trainers(program):
        if one.kind in SCORED and one.own is None and one.is_known and not is_open(one.call):
            yield one


def _gap(program: Program, trainer: Trainer) -> str:
    """What a trainer lacks to measure; empty when it lacks nothing, or when that is not known."""
    if program.calls_ending("evaluate", "predict"):
        return ""
    if not is_given(trainer.part("eval_dataset")):
        return "the trainer has no `eval_dataset`"
    asked = [trainer.option(name) for name in ("eval_strategy", "evaluation_strategy")]
    given = [value for value in asked if value is not None]
    never = all(only(value) == "no" for value in given) and not is_given(trainer.option("do_eval"))
    return "`eval_strategy` is `no`" if never else ""


def _loops(program: Program) -> Iterator[TrainingLoop]:
    """Training loops that go on for more than one step."""
    for one in training_loops(program):
        if one.loop is not None and one.steps:
            yield one


@asked_once
def _measures(program: Program) -> bool:
    """Whether anything in the program may measure a model."""
    names = [event.call.method for event in program.calls] + [function.name for function in program.functions]
    return bool(evaluation_loops(program)) or any(MEASURING.search(name) for name in names if name != "eval")


def _looked(program: Program) -> bool:
    return any(True for _ in _trainers(program)) or any(True for _ in _loops(program))


RULE = script_rule(
    code="EVL001",
    slug="no-validation",
    severity=Severity.NOTE,
    certainty=Certainty.HINT,
    needs=("a trainer with its arguments, or a training loop",),
    find=find,
    looked=_looked,
    missing="a trainer whose arguments are in sight, or an own training loop",
)
