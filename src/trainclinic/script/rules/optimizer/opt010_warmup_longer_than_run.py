"""The warm-up of the learning rate is as long as the run, or longer.

## What it sees
A number of warm-up steps that is not smaller than the number of steps of the run, both plain numbers in the code: in
training arguments (`warmup_steps`, `max_steps`) or in a schedule (`num_warmup_steps`, `num_training_steps`).

## Why it matters
The learning rate never reaches its value. With 1000 warm-up steps a run of 200 steps ends at a fifth of it, and has
been at a tenth of it on average: the loss falls a little and the run looks too short.

## What it does not mean
A long warm-up inside of a longer run is a matter of taste.

## Example
Bad:

    from datasets import load_dataset
    from trl import SFTConfig, SFTTrainer

    rows = load_dataset("json", data_files="rows.jsonl", split="train")
    args = SFTConfig("out", learning_rate=2e-5, max_steps=200, warmup_steps=1000)
    SFTTrainer("Qwen/Qwen2.5-0.5B", args=args, train_dataset=rows).train()

Good:

    from datasets import load_dataset
    from trl import SFTConfig, SFTTrainer

    rows = load_dataset("json", data_files="rows.jsonl", split="train")
    args = SFTConfig("out", learning_rate=2e-5, max_steps=200, warmup_steps=10)
    SFTTrainer("Qwen/Qwen2.5-0.5B", args=args, train_dataset=rows).train()

## Check it by hand
Look at the largest logged learning rate: it must be the one that was asked for.

## References
- https://huggingface.co/docs/transformers/main_classes/optimizer_schedules
- https://huggingface.co/docs/transformers/main_classes/trainer
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Place, Step
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import only, possible
from trainclinic.script.program.schedules import schedules
from trainclinic.script.program.trainers import trainers
from trainclinic.script.program.values import Value
from trainclinic.script.rule import script_rule

_WITHOUT_WARMUP = frozenset({"constant", "SchedulerType.CONSTANT"})
MENDING = Mending("warm up for a few percent of the steps")


def find(program: Program) -> Iterator[Alarm]:
    """Compare both numbers wherever they are given together."""
    for warmup, length, place in _plans(program):
        long, steps = _number(warmup), _number(length)
        if long is None or steps is None or steps[0] <= 0 or long[0] < max(steps[0], 2):
            continue
        says = f"the warm-up of {long[0]:g} steps is as long as the run of {steps[0]:g}, or longer"
        certainty = Certainty.PROOF if long[1] and steps[1] else Certainty.LIKELY
        flow = tuple(Step(one.place, what) for one, what in _stations(warmup, length) if one.place is not None)
        yield Alarm(place, says, certainty, (*flow, Step(place, "planned together")), mending=MENDING)


def _stations(warmup: Value, length: Value) -> Iterator[tuple[Value, str]]:
    yield warmup, "the warm-up"
    yield length, "the steps of the run"


def _plans(program: Program) -> Iterator[tuple[Value, Value, Place]]:
    """Warm-up and length with the place where they are given."""
    for trainer in trainers(program):
        warmup, length = trainer.option("warmup_steps"), trainer.option("max_steps")
        made = trainer.arguments
        constant = only(trainer.option("lr_scheduler_type")) in _WITHOUT_WARMUP
        if warmup is not None and length is not None and made is not None and made.place is not None and not constant:
            yield warmup, length, made.place
    for schedule in schedules(program):
        if schedule.warmup is not None and schedule.length is not None and schedule.call.place is not None:
            yield schedule.warmup, schedule.length, schedule.call.place


def _number(value: Value) -> tuple[float, bool] | None:
    """The one number that a value can be, and whether the code fixes it."""
    found, complete = possible(value)
    if not complete or len(found) != 1 or isinstance(found[0].value, (bool, str, Value)):
        return None
    number = found[0].value
    return (float(number), found[0].setting is None) if isinstance(number, (int, float)) else None


def _looked(program: Program) -> bool:
    return any(_number(warmup) is not None and _number(length) is not None for warmup, length, _ in _plans(program))


RULE = script_rule(
    code="OPT010",
    slug="warmup-longer-than-run",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("the numbers of warm-up steps and of all steps",),
    find=find,
    looked=_looked,
    missing="numbers of warm-up steps and of all steps",
)
