"""Mixed precision that a script sets up itself: autocast regions, gradient scalers, and what does it in their place.

It knows torch, and whether a library that scales losses by itself is in play. What such a library is configured to do
outside the files is not known here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainclinic.script.program.adapters import ways
from trainclinic.script.program.events import Condition, Event
from trainclinic.script.program.names import name_of, names_of_call
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.precision import devices, dtype_options
from trainclinic.script.program.reading import argument, flag, is_open
from trainclinic.script.program.runs import together
from trainclinic.script.program.values import Call, Choice, Constant, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

AUTOCAST = "torch.autocast"
SCALER = "torch.amp.GradScaler"
_SCALERS = (SCALER, "torch.distributed.fsdp.sharded_grad_scaler.ShardedGradScaler")
_OTHERS = ("accelerate.Accelerator", "deepspeed.initialize", "apex.amp.initialize")
_OTHER_NAME = re.compile(r"scaler|fp16_?(optimizer|util)|loss_?scal|master_?(param|weight|copy)|fabric|mixedprec", re.I)
_DEFAULTS = {"cuda": "float16", "mps": "float16", "cpu": "bfloat16"}


def autocast_call(context: Value | None) -> tuple[Call, tuple[Condition, ...]] | None:
    """The `torch.autocast` that a context manager or decorator may be, with its conditions.

    Args:
        context: What a `with` statement was given.
    """
    if isinstance(context, Choice):
        for option in context.options:
            found = autocast_call(option.value)
            if found is not None:
                return found[0], (*option.when, *found[1])
    if isinstance(context, Call) and AUTOCAST in names_of_call(context):
        return context, ()
    return None


def autocast_around(event: Event) -> tuple[Call, tuple[Condition, ...]] | None:
    """The innermost autocast around an event, with the conditions under which it is one.

    Args:
        event: The event.
    """
    found = (autocast_call(context) for context in reversed(event.contexts))
    return next((each for each in found if each is not None), None)


def autocast_types(call: Call) -> list[tuple[str, tuple[Condition, ...], bool]]:
    """The types that an autocast may compute in, with conditions, and whether the code fixes them.

    Args:
        call: The call of `torch.autocast`, or of one of its older names.
    """
    given = argument(call, "dtype", 1)
    if given is not None and not (isinstance(given, Constant) and given.value is None):
        return dtype_options(given)
    if is_open(call):
        return []
    return [(_DEFAULTS[name], when, True) for name, when in autocast_devices(call) if name in _DEFAULTS]


def _takes_device(call: Call) -> bool:
    name = getattr(call.function, "name", "")
    return not name.startswith("torch.cuda.amp")


def autocast_devices(call: Call) -> list[tuple[str, tuple[Condition, ...]]]:
    """The kinds of device that an autocast or a gradient scaler is for.

    Args:
        call: The call.
    """
    if not _takes_device(call):
        return [("cuda", ())]
    given = argument(call, "device_type", 0) or argument(call, "device", 0)
    if given is None and call.method == "GradScaler":
        return [("cuda", ())]
    return devices(given)


def is_enabled(call: Call) -> bool | None:
    """Whether an autocast or a gradient scaler works; `None` when that is not fixed in the code.

    Args:
        call: The call.
    """
    position = {"autocast": 2, "GradScaler": 5}.get(call.method, -1)
    if not _takes_device(call):
        position = 0 if call.method == "autocast" else 4
    given = argument(call, "enabled", position if position >= 0 else None)
    if given is None:
        return None if is_open(call) else True
    return flag(given)


def scaler_of(value: Value | None) -> Call | None:
    """The call that builds a gradient scaler of torch, in one of its alternatives; `None` for anything else.

    Args:
        value: The scaler.
    """
    return next((one for one in ways(value) if isinstance(one, Call) and SCALER in names_of_call(one)), None)


def scaled_by(backward: Call) -> Call | None:
    """The gradient scaler of torch whose scaled loss a backward pass starts from; `None` for a plain one.

    Args:
        backward: The call of `backward`.
    """
    scaling = backward.receiver
    if not isinstance(scaling, Call) or scaling.method != "scale":
        return None
    return scaler_of(scaling.receiver)


def scalers(program: Program) -> list[Call]:
    """Calls that build a gradient scaler of torch, in order.

    Args:
        program: The program.
    """
    return program.calls_of(*_SCALERS)


def other_scaling(program: Program, near: Call) -> list[Call]:
    """Calls in the same script by which something else may scale losses or keep float32 copies of weights.

    Args:
        program: The program.
        near: A call of the script.
    """
    return together(program, near, _others(program))


@asked_once
def _others(program: Program) -> tuple[Call, ...]:
    calls = (event.call for event in program.calls)
    return tuple(call for call in calls if name_of(call.function) in _OTHERS or _OTHER_NAME.search(call.method))
