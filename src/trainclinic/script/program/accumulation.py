"""Gradient accumulation that a loop does itself: every how many rounds it steps, and whether anything divides.

It knows tests with a remainder (`(i + 1) % n == 0`). Other ways to count rounds are not recognised.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.program.definitions import Instance
from trainclinic.script.program.events import CallEvent, Condition
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.reading import possible
from trainclinic.script.program.training_loops import is_plain_backward
from trainclinic.script.program.updates import Update, holders, unknown_calls, updates
from trainclinic.script.program.values import Attribute, Call, Choice, Constant, External, Item, Operation, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

_DIVIDING = frozenset({"/", "//", "*"})
_SCALING = frozenset({"div_", "mul_", "div", "mul", "divide_", "true_divide"})
_SAME_LOSS = frozenset({"mean", "float", "to", "scale", "cuda", "contiguous"})


@dataclass(frozen=True, slots=True)
class Accumulation:
    """A loop that adds gradients up and steps every so many rounds.

    Attributes:
        update: The step.
        test: The test around it.
        every: The number of rounds.
        count: That number as code.
        is_fixed: Whether the code fixes it to more than one.
        has_tail: Whether the test also holds in the last round, for rounds that are left over.
        backward: Backward passes in every round.
    """

    update: Update
    test: Condition
    every: Value
    count: str
    is_fixed: bool
    has_tail: bool
    backward: tuple[CallEvent, ...]


@asked_once
def accumulations(program: Program) -> tuple[Accumulation, ...]:
    """Every accumulation in own loops, in order.

    Args:
        program: The program.
    """
    found = [made for update in updates(program) if (made := _accumulation(update)) is not None]
    return tuple(one for one in found if not unknown_calls(one.update, holders(program, one.update.optimizer)))


def _accumulation(update: Update) -> Accumulation | None:
    loop = update.loop.loop
    around = {ast.unparse(one.node) for event in update.loop.backward for one in event.conditions}
    for test in update.event.conditions:
        remainder = _remainder(test.test, test.node, truth=test.truth)
        if remainder is None or loop is None or ast.unparse(test.node) in around:
            continue
        every, node, has_tail = remainder
        found, complete = possible(every)
        numbers = [one.value for one in found if isinstance(one.value, int)]
        backward = tuple(one for one in update.loop.backward if one.order < update.event.order)
        if (numbers and all(number <= 1 for number in numbers)) or not backward:
            return None
        fixed = complete and len(numbers) == len(found) == 1 and found[0].setting is None
        return Accumulation(update, test, every, ast.unparse(node), fixed, has_tail, backward)
    return None


def _remainder(test: Value, node: ast.AST, *, truth: bool) -> tuple[Value, ast.AST, bool] | None:
    """The divisor of a test for a remainder, its code, and whether another test can replace it."""
    if not isinstance(test, Operation):
        return None
    if test.symbol in {"or", "and"} and isinstance(node, ast.BoolOp):
        parts = zip(test.operands, node.values, strict=False)
        found = next((one for part, code in parts if (one := _remainder(part, code, truth=truth)) is not None), None)
        return (*found[:2], test.symbol == "or" or found[2]) if found is not None else None
    if test.symbol == "not" and isinstance(node, ast.UnaryOp):
        return _remainder(test.operands[0], node.operand, truth=not truth)
    if test.symbol == "%" and isinstance(node, ast.BinOp):
        return (test.operands[1], node.right, False) if not truth else None
    if isinstance(node, ast.Compare) and test.symbol in {"==", "!="} and truth == (test.symbol == "=="):
        return _compared(test.operands[0], node.left)
    return None


def _compared(one: Value, node: ast.AST) -> tuple[Value, ast.AST, bool] | None:
    if isinstance(one, Operation) and one.symbol == "%" and isinstance(node, ast.BinOp):
        return one.operands[1], node.right, False
    return None


def is_divided(program: Program, one: Accumulation) -> bool:
    """Whether the loss or the gradients of an accumulation are divided, or may be somewhere out of sight.

    Args:
        program: The program.
        one: The accumulation.
    """
    if any(not is_plain_backward(event.call) and not _is_scaled(event.call) for event in one.backward):
        return True
    if any(_divides(event.call.receiver) for event in one.backward):
        return True
    loop = one.update.loop.loop
    written = [event for event in program.attributes_set("grad") if loop in event.loops]
    scaled = [event.call for event in one.update.loop.events if event.call.method in _SCALING]
    return bool(written) or any(_is_gradient(call.receiver) for call in scaled)


def _is_scaled(call: Call) -> bool:
    return isinstance(call.receiver, Call) and call.receiver.method == "scale"


def _divides(loss: Value | None) -> bool:
    """Whether a loss is a quotient or product, or comes from something that may divide it."""
    if loss is None:
        return True
    if isinstance(loss, Choice):
        return any(_divides(option.value) for option in loss.options)
    if isinstance(loss, Operation):
        return loss.symbol in _DIVIDING or any(_divides(part) for part in loss.operands if not _is_number(part))
    if isinstance(loss, Attribute):
        return loss.name != "loss" or _is_own(loss.base)
    if isinstance(loss, Item):
        return _is_own(loss.base)
    return _divides_call(loss) if isinstance(loss, Call) else True


def _divides_call(loss: Call) -> bool:
    if loss.method == "scale" and loss.args:
        return _divides(loss.args[0])
    if loss.method in _SAME_LOSS and isinstance(loss.function, Attribute):
        return _divides(loss.receiver)
    name = loss.function.name if isinstance(loss.function, External) else ""
    if name.startswith("torch.nn.functional."):
        return any(key == "reduction" for key, _ in loss.keywords)
    made = loss.function
    is_loss = isinstance(made, Call) and isinstance(made.function, External) and made.method.endswith("Loss")
    return not is_loss or (isinstance(made, Call) and any(key == "reduction" for key, _ in made.keywords))


def _is_own(made: Value) -> bool:
    """Whether the output of a forward pass comes from code of the files, or from something that is no model."""
    return not isinstance(made, Call) or isinstance(made.function, (External, Instance))


def _is_number(value: Value) -> bool:
    return isinstance(value, Constant)


def _is_gradient(value: Value | None) -> bool:
    while isinstance(value, Attribute):
        if value.name == "grad":
            return True
        value = value.base
    return False


def loss_of(backward: Call) -> ast.expr | None:
    """The code of the loss that a backward pass starts from, inside of `scaler.scale(...)`.

    Args:
        backward: The call of `backward`.
    """
    node = backward.node
    loss = node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
    if isinstance(loss, ast.Call) and _is_scaled(backward):
        return loss.args[0] if loss.args else None
    return loss
