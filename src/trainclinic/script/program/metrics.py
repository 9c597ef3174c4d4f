"""What a trainer of transformers hands to `compute_metrics`: predictions and labels, under all their names.

It knows `EvalPrediction` and its unpacking. What an own metric class does with them is not known here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.script.program.definitions import Function
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.open_values import Parameter
from trainclinic.script.program.trainers import Trainer, trainers
from trainclinic.script.program.values import Attribute, Call, Choice, Constant, Item, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program


@asked_once
def metric_functions(program: Program) -> tuple[Trainer, ...]:
    """Trainers whose metrics are computed by a function of the files.

    Args:
        program: The program.
    """
    return tuple(trainer for trainer in trainers(program) if metric_function(trainer) is not None)


def metric_function(trainer: Trainer) -> Function | None:
    """The function of the files that computes the metrics of a trainer; `None` without one.

    Args:
        trainer: The trainer.
    """
    given = trainer.part("compute_metrics")
    if isinstance(given, Choice):
        given = next((option.value for option in given.options if isinstance(option.value, Function)), None)
    if isinstance(given, Call) and given.method == "partial" and given.args:
        given = given.args[0]
    return given if isinstance(given, Function) else None


def is_labels_of(value: Value, trainer: Trainer) -> bool:
    """Whether a value is the labels that `compute_metrics` of a trainer is given.

    Args:
        value: The value.
        trainer: The trainer.
    """
    return _is_part(value, trainer, "label_ids", 1)


def is_predictions_of(value: Value, trainer: Trainer) -> bool:
    """Whether a value is the predictions that `compute_metrics` of a trainer is given.

    Args:
        value: The value.
        trainer: The trainer.
    """
    return _is_part(value, trainer, "predictions", 0)


def _is_part(value: Value, trainer: Trainer, name: str, position: int) -> bool:
    if isinstance(value, Attribute):
        return value.name == name and _is_evaluation(value.base, trainer)
    is_item = isinstance(value, Item) and isinstance(value.index, Constant) and value.index.value == position
    return isinstance(value, Item) and is_item and _is_evaluation(value.base, trainer)


def _is_evaluation(value: Value, trainer: Trainer) -> bool:
    """Whether a value is the argument that the trainer calls the function with."""
    function = metric_function(trainer)
    if function is None or not isinstance(value, Parameter):
        return False
    return value.function.definition is function.definition
