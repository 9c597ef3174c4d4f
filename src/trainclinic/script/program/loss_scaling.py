"""Loss scaling of a training: whether small float16 gradients are saved from becoming zero, as far as the code says.

It asks the trainer's options, the gradient scaler of the loop, and whether anything else in the script could do it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from trainclinic.script.program.mixed_precision import is_enabled, other_scaling, scaler_of
from trainclinic.script.program.processes import launches_of, root_file
from trainclinic.script.program.reading import flag, may_be_true
from trainclinic.script.program.trainers import Trainer
from trainclinic.script.program.training_loops import is_plain_backward
from trainclinic.script.program.updates import Training

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

Scaling = Literal["none", "float16", "unknown"]
_ELSEWHERE = ("deepspeed", "fsdp", "fp16_backend", "half_precision_backend")
_CONFIGURED = frozenset({"config_file", "use_deepspeed", "use_fsdp", "mixed_precision", "deepspeed"})


def scaling_of(program: Program, training: Training) -> Scaling:
    """Whether a training scales its loss for float16: certainly not, yes, or in a way that the code does not show.

    Args:
        program: The program.
        training: The model and who trains it.
    """
    if training.trainer is not None:
        return _of_trainer(program, training.trainer)
    update = training.update
    if update is None:
        return "unknown"
    if update.scaler is not None:
        scaler = scaler_of(update.scaler)
        return "float16" if scaler is not None and is_enabled(scaler) else "unknown"
    plain = all(is_plain_backward(event.call) for event in update.loop.backward)
    return "none" if plain and not other_scaling(program, training.by) else "unknown"


def _of_trainer(program: Program, trainer: Trainer) -> Scaling:
    if not trainer.is_known or any(trainer.option(name) is not None for name in _ELSEWHERE):
        return "unknown"
    if is_launched_otherwise(program, trainer):
        return "unknown"
    given = trainer.option("fp16")
    if given is None:
        return "none"
    state = flag(given)
    return "unknown" if state is None else "float16" if state else "none"


def is_launched_otherwise(program: Program, trainer: Trainer) -> bool:
    """Whether a launch command of the script brings a configuration that can decide the precision.

    Args:
        program: The program.
        trainer: A trainer of the script.
    """
    launches = launches_of(program, root_file(trainer.call.event))
    return any(one.launcher == "deepspeed" or _CONFIGURED & {*one.launcher_options, *one.options} for one in launches)


def autocasts_to_bfloat16(trainer: Trainer) -> bool:
    """Whether a trainer computes in bfloat16 under some setting.

    Args:
        trainer: The trainer.
    """
    given = trainer.option("bf16")
    return given is not None and (flag(given) is None or bool(may_be_true(given)))
