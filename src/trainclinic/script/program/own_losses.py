"""Cross-entropies that a script computes itself: of which logits, on which labels, without which label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.program.names import name_of
from trainclinic.script.program.objects import SAME_DATA, root
from trainclinic.script.program.once import listed_once
from trainclinic.script.program.reading import argument
from trainclinic.script.program.values import Attribute, Call, Constant, External, Item, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

FUNCTIONS = ("torch.nn.functional.cross_entropy", "optax.softmax_cross_entropy_with_integer_labels")
MODULE = "torch.nn.CrossEntropyLoss"
RESHAPED = SAME_DATA | {"transpose", "permute", "swapaxes", "movedim", "mT"}


@dataclass(frozen=True, slots=True)
class CrossEntropy:
    """A cross-entropy over a vocabulary or over classes.

    Attributes:
        call: The call that computes it.
        made: The call with its options: the same one, or the one that builds the loss module.
        logits: What is scored.
        labels: On what.
    """

    call: Call
    made: Call
    logits: Value
    labels: Value

    @property
    def ignored(self) -> Value | None:
        """The label that it leaves out; `None` where the default of -100 holds."""
        return argument(self.made, "ignore_index")


@listed_once
def cross_entropies(program: Program) -> Iterator[CrossEntropy]:
    """Every cross-entropy that the files compute, in order.

    Args:
        program: The program.
    """
    for event in program.calls:
        call = event.call
        if isinstance(call.function, External):
            made = call if name_of(call.function) in FUNCTIONS else None
            first, second = ("logits", "labels") if name_of(call.function).startswith("optax") else ("input", "target")
        else:
            built = root(call.function) if call.result is None else None
            made = built if isinstance(built, Call) and name_of(built.function) == MODULE else None
            first, second = "input", "target"
        logits, labels = argument(call, first, 0), argument(call, second, 1)
        if made is not None and logits is not None and labels is not None:
            yield CrossEntropy(call, made, logits, labels)


def forward_of(logits: Value) -> Call | None:
    """The forward pass whose logits, uncut, these are; `None` when they were cut or come from elsewhere.

    Args:
        logits: The first argument of a loss.
    """
    value = logits
    for _ in range(32):
        if isinstance(value, Attribute):
            if value.name not in {"logits", "mT"}:
                return None
            value = value.base
        elif isinstance(value, Item):
            if not isinstance(value.index, Constant) or value.index.value not in {"logits", 0}:
                return None
            value = value.base
        elif isinstance(value, Call) and isinstance(value.function, Attribute) and value.method in RESHAPED:
            value = value.function.base
        elif isinstance(value, Call) and value.method == "rearrange" and value.args:
            value = value.args[0]
        else:
            return value if isinstance(value, Call) else None
    return None
