"""A compiled model makes tensors whose shape depends on the data.

## What it sees
`torch.compile` without `dynamic=True` on a module of the files whose `forward` calls `nonzero`, `unique` or
`masked_select`, indexes with a comparison, or cuts a tensor at a number read with `.item()`.

## Why it matters
Such an operation breaks the graph, and every new shape behind it is compiled anew until the limit of 8 versions is
reached; from then on that part runs uncompiled. Steps take seconds instead of milliseconds, at irregular times.

## What it does not mean
Padding to one of a few lengths outside of the model is fine: each length is compiled once.

## Example
Bad:

    import torch
    from torch import nn
    from data import batches

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(1000, 64)
            self.head = nn.Linear(64, 10)

        def forward(self, ids, labels):
            hidden = self.embed(ids)[labels != -100]
            return nn.functional.cross_entropy(self.head(hidden), labels[labels != -100])

    torch.manual_seed(0)
    model = torch.compile(Tagger())
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for ids, labels in batches():
        loss = model(ids, labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

Good:

    import torch
    from torch import nn
    from data import batches

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(1000, 64)
            self.head = nn.Linear(64, 10)

        def forward(self, ids, labels):
            logits = self.head(self.embed(ids))
            return nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)

    torch.manual_seed(0)
    model = torch.compile(Tagger())
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for ids, labels in batches():
        loss = model(ids, labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

## Check it by hand
Run with `TORCH_LOGS=recompiles,graph_breaks` for 50 steps: after the first few nothing may be printed.

## References
- https://pytorch.org/docs/stable/torch.compiler_troubleshooting.html
- https://pytorch.org/docs/stable/torch.compiler_dynamic_shapes.html
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapters import ways
from trainclinic.script.program.definitions import Class, Function, Instance
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, flag
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

_SELECTING = frozenset({"nonzero", "unique", "unique_consecutive", "masked_select", "argwhere"})
_READING = frozenset({"item", "tolist"})
MENDING = Mending("keep shapes fixed inside the model: mask values instead of selecting them")


def find(program: Program) -> Iterator[Alarm]:
    """Look into the forward pass of every module of the files that is compiled."""
    for call, cls in _compiled(program):
        forward = cls.find("forward")
        if not isinstance(forward, Function) or forward.file is None or call.place is None:
            continue
        found = next(_dependent(forward.definition), None)
        if found is not None:
            place = forward.file.place(found)
            says = f"`{_short(found)}` makes a shape that depends on the data, in a model that is compiled"
            flow = (Step(call.place, "compiled for the shapes that it meets"), Step(place, "a new shape per batch"))
            yield Alarm(place, says, Certainty.LIKELY, flow, mending=MENDING)


def _compiled(program: Program) -> Iterator[tuple[Call, Class]]:
    """Calls of `torch.compile`, or `.compile()`, on a module of the files, with its class."""
    for call in program.calls_of("torch.compile", ".compile"):
        model = argument(call, "model", 0) if call.receiver is None else call.receiver
        if flag(argument(call, "dynamic")):
            continue
        made = next((one for one in ways(model) if isinstance(one, Instance)), None)
        if made is not None:
            yield call, made.cls


def _dependent(function: ast.AST) -> Iterator[ast.expr]:
    """Expressions whose shape depends on values of tensors."""
    for node in ast.walk(function):
        picks = isinstance(node, ast.Call) and _name(node) in _SELECTING and not node.keywords
        cuts = isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and _selects(node.slice)
        if isinstance(node, ast.expr) and (picks or cuts):
            yield node


def _selects(index: ast.expr) -> bool:
    """Whether an index picks by a comparison of tensors, or cuts at a number that was read out of one."""
    if isinstance(index, ast.Compare):
        return isinstance(index.ops[0], (ast.Eq, ast.NotEq, ast.Gt, ast.Lt, ast.GtE, ast.LtE))
    if isinstance(index, ast.Tuple):
        return any(_selects(part) for part in index.elts)
    bounds = [index.lower, index.upper] if isinstance(index, ast.Slice) else []
    return any(isinstance(bound, ast.Call) and _name(bound) in _READING for bound in bounds)


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _short(node: ast.expr) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 60 else text[:57] + "..."


def _looked(program: Program) -> bool:
    return any(isinstance(cls.find("forward"), Function) for _, cls in _compiled(program))


RULE = script_rule(
    code="ATT003",
    slug="data-dependent-shapes-under-compile",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("`torch.compile` on a module of the files",),
    find=find,
    looked=_looked,
    missing="a compiled module of the files",
)
