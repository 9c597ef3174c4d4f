"""What own loops write into checkpoints and read back from them: weights, optimizer, schedule.

It knows `state_dict` and `load_state_dict`. Checkpoints of the Trainer, which hold everything, are not its subject.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainclinic.script.program.objects import is_model
from trainclinic.script.program.reading import contains
from trainclinic.script.program.training_loops import kind_of_stepper
from trainclinic.script.program.values import Call, Constant, External, Item, Mapping, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

_OPTIMIZER_KEY = re.compile(r"optim", re.I)
WHOLE = ("save_state", "load_state", "save_checkpoint", "load_checkpoint")
"""Methods of accelerate, DeepSpeed and Lightning that save or restore everything at once."""


def saved(program: Program) -> Iterator[tuple[Call, Value]]:
    """What the program writes with `torch.save` and its like, in order.

    Args:
        program: The program.
    """
    for call in program.calls_of("torch.save", ".save"):
        if call.args and (isinstance(call.function, External) or len(call.args) > 1):
            yield call, call.args[0]


def holds_optimizer(value: Value) -> bool:
    """Whether the state of an optimizer is among what is saved.

    Args:
        value: What is saved.
    """
    return contains(value, _is_optimizer_state, limit=400) is not None


def _is_optimizer_state(value: Value) -> bool:
    if isinstance(value, Mapping):
        keys = (key.value for key, _ in value.entries if isinstance(key, Constant))
        return any(isinstance(key, str) and _OPTIMIZER_KEY.search(key) for key in keys)
    if not isinstance(value, Call) or value.method != "state_dict" or value.receiver is None:
        return False
    return kind_of_stepper(value.receiver) == "optimizer"


def holds_weights(value: Value) -> bool:
    """Whether the weights of a model are among what is saved.

    Args:
        value: What is saved.
    """
    return contains(value, _is_weights, limit=400) is not None


def _is_weights(value: Value) -> bool:
    is_state = isinstance(value, Call) and value.method == "state_dict" and value.receiver is not None
    return is_state and isinstance(value, Call) and kind_of_stepper(value.receiver or value) == "other"


def saved_keys(program: Program) -> set[str]:
    """Keys of checkpoints that hold the state of an optimizer beside the weights.

    Args:
        program: The program.
    """
    found: set[str] = set()
    for _, value in saved(program):
        if isinstance(value, Mapping) and holds_optimizer(value) and holds_weights(value):
            found |= {key.value for key, _ in value.entries if isinstance(key, Constant) and isinstance(key.value, str)}
    return found


def restored_weights(program: Program) -> Iterator[tuple[Call, Value]]:
    """Calls that load weights into a model out of a file, each with what it loads.

    Args:
        program: The program.
    """
    for call in program.calls_of(".load_state_dict"):
        if call.receiver is None or not call.args or kind_of_stepper(call.receiver) != "other":
            continue
        if contains(call.args[0], _is_read, limit=50) is not None:
            yield call, call.args[0]


def _is_read(value: Value) -> bool:
    return isinstance(value, Call) and value.method == "load" and isinstance(value.function, External)


def key_of(value: Value) -> str | None:
    """The key under which something stands in a file that was read: `model` of `checkpoint["model"]`.

    Args:
        value: What is loaded.
    """
    if isinstance(value, Item) and isinstance(value.index, Constant) and isinstance(value.index.value, str):
        return value.index.value
    return None


def restores_optimizer(program: Program) -> bool:
    """Whether the state of any optimizer is loaded, or everything at once.

    Args:
        program: The program.
    """
    own = any(
        call.receiver is not None and kind_of_stepper(call.receiver) == "optimizer"
        for call in program.calls_ending("load_state_dict")
    )
    return own or bool(program.calls_ending(*WHOLE, "load_optimizer", "load_sharded_optimizer_state_dict"))


def saves_model_folder(call: Call) -> bool:
    """Whether a call writes the folder of a model: `model.save_pretrained(...)`.

    Args:
        call: The call.
    """
    return call.method == "save_pretrained" and is_model(call.receiver)
