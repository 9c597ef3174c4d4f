"""An override of `compute_loss` never returns the outputs that an evaluation asks for.

## What it sees
A class that derives from a trainer and overrides `compute_loss` without using `return_outputs`: whatever is asked, the
bare loss is returned. A trainer of that class gets data for evaluation, or metrics.

## Why it matters
For an evaluation the Trainer calls `compute_loss(..., return_outputs=True)` and unpacks two values. A bare loss is a
tensor without dimensions: `TypeError: iteration over a 0-d tensor`, at the first evaluation, often after an epoch of
training.

## What it does not mean
Without evaluation the override works. A class that overrides `prediction_step` too may never ask for outputs.

## Example
Bad:

    # file: train.py
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    class PlainTrainer(Trainer):
        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            return model(**inputs, num_items_in_batch=num_items_in_batch).loss

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7, eval_strategy="epoch")
    trainer = PlainTrainer(
        model=model, args=args, data_collator=collate, train_dataset=rows("train"), eval_dataset=rows("held_out")
    )
    trainer.train()

Good:

    # file: train.py
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    class PlainTrainer(Trainer):
        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            outputs = model(**inputs, num_items_in_batch=num_items_in_batch)
            return (outputs.loss, outputs) if return_outputs else outputs.loss

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7, eval_strategy="epoch")
    trainer = PlainTrainer(
        model=model, args=args, data_collator=collate, train_dataset=rows("train"), eval_dataset=rows("held_out")
    )
    trainer.train()

## Check it by hand
Call `trainer.evaluate()` before `trainer.train()`: it must not raise.

## References
- https://huggingface.co/docs/transformers/main_classes/trainer
- https://github.com/huggingface/transformers/blob/main/src/transformers/trainer.py
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.overrides import Override, overrides
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import only
from trainclinic.script.program.trainers import Trainer, trainers
from trainclinic.script.program.values import Constant, Value
from trainclinic.script.rule import script_rule

ASKED = "return_outputs"
MENDING = Mending("return `(loss, outputs) if return_outputs else loss`")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every trainer that evaluates with a loss of the files."""
    for trainer, one in _evaluating(program):
        place, user = one.head, trainer.call.place
        if place is not None and user is not None and _gives_bare_loss(one):
            says = f"`compute_loss` never looks at `{ASKED}`, and an evaluation unpacks a loss and outputs from it"
            flow = (Step(user, "a trainer that evaluates"), Step(place, "returns the bare loss"))
            yield Alarm(place, says, Certainty.LIKELY, flow, mending=MENDING)


def _evaluating(program: Program) -> Iterator[tuple[Trainer, Override]]:
    """Trainers that get something to evaluate, with their own `compute_loss`."""
    losses = [one for one in overrides(program) if one.name == "compute_loss"]
    for trainer in trainers(program):
        if trainer.own is None or not (_is_given(trainer.part("eval_dataset")) and _evaluates(program, trainer)):
            continue
        if any(trainer.own.find(name) is not None for name in ("prediction_step", "evaluation_loop", "evaluate")):
            continue
        for one in losses:
            if trainer.own.find("compute_loss") is one.function:
                yield trainer, one


def _is_given(value: Value | None) -> bool:
    return value is not None and not (isinstance(value, Constant) and value.value is None)


def _evaluates(program: Program, trainer: Trainer) -> bool:
    """Whether an evaluation is switched on, or called."""
    words = {only(trainer.option(name)) for name in ("eval_strategy", "evaluation_strategy")}
    return bool(words - {None, "no"}) or any(call.receiver is not None for call in program.calls_of(".evaluate"))


def _gives_bare_loss(one: Override) -> bool:
    passed_on = {parameter.name for parameter in one.parameters if parameter.kind.startswith("var_")}
    if one.calls_super or ASKED in one.names or one.names & passed_on:
        return False
    return bool(one.returned) and all(isinstance(value, (ast.Name, ast.Attribute, ast.BinOp)) for value in one.returned)


def _looked(program: Program) -> bool:
    return any(True for _ in _evaluating(program))


RULE = script_rule(
    code="API005",
    slug="loss-override-without-outputs",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("a trainer whose class overrides `compute_loss`", "its evaluation data"),
    find=find,
    looked=_looked,
    missing="a trainer that evaluates and whose class overrides `compute_loss`",
)
