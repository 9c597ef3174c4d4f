"""Functions that join the rows of a batch into one stream and cut it into blocks of one length.

It knows the usual ways to join lists and to cut them in a loop. Packing that a library does is not known here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.program.definitions import Class, Function
from trainclinic.script.program.once import listed_once
from trainclinic.script.program.reading import argument
from trainclinic.script.program.values import Attribute, Call, Choice, Item, Items, Value

if TYPE_CHECKING:
    from trainclinic.script.program.events import Activation
    from trainclinic.script.program.program import Program

_JOINING = frozenset({"chain", "from_iterable", "concatenate", "hstack", "cat"})
_LOOPS = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp, ast.DictComp)


@dataclass(frozen=True, slots=True)
class Grouping:
    """A `map` that makes blocks of the rows of a batch.

    Attributes:
        call: The call of `map`, whose value are the blocks.
        function: The function that joins and cuts.
    """

    call: Call
    function: Function


@listed_once
def groupings(program: Program) -> Iterator[Grouping]:
    """Every `map` whose function joins rows and cuts them into blocks, in order.

    Args:
        program: The program.
    """
    for call in program.calls_of(".map"):
        function = row_function(call)
        if function is not None and joins(function.definition) and cuts(function.definition):
            yield Grouping(call, function)


def row_function(call: Call) -> Function | None:
    """The function of the files that a `map` calls for rows; `None` for one that is not in sight.

    Args:
        call: The call of `map`.
    """
    given = argument(call, "function", 0)
    if isinstance(given, Call) and given.method == "partial" and given.args:
        given = given.args[0]
    return given if isinstance(given, Function) else None


def joins(code: ast.AST) -> bool:
    """Whether code makes one list of several: `sum(x, [])`, `chain(*x)`, `[t for x in xs for t in x]`, `extend`.

    Args:
        code: A function or class.
    """
    return any(_joins_here(node) for node in ast.walk(code)) or not _extended(code).isdisjoint(_cut_lists(code))


def _joins_here(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        name = _last_name(node.func)
        empty = len(node.args) == 2 and isinstance(node.args[1], ast.List) and not node.args[1].elts
        return name in _JOINING or (name == "sum" and empty)
    if isinstance(node, ast.ListComp) and len(node.generators) == 2:
        inner = node.generators[1].target
        return isinstance(node.elt, ast.Name) and isinstance(inner, ast.Name) and node.elt.id == inner.id
    return False


def _extended(code: ast.AST) -> set[str]:
    """Lists that a loop makes longer by other lists, which are no blocks themselves."""
    loops = (node for node in ast.walk(code) if isinstance(node, (ast.For, ast.While)))
    found: set[str] = set()
    for node in (inner for loop in loops for inner in ast.walk(loop)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "extend":
            found |= set() if _holds_block(node) else {ast.unparse(node.func.value)}
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
            found |= set() if _holds_block(node.value) else {ast.unparse(node.target)}
    return found


def _cut_lists(code: ast.AST) -> set[str]:
    cut = (node for node in ast.walk(code) if isinstance(node, ast.Subscript) and _is_block(node))
    return {ast.unparse(node.value) for node in cut}


def _holds_block(code: ast.AST) -> bool:
    return any(_is_block(node) for node in ast.walk(code))


def _last_name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def cuts(code: ast.AST) -> bool:
    """Whether code cuts a list into blocks: `x[i : i + n]` in a loop, or in the `__getitem__` of a class.

    Args:
        code: A function or class.
    """
    around = (node for node in ast.walk(code) if isinstance(node, _LOOPS) or getattr(node, "name", "") == "__getitem__")
    return any(_holds_block(node) for node in around)


def _is_block(node: ast.AST) -> bool:
    cut = node.slice if isinstance(node, ast.Subscript) else None
    if not isinstance(cut, ast.Slice) or cut.lower is None or not isinstance(cut.upper, ast.BinOp):
        return False
    return ast.dump(cut.lower) in {ast.dump(cut.upper.left), ast.dump(cut.upper.right)} or _is_numbered(cut)


def _is_numbered(cut: ast.Slice) -> bool:
    """`x[i * n : (i + 1) * n]`."""
    ends = [cut.lower, cut.upper]
    return all(isinstance(end, ast.BinOp) and isinstance(end.op, ast.Mult) for end in ends)


def holders(call: Call) -> Iterator[Class | Function]:
    """Functions of the files in which a call happens, the innermost first, each followed by its class.

    Args:
        call: The call.
    """
    seen: Activation | None = call.event.activation
    while seen is not None:
        if seen.function is not None:
            yield seen.function
            if seen.function.owner is not None:
                yield seen.function.owner
        seen = seen.caller


def steps_before(data: Value) -> Iterator[Call]:
    """The calls that made a data set, the last first, through splits and joined sets down to what loaded it.

    Args:
        data: The data set; if it is a call itself, it is not among them.
    """
    queue, seen = [*_before(data)], set()
    while queue:
        value = queue.pop(0)
        if value in seen:
            continue
        seen.add(value)
        if isinstance(value, Call):
            yield value
        queue += _before(value)


def _before(value: Value) -> Iterator[Value]:
    if isinstance(value, Item):
        yield value.base
    elif isinstance(value, Choice):
        yield from value.parts()
    elif isinstance(value, Items):
        yield from value.elements
    elif isinstance(value, Call) and isinstance(value.function, Attribute):
        yield value.function.base
    elif isinstance(value, Call) and value.method in {"concatenate_datasets", "interleave_datasets"}:
        yield from value.args[:1]
