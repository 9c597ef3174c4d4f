"""Whether a tensor still hangs on the graph through which gradients flow back to weights.

It follows the calls of torch that keep or cut the graph. A function that is not in sight may do either, and then
nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from trainclinic.script.program.events import Condition, Event
from trainclinic.script.program.model_calls import SHIFTING_LOSSES, model_calls
from trainclinic.script.program.names import name_of
from trainclinic.script.program.once import asked_once
from trainclinic.script.program.own_losses import cross_entropies
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, flag
from trainclinic.script.program.training_loops import training_loops
from trainclinic.script.program.values import Attribute, Call, Choice, Constant, External, Item, Operation, Value

KEEPING = frozenset(
    {"mean", "sum", "float", "double", "half", "to", "cuda", "cpu", "view", "reshape", "squeeze", "unsqueeze", "clone"}
    | {"contiguous", "flatten", "clamp", "nanmean", "nansum", "div", "mul", "add", "sub", "requires_grad_", "log"}
    | {"bfloat16", "type", "exp", "div_", "mul_", "add_", "scale"}
)
"""Methods whose result hangs on the same graph as the tensor that they are called on."""
CUTTING = frozenset({"item", "detach", "detach_", "tolist", "numpy"})
"""Methods that leave the graph."""
COPYING = frozenset({"torch.tensor", "torch.FloatTensor", "torch.Tensor", "torch.from_numpy"} | {"builtins.float"})
"""Functions whose result is a new leaf, whatever they are given."""
_ARITHMETIC = frozenset({"+", "-", "*", "/", "**"})
_FUNCTIONS = ("torch.nn.functional.", "torch.mean", "torch.sum", "torch.log", "torch.exp")


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a tensor leaves its graph.

    Attributes:
        value: The code that cuts.
        says: What it does, as the start of a sentence.
        when: Under which conditions the tensor comes this way.
    """

    value: Value
    says: str
    when: tuple[Condition, ...] = ()


def gradient_is_off(event: Event) -> bool:
    """Whether nothing that an event computes gets a graph: it stands in `no_grad` or `inference_mode`.

    Args:
        event: The event.
    """
    off = False
    for context in event.contexts:
        switched = _switch(context)
        off = off if switched is None else not switched
    return off


def may_be_off(event: Event) -> bool:
    """Whether an event may be without gradients: in `no_grad`, or in a context that nobody knows.

    Args:
        event: The event.
    """
    return gradient_is_off(event) or any(_is_unknown_context(context) for context in event.contexts)


def _switch(context: Value) -> bool | None:
    """Whether a context switches gradients on or off; `None` when it does neither, or when that depends."""
    made = context.function if isinstance(context, Call) else context
    name = name_of(made).rpartition(".")[2] if name_of(made).startswith("torch.") else ""
    if name in {"no_grad", "inference_mode"}:
        asked = argument(context, "mode", 0) if isinstance(context, Call) and name == "inference_mode" else None
        return False if asked is None else None if flag(asked) is None else not flag(asked)
    if name == "enable_grad":
        return True
    return flag(argument(context, "mode", 0)) if name == "set_grad_enabled" and isinstance(context, Call) else None


def _is_unknown_context(context: Value) -> bool:
    if isinstance(context, Choice):
        return any(_switch(one.value) is not None or _is_unknown_context(one.value) for one in context.options)
    made = context.function if isinstance(context, Call) else context
    name = made.name.rpartition(".")[2] if isinstance(made, (External, Attribute)) else ""
    if name == "set_grad_enabled":
        return _switch(context) is None
    return name not in {"autocast", "nullcontext", "no_sync", "accumulate", "open", "profile", "tqdm", "join"} and (
        _switch(context) is None
    )


def cuts(value: Value, depth: int = 0) -> list[Cut] | None:
    """Where a tensor, in each way in which it can come about, was cut off from its graph.

    Args:
        value: The tensor: a loss, as a rule.
        depth: How far it was followed.

    Returns:
        Nothing (an empty list) when it hangs on a graph in every way that is known; `None` when nobody knows.
    """
    if depth > 24:
        return None
    if isinstance(value, Choice):
        return _in_choice(value, depth)
    if isinstance(value, Constant):
        return [Cut(value, "")]
    if isinstance(value, Operation) and value.symbol in _ARITHMETIC:
        return _in_operation(value, depth)
    if isinstance(value, Attribute):
        return _of_attribute(value, depth)
    if isinstance(value, Item):
        return cuts(value.base, depth + 1) if isinstance(value.base, (Call, Item)) else None
    return _of_call(value, depth) if isinstance(value, Call) else None


