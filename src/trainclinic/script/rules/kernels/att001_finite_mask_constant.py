"""Attention scores are masked with a small finite number.

## What it sees
Scores that get a constant between -1 and -100000 where a mask says so (`masked_fill`, `torch.where`, or a mask times
that number added to them) and go into a softmax in the same function.

## Why it matters
A masked position has the weight exp(constant - largest score). While scores are small that is zero; where they grow,
or where every position of a row is masked, the weights of masked positions come back: padding and the future are
read. Two such masks that are added leave the range of float16.

## What it does not mean
`torch.finfo(scores.dtype).min` and `float("-inf")` are right, the latter where no row is masked as a whole.

## Example
Bad:

    import math
    import torch
    from torch import nn

    class Attention(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.qkv = nn.Linear(width, 3 * width)

        def forward(self, x, mask):
            q, k, v = self.qkv(x).chunk(3, dim=-1)
            scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
            scores = scores.masked_fill(mask == 0, -1e3)
            return torch.softmax(scores, dim=-1) @ v

Good:

    import math
    import torch
    from torch import nn

    class Attention(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.qkv = nn.Linear(width, 3 * width)

        def forward(self, x, mask):
            q, k, v = self.qkv(x).chunk(3, dim=-1)
            scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
            scores = scores.masked_fill(mask == 0, torch.finfo(scores.dtype).min)
            return torch.softmax(scores, dim=-1) @ v

## Check it by hand
Multiply the scores by 1000 and look at the weights of masked positions: they must stay zero.

## References
- https://pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
- https://github.com/huggingface/transformers/pull/17306
- https://github.com/TransformerLensOrg/TransformerLens/pull/319
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.names import name_of
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, only
from trainclinic.script.program.values import Attribute, Call, Choice, Operation, Value
from trainclinic.script.rule import script_rule

LEAST = Threshold("mask constant", -1e5, "1", "numbers of -1e9 and below are meant as minus infinity and act like it")
MENDING = Mending("mask with `torch.finfo(scores.dtype).min`")
_SOFTMAX = ("torch.softmax", "torch.nn.functional.softmax", "torch.special.softmax", ".softmax")
_FILLS = frozenset({"masked_fill", "masked_fill_"})
_KEEP = frozenset({"float", "to", "half", "type_as", "clamp", "contiguous", "view", "reshape", "type"})


def find(program: Program) -> Iterator[Alarm]:
    """Look at what each softmax is given."""
    for call in program.calls_of(*_SOFTMAX):
        given = call.receiver if call.receiver is not None else argument(call, "input", 0)
        for masked, constant in _masked(program, given):
            if masked.place is None or call.place is None:
                continue
            says = f"masked scores are set to {constant:g}, which a softmax does not treat as minus infinity"
            flow = (Step(call.place, "the softmax"), Step(masked.place, "masked with a finite number"))
            yield Alarm(masked.place, says, Certainty.LIKELY, flow, mending=MENDING)


def _masked(program: Program, scores: Value | None) -> Iterator[tuple[Value, float]]:
    """Where scores get a constant, with the constant, through casts and sums."""
    queue, seen = [scores], set[Value]()
    while queue and len(seen) < 60:
        one = queue.pop(0)
        if one is None or one in seen:
            continue
        seen.add(one)
        constant = _filled(program, one)
        if constant is not None:
            yield one, constant
        if isinstance(one, Choice):
            queue += [option.value for option in one.options]
        elif isinstance(one, Operation) and one.symbol in {"+", "/"}:
            queue += one.operands
        elif isinstance(one, Call) and one.method in {*_KEEP, *_FILLS}:
            queue.append(one.receiver)


def _filled(program: Program, one: Value) -> float | None:
    """The constant that a value puts at masked places; `None` for everything else."""
    held: list[Value | None] = []
    if isinstance(one, Call) and one.method in _FILLS:
        held = [argument(one, "value", 1)]
    elif isinstance(one, Call) and name_of(one.function) == "torch.where" and len(one.args) == 3:
        held = [*one.args[1:]]
    elif isinstance(one, Operation) and one.symbol == "*" and _is_mask(one):
        held = [*one.operands]
    return next((number for each in held if (number := _small(program, each)) is not None), None)


def _is_mask(product: Operation) -> bool:
    return product.node is not None and "mask" in ast.unparse(product.node).lower()


def _small(program: Program, value: Value | None) -> float | None:
    """The number behind a literal, a tensor of it, or a buffer that holds such a tensor."""
    if isinstance(value, Attribute):
        buffers = program.calls_of(".register_buffer")
        value = next(
            (argument(one, "tensor", 1) for one in buffers if only(argument(one, "name", 0)) == value.name), None
        )
    if isinstance(value, Call) and name_of(value.function) in {"torch.tensor", "torch.as_tensor"}:
        value = argument(value, "data", 0)
    number = only(value)
    is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
    return float(number) if is_number and LEAST.value <= number <= -1 else None


def _looked(program: Program) -> bool:
    filled = program.calls_of(*(f".{name}" for name in sorted(_FILLS)))
    return bool(filled) and bool(program.calls_of(*_SOFTMAX))


RULE = script_rule(
    code="ATT001",
    slug="finite-mask-constant",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("an attention that masks its scores itself",),
    find=find,
    looked=_looked,
    missing="an attention that masks scores before a softmax",
    thresholds=(LEAST,),
)
