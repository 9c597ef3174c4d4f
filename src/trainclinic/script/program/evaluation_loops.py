"""Loops of the files that measure a model: passes without gradients, with no backward pass inside.

It knows `torch.no_grad` and `torch.inference_mode`, as a context and as a decorator. What a loop measures is not known
here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.script.program.names import name_of
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.training_loops import is_backward
from trainclinic.script.program.values import Call, Value

if TYPE_CHECKING:
    from trainclinic.script.program.events import Event, Loop
    from trainclinic.script.program.program import Program

_WITHOUT_GRADIENTS = frozenset(
    {"torch.no_grad", "torch.inference_mode", "torch.autograd.no_grad", "torch.autograd.inference_mode"}
)


@asked_once
def evaluation_loops(program: Program) -> list[Loop]:
    """The outermost loops without gradients, in order.

    Args:
        program: The program.
    """
    found: dict[Loop, None] = {}
    trained = {loop for event in program.calls if is_backward(event.call) for loop in event.loops}
    for event in program.calls:
        if is_without_gradients(event):
            outermost = next((loop for loop in event.loops if loop not in trained), None)
            if outermost is not None:
                found.setdefault(outermost)
    return list(found)


def is_without_gradients(event: Event) -> bool:
    """Whether something happens where no gradients are kept.

    Args:
        event: The event.
    """
    return any(_name(context) in _WITHOUT_GRADIENTS for context in event.contexts)


def _name(context: Value) -> str:
    return name_of(context.function) if isinstance(context, Call) else name_of(context)
