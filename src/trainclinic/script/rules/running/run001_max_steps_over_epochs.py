"""Training arguments set `max_steps` and a number of epochs, which then has no effect.

## What it sees
`max_steps` above 0 together with `num_train_epochs` in the same training arguments or configuration, also where a
launch script gives one of them.

## Why it matters
The Trainer takes `max_steps` and never looks at the epochs. A run that was meant to see its data three times stops
after a tenth of it, or goes round it forty times; the schedule of the learning rate follows the steps too.

## What it does not mean
Limiting a run by steps is right. Only the second number is without effect and misleads whoever reads it.

## Example
Bad:

    # file: train.py
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7, num_train_epochs=3, max_steps=500)
    trainer = Trainer(model=model, args=args, train_dataset=rows("train"), data_collator=collate)
    trainer.train()

Good:

    # file: train.py
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import collate, rows

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B", dtype="float32")
    args = TrainingArguments("out", learning_rate=2e-5, bf16=True, seed=7, num_train_epochs=3)
    trainer = Trainer(model=model, args=args, train_dataset=rows("train"), data_collator=collate)
    trainer.train()

## Check it by hand
The Trainer logs `Num Epochs` and `Total optimization steps` when it starts: compare both with what was meant.

## References
- https://huggingface.co/docs/transformers/main_classes/trainer
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.definitions import Class
from trainclinic.script.program.libraries import keywords_of
from trainclinic.script.program.names import name_of
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import Possible, argument, is_open, possible
from trainclinic.script.program.trainers import arguments_call
from trainclinic.script.program.values import Call, Value
from trainclinic.script.rule import script_rule

STEPS, EPOCHS = "max_steps", "num_train_epochs"


def find(program: Program) -> Iterator[Alarm]:
    """Look at every call that builds training arguments."""
    for call in _arguments(program):
        limits, epochs = _limits(program, call), argument(call, EPOCHS)
        places = dict(keywords_of(call))
        place = places.get(EPOCHS) or call.place
        if not limits or epochs is None or place is None or not _states(epochs):
            continue
        steps = limits[0].value
        says = f"`{EPOCHS}` has no effect: `{STEPS}` of {steps} decides how long the training is"
        fixed = not any(p.setting is not None for p in (*limits, *possible(epochs)[0]))
        first = Step(places.get(STEPS) or place, f"`{STEPS}` is {steps}")
        edits = (Edit("remove_argument", call.place, name=EPOCHS),) if call.place and place != call.place else ()
        mending = Mending(f"leave `{EPOCHS}` out, or `{STEPS}`", "safe", edits)
        certainty = Certainty.PROOF if fixed else Certainty.LIKELY
        yield Alarm(place, says, certainty, (first, Step(place, "so that epochs do not count")), mending=mending)


def _arguments(program: Program) -> Iterator[Call]:
    for event in program.calls:
        call = event.call
        name = "" if isinstance(call.function, Class) else name_of(call.function)
        is_ours = name.partition(".")[0] in {"transformers", "trl"} and arguments_call(call) is call
        if is_ours and not is_open(call):
            yield call


def _limits(program: Program, call: Call) -> list[Possible]:
    """What `max_steps` can be, when it limits the training in every case."""
    held = program.attribute_of(call, STEPS) or argument(call, STEPS)
    found, complete = possible(held)
    above = [p for p in found if isinstance(p.value, int) and p.value > 0]
    return above if complete and len(above) == len(found) else []


def _states(epochs: Value) -> bool:
    """Whether a number of epochs is stated by somebody, not a default that nobody changed."""
    found = possible(epochs)[0]
    return any(p.value is not None and (p.setting is None or p.given) for p in found)


def _looked(program: Program) -> bool:
    return any(True for _ in _arguments(program))


RULE = script_rule(
    code="RUN001",
    slug="max-steps-over-epochs",
    severity=Severity.WARNING,
    certainty=Certainty.PROOF,
    needs=("training arguments that are in sight",),
    find=find,
    looked=_looked,
    missing="training arguments that are all in sight",
    fix="safe",
)
