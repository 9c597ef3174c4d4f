"""Learning rates that a training starts from: what the code says, and the defaults of libraries.

It reads the argument of the optimizer or trainer. What a schedule multiplies it with later is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass

from trainclinic.script.places import Place
from trainclinic.script.program.reading import Possible, argument, is_open, possible
from trainclinic.script.program.updates import Training
from trainclinic.script.program.values import Value

_SFT_DEFAULT = 2e-5
_TRAINER_DEFAULT = 5e-5
_OPTIMIZER_DEFAULT = 1e-3


@dataclass(frozen=True, slots=True)
class Rate:
    """A learning rate that a training may run at.

    Attributes:
        value: The rate.
        is_fixed: Whether the code fixes it, so that no option of the user changes it.
        place: Where it is given; `None` for the default of a library.
    """

    value: float
    is_fixed: bool
    place: Place | None


def rates_of(training: Training) -> list[Rate]:
    """The learning rates that a training may run at; nothing where the code does not tell.

    Args:
        training: The model and who trains it.
    """
    given, default = _given(training)
    if given is None:
        return [Rate(default, is_fixed=True, place=None)] if default > 0 else []
    found, complete = possible(given)
    return [_rate(one, given) for one in found if isinstance(one.value, (int, float))] if complete else []


def _rate(one: Possible, given: Value) -> Rate:
    fixed = one.setting is None or one.given
    return Rate(float(one.value), fixed, given.place)


def _given(training: Training) -> tuple[Value | None, float]:
    """The argument, and the default of the library if it is certainly left out."""
    if training.trainer is None:
        return argument(training.by, "lr", 1), 0.0 if is_open(training.by) else _OPTIMIZER_DEFAULT
    trainer = training.trainer
    defaults = {"Trainer": _TRAINER_DEFAULT, "Seq2SeqTrainer": _TRAINER_DEFAULT, "SFTTrainer": _SFT_DEFAULT}
    return trainer.option("learning_rate"), defaults.get(trainer.kind, 0.0) if trainer.is_known else 0.0