def _in_choice(value: Choice, depth: int) -> list[Cut] | None:
    found: list[Cut] = []
    for option in value.options:
        mine = cuts(option.value, depth + 1)
        if mine is None:
            return None
        found += [Cut(one.value, one.says, (*option.when, *one.when)) for one in mine]
    return found


def _in_operation(value: Operation, depth: int) -> list[Cut] | None:
    """A sum hangs on a graph as soon as one of its parts does."""
    known = [cuts(part, depth + 1) for part in value.operands]
    if any(one is None or not one for one in known):
        return None if None in known else []
    return [cut for one in known if one for cut in one]


def _of_attribute(value: Attribute, depth: int) -> list[Cut] | None:
    if value.name == "data":
        return [Cut(value, f"`{value.code}` is a tensor without graph")]
    if value.name in {"loss", "logits", "last_hidden_state"}:
        return cuts(value.base, depth + 1)
    return None


def _of_call(value: Call, depth: int) -> list[Cut] | None:
    if gradient_is_off(value.event):
        return [Cut(value, f"`{value.code}` is computed without gradients")]
    if name_of(value.function) in COPYING:
        return [Cut(value, f"`{value.code}` makes a new tensor without graph")]
    if isinstance(value.function, Attribute):
        if value.method in CUTTING:
            return [Cut(value, f"`{value.code}` leaves the graph")]
        if value.method in KEEPING:
            return cuts(value.function.base, depth + 1)
    if isinstance(value.function, External) and name_of(value.function).startswith(_FUNCTIONS):
        return cuts(value.args[0], depth + 1) if value.args else None
    return [] if not isinstance(value.function, External) and value.result is None else None


def backward_loss(call: Call) -> Value | None:
    """What a backward pass starts from: of `loss.backward()`, `accelerator.backward(loss)`, `engine.backward(loss)`.

    Args:
        call: The backward pass.
    """
    return call.args[0] if call.args else call.receiver


@asked_once
def _losses(program: Program) -> frozenset[Value]:
    """Tensors that are losses: what loss functions give, and what backward passes start from."""
    functions = [event.call for event in program.calls if _is_loss_function(name_of(event.call.function))]
    started = [backward_loss(event.call) for loop in training_loops(program) for event in loop.backward]
    return frozenset([*functions, *(one.call for one in cross_entropies(program)), *filter(None, started)])


def _is_loss_function(name: str) -> bool:
    return name in SHIFTING_LOSSES or (name.startswith("torch.nn.functional.") and name.endswith("_loss"))


@asked_once
def _outputs(program: Program) -> frozenset[Value]:
    """What models give that compute a loss themselves."""
    return frozenset(one.call for one in model_calls(program) if one.gives_loss or one.labels is not None)


def loss_within(program: Program, value: Value | None, depth: int = 0) -> Value | None:
    """The loss that a tensor is made of without leaving its graph; `None` when there is none in sight.

    Args:
        program: The program.
        value: The tensor.
        depth: How far it was followed.
    """
    if value is None or depth > 24:
        return None
    if is_loss(program, value):
        return value if not _is_off(value) else None
    parts: Iterable[Value] = ()
    if isinstance(value, Choice):
        parts = [option.value for option in value.options]
    elif isinstance(value, Operation) and value.symbol in _ARITHMETIC:
        parts = value.operands
    elif isinstance(value, Call) and isinstance(value.function, Attribute) and value.method in KEEPING:
        parts = () if gradient_is_off(value.event) else (value.function.base,)
    return next((found for part in parts if (found := loss_within(program, part, depth + 1)) is not None), None)


def is_loss(program: Program, value: Value) -> bool:
    """Whether a value is a loss as a model or a loss function gives it, or one that is propagated back.

    Args:
        program: The program.
        value: The value.
    """
    if value in _losses(program):
        return True
    named = isinstance(value, Attribute) and value.name == "loss"
    first = isinstance(value, Item) and isinstance(value.index, Constant) and value.index.value in {0, "loss"}
    return isinstance(value, (Attribute, Item)) and (named or first) and value.base in _outputs(program)


def _is_off(value: Value) -> bool:
    """Whether a loss may have been computed without gradients."""
    made = value.base if isinstance(value, (Attribute, Item)) else value
    return isinstance(made, Call) and may_be_off(made.event)
