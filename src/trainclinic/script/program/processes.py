"""Programs that run as several processes: wrapped models, launches, and code that one process alone reaches.

It knows the calls of torch.distributed and accelerate, and what scripts usually call a rank. It does not know how many
processes a launcher makes of its own accord.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainclinic.script.program.adapters import ways
from trainclinic.script.program.definitions import Instance
from trainclinic.script.program.events import Condition, Event, Loop
from trainclinic.script.program.names import is_library, name_of, names_of_call
from trainclinic.script.program.open_values import Parameter, Setting
from trainclinic.script.program.reading import argument
from trainclinic.script.program.values import Attribute, Call, Constant, External, Items, Operation, Unknown, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program
    from trainclinic.script.sources.launches import Launch
    from trainclinic.script.sources.source import SourceFile

DDP = "torch.nn.parallel.DistributedDataParallel"
_RANK = re.compile(r"rank", re.I)
_PLAIN_RANK = re.compile(r"(^|[._'\"])(local_|global_)?rank(['\"\]()]*)$", re.I)
_MAIN = re.compile(
    r"main_process|is_main|is_master|master_process|process_zero|rank_?(zero|0)|is_(leader|chief|primary)|global_zero",
    re.I,
)
_GUARD = re.compile(
    r"rank|main|master|process_zero|leader|chief|primary|process_index|coordinator|global_zero|gpu|device|local", re.I
)
_SPLIT = re.compile(r"rank|world_size|num_replicas|process_index|num_processes|Sampler", re.I)
_WRAPPING_LOOPS = frozenset(
    {"enumerate", "tqdm", "trange", "track", "zip", "iter", "cycle", "islice", "range", "skip_first_batches"}
)


def wrapping_call(value: Value | None) -> Call | None:
    """The `DistributedDataParallel` around a model; `None` when there is none.

    Args:
        value: The model.
    """
    return next((one for one in ways(value) if isinstance(one, Call) and DDP in names_of_call(one)), None)


def is_main_only(condition: Condition) -> bool:
    """Whether a condition holds on one process alone.

    Args:
        condition: The condition.
    """
    return _holds_on_main(condition.test, condition.node, truth=condition.truth)


def _holds_on_main(test: Value, node: ast.AST, *, truth: bool) -> bool:
    """Whether a test decides so, by what it tests and by how the code calls that."""
    node = test.node if isinstance(test, Operation) and test.node is not None else node
    if isinstance(test, Operation) and test.symbol == "not":
        inner = node.operand if isinstance(node, ast.UnaryOp) else node
        return _holds_on_main(test.operands[0], inner, truth=not truth)
    if isinstance(test, Operation) and test.symbol in {"and", "or"}:
        inside = node.values if isinstance(node, ast.BoolOp) else [node] * len(test.operands)
        decides = truth == (test.symbol == "and")
        return decides and any(
            _holds_on_main(one, part, truth=truth) for one, part in zip(test.operands, inside, strict=False)
        )
    if isinstance(test, Operation) and len(test.operands) == 2:
        return _compares_with_zero(test, node, truth=truth)
    pattern = _MAIN if truth else _PLAIN_RANK
    return any(pattern.search(text) is not None for text in (_text(test), ast.unparse(node)))


def _text(value: Value) -> str:
    return ast.unparse(value.node) if isinstance(value.node, ast.expr) else getattr(value, "name", "")


def _compares_with_zero(test: Operation, node: ast.AST, *, truth: bool) -> bool:
    one, two = test.operands
    called = _text(one) + (ast.unparse(node.left) if isinstance(node, ast.Compare) else "")
    if _RANK.search(called) is None or "world" in called:
        return False
    if isinstance(two, Items):
        numbers = {e.value for e in two.elements if isinstance(e, Constant)}
        return truth == (test.symbol == "in") and 0 in numbers and numbers <= {-1, 0}
    if not isinstance(two, Constant) or two.value != 0:
        return False
    return (test.symbol in {"==", "<="} and truth) or (test.symbol in {"!=", ">"} and not truth)


def is_guarded(event: Event) -> bool:
    """Whether anything around an event may ask which process it runs on.

    Args:
        event: The event.
    """
    texts = [ast.unparse(one.node) + _text(one.test) for one in event.conditions]
    texts += [_text(context) or name_of(context) for context in event.contexts]
    return any(_GUARD.search(text) for text in texts)


def asks_for_rank(value: Value) -> bool:
    """Whether a value is, or is called, the number of a process.

    Args:
        value: The value.
    """
    return _RANK.search(_text(value)) is not None or "process_index" in _text(value)


def root_file(event: Event) -> SourceFile:
    """The file whose walk an event belongs to: that of the outermost caller.

    Args:
        event: The event.
    """
    activation = event.activation
    while activation.caller is not None:
        activation = activation.caller
    return activation.file


def launches_of(program: Program, file: SourceFile) -> list[Launch]:
    """Commands of launch scripts that start a file.

    Args:
        program: The program.
        file: The file.
    """
    return [one for one in program.project.launches if _starts(one, file)]


def _starts(launch: Launch, file: SourceFile) -> bool:
    if launch.script:
        return launch.script.replace("\\", "/").rpartition("/")[2] == file.path.name
    return bool(launch.module) and launch.module.rpartition(".")[2] == file.path.stem


def loader_of(loop: Loop) -> Call | None:
    """The `DataLoader` whose batches a loop gets, through `enumerate`, `tqdm` and the like; `None` for other loops.

    Args:
        loop: The loop.
    """
    return next((one for one in _iterated(loop.over) if one.method in {"DataLoader", "StatefulDataLoader"}), None)


def _iterated(value: Value | None) -> Iterator[Call]:
    for _ in range(8):
        found = next((one for one in ways(value) if isinstance(one, Call)), None)
        if found is None:
            return
        yield found
        if found.method not in _WRAPPING_LOOPS or not found.args:
            return
        value = found.args[0]


def is_splitting(program: Program, data: Value) -> bool:
    """Whether data may give each process other rows: it names a rank, is streamed, or comes from code out of sight.

    Args:
        program: The program.
        data: What a loader is given.
    """
    if isinstance(data, (Parameter, Setting, Unknown, Attribute)):
        return True
    made_of = [*_made_of(data)]
    if any(_is_streamed(one) for one in made_of):
        return True
    texts = [_text(one) for one in made_of]
    texts += [ast.unparse(one.cls.definition) for one in made_of if isinstance(one, Instance)]
    splits = ("split_dataset_by_node", "shard")
    return any(_SPLIT.search(text) for text in texts) or bool(program.calls_ending(*splits))


def _made_of(data: Value) -> Iterator[Value]:
    """A data set and what it was made of, ten steps down."""
    queue, seen = [(data, 0)], set()
    while queue:
        value, depth = queue.pop(0)
        if value in seen:
            continue
        seen.add(value)
        yield value
        if depth < 10:
            queue += [(part, depth + 1) for part in value.parts()]
            made = value.call if isinstance(value, Instance) else None
            queue += [(part, depth + 1) for part in (made.parts() if made is not None else ())]


def _is_streamed(value: Value) -> bool:
    if isinstance(value, Instance):
        return any(one.name.endswith("IterableDataset") for one in value.cls.lineage())
    if not isinstance(value, Call):
        return False
    foreign = isinstance(value.function, External) and not is_library(value.function.name)
    return foreign or argument(value, "streaming") is not None or value.method == "to_iterable_dataset"
