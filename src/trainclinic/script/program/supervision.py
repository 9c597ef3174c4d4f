"""Labels on their way into a loss: through a forward pass of the script, or through the rows that a trainer gets.

It knows which collators of libraries keep labels and which overwrite them. Rows that stand ready in a file are not
known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.program.definitions import Instance
from trainclinic.script.program.model_calls import model_calls
from trainclinic.script.program.names import name_of, names_of_call
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.trainers import Trainer, trainers
from trainclinic.script.program.values import Call, Choice, External, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

LM_COLLATOR = "transformers.DataCollatorForLanguageModeling"
"""Pads, and makes labels of the input ids, whatever labels the rows have."""
KEEPS_LABELS = frozenset(
    {
        "transformers.default_data_collator",
        "transformers.DefaultDataCollator",
        "transformers.DataCollatorWithPadding",
        "transformers.DataCollatorForSeq2Seq",
        "transformers.DataCollatorForTokenClassification",
    }
)
"""Collators that hand the labels of the rows to the model; of these the last two pad them with -100."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Labels that a model is scored on.

    Attributes:
        call: The forward pass, or the call that builds the trainer.
        model: The model as it was handed over; `None` when it is not in sight.
        inputs: Token ids, if they are in sight.
        labels: The labels.
        trainer: The trainer; `None` for a forward pass of the script.
    """

    call: Call
    model: Value | None
    inputs: Value | None
    labels: Value
    trainer: Trainer | None = None


@asked_once
def scored(program: Program) -> tuple[Scored, ...]:
    """Labels in sight of every forward pass and every trainer, in order.

    Args:
        program: The program.
    """
    passes = [
        Scored(one.call, one.call.function, one.inputs, one.labels)
        for one in model_calls(program)
        if one.labels is not None
    ]
    found = [*passes, *(one for trainer in trainers(program) for one in _of_trainer(program, trainer))]
    return tuple(sorted(found, key=lambda one: one.call.event.order))


def _of_trainer(program: Program, trainer: Trainer) -> Iterator[Scored]:
    row = batch_of(trainer)
    labels = program.value_of(row, "labels") if row is not None else None
    if row is not None and labels is not None:
        yield Scored(trainer.call, trainer.model, program.value_of(row, "input_ids"), labels, trainer)


def batch_of(trainer: Trainer) -> Value | None:
    """What the model of a trainer gets: what a collator of the files makes, else rows whose labels are kept.

    Args:
        trainer: The trainer.

    Returns:
        `None` when the collator overwrites labels, or when nobody knows what it does.
    """
    made = trainer.call.callbacks.get("data_collator")
    if made is not None:
        return made
    return trainer.rows if keeps_labels(trainer) else None


def keeps_labels(trainer: Trainer) -> bool:
    """Whether labels of the rows reach the model of a trainer as they are.

    Args:
        trainer: The trainer.
    """
    collator = trainer.part("data_collator")
    if collator is None:
        return not trainer.is_trl and not any(name is None for name, _ in trainer.call.keywords)
    return collator_name(collator) in KEEPS_LABELS


def collator_name(collator: Value | None) -> str:
    """Name of a collator of a library: `transformers.DataCollatorForSeq2Seq`; empty for all else.

    Args:
        collator: The collator.
    """
    if isinstance(collator, Call):
        return name_of(collator.function)
    if isinstance(collator, Instance):
        return ""
    return name_of(collator) if isinstance(collator, External) else ""


def lm_collators(program: Program) -> Iterator[Call]:
    """Every `DataCollatorForLanguageModeling` of transformers that is built, subclasses in the files left out.

    Args:
        program: The program.
    """
    for call in program.calls_of(LM_COLLATOR):
        if isinstance(call.function, External) and LM_COLLATOR in names_of_call(call):
            yield call


def users_of(program: Program, collator: Value) -> Iterator[tuple[Call, bool]]:
    """Calls that get a collator, and whether each is known to train with it: a trainer or a loader.

    Args:
        program: The program.
        collator: The collator.
    """
    for call in _by_argument(program).get(collator, ()):
        yield call, any(name.endswith(("Trainer", "DataLoader")) for name in names_of_call(call))


@asked_once
def _by_argument(program: Program) -> dict[Value, list[Call]]:
    """Calls by the calls whose results they are given, also where it is one of several."""
    found: dict[Value, list[Call]] = {}
    for event in program.calls:
        given = [*event.call.args, *(value for _, value in event.call.keywords)]
        given += [way.value for one in given if isinstance(one, Choice) for way in one.options]
        for value in given:
            if isinstance(value, Call):
                found.setdefault(value, []).append(event.call)
    return found
