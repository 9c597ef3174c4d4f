"""Rows on their way into training: what a data set was made of, what shuffled it, and who trains or measures on it.

It knows the methods of data sets that keep all rows, and the calls that shuffle. What a function out of sight does to
rows is not known here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.script.program.adapters import is_given, ways
from trainclinic.script.program.definitions import Instance
from trainclinic.script.program.events import Activation, Condition, Loop
from trainclinic.script.program.names import is_library, name_of
from trainclinic.script.program.once import asked_once, listed_once
from trainclinic.script.program.processes import loader_of
from trainclinic.script.program.reading import argument, constants, flag
from trainclinic.script.program.trainers import Trainer, trainers
from trainclinic.script.program.training_loops import TrainingLoop, training_loops
from trainclinic.script.program.values import Attribute, Call, Choice, Constant, External, Item, Items, Mapping, Value

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

KEEPS_ROWS = frozenset(
    {"map", "with_format", "with_transform", "rename_column", "rename_columns", "remove_columns", "select_columns"}
    | {"cast", "cast_column", "shuffle", "flatten_indices", "flatten", "sort", "to_iterable_dataset", "add_column"}
)
"""Methods of data sets whose result holds every row of what they are called on, and no other."""
READERS = frozenset(
    {f"datasets.{name}" for name in ("load_dataset", "load_from_disk")}
    | {f"datasets.Dataset.from_{kind}" for kind in ("json", "csv", "text", "parquet", "file")}
    | {f"pandas.read_{kind}" for kind in ("json", "csv", "parquet")}
    | {"torch.load", "json.load", "builtins.open"}
)
"""Functions of libraries that give the same rows when they are given the same arguments."""
_IN_PLACE = frozenset({"random.shuffle", "numpy.random.shuffle"})
_DRAWN = frozenset({"random.sample", "numpy.random.permutation", "torch.randperm", "sklearn.utils.shuffle"})
_GENERATORS = frozenset({"random.Random", "numpy.random.default_rng", "numpy.random.RandomState", "torch.Generator"})
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Shuffle:
    """A call that brings rows, or numbers of rows, into a random order.

    Attributes:
        call: The call.
        rows: What is shuffled: a list in place, a data set, or what new order is drawn from.
        is_seeded: Whether the call itself fixes the order: by a seed, a generator or an own random source.
    """

    call: Call
    rows: Value
    is_seeded: bool


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Rows that something trains on.

    Attributes:
        data: The data set.
        user: The trainer or loader that gets it.
        trainer: The trainer; `None` for a loop of the files.
        loop: The loop over the loader; `None` for a trainer.
        training: The training loop of the files; `None` for a trainer.
    """

    data: Value
    user: Call
    trainer: Trainer | None = None
    loop: Loop | None = None
    training: TrainingLoop | None = None


@listed_once
def training_data(program: Program) -> Iterator[TrainingData]:
    """Data sets of trainers, then those of the loaders that training loops go through.

    Args:
        program: The program.
    """
    for trainer in trainers(program):
        data = trainer.part("train_dataset")
        if is_given(data) and data is not None:
            yield TrainingData(data, trainer.call, trainer=trainer)
    for training in training_loops(program):
        for loop in training.backward[0].loops:
            loader = loader_of(loop)
            data = argument(loader, "dataset", 0) if loader is not None else None
            if loader is not None and data is not None:
                yield TrainingData(data, loader, loop=loop, training=training)


def alternatives(value: Value | None) -> list[tuple[Value, tuple[Condition, ...]]]:
    """What a value can be besides `None`, each with its conditions.

    Args:
        value: An argument.
    """
    if isinstance(value, Choice):
        ways_of = [(option.when, alternatives(option.value)) for option in value.options]
        return [(inner, (*outer, *when)) for outer, found in ways_of for inner, when in found][:12]
    return [(value, ())] if value is not None and is_given(value) else []


def source_of(data: Value) -> Value:
    """A data set before everything that kept all of its rows.

    Args:
        data: The data set.
    """
    for _ in range(64):
        if not isinstance(data, Call) or not isinstance(data.function, Attribute) or data.method not in KEEPS_ROWS:
            return data
        data = data.function.base
    return data


def same_rows(one: Value, two: Value) -> bool:
    """Whether two data sets hold the same rows, whatever was done to columns and order.

    Args:
        one: A data set.
        two: Another.
    """
    return _is_alike(source_of(one), source_of(two), 0)


def _is_alike(one: Value, two: Value, depth: int) -> bool:
    if one is two:
        return True
    if depth > _DEEPEST or type(one) is not type(two):
        return False
    if isinstance(one, Constant) and isinstance(two, Constant):
        return type(one.value) is type(two.value) and bool(one.value == two.value)
    if isinstance(one, External) and isinstance(two, External):
        return one.name == two.name and is_library(one.name)
    if isinstance(one, Instance) and isinstance(two, Instance):
        return one.cls is two.cls and _names_a_source(one.call) and _is_same_call(one.call, two.call, depth)
    if isinstance(one, Call) and isinstance(two, Call):
        return name_of(one.function) in READERS and _is_same_call(one, two, depth)
    if isinstance(one, (Item, Items, Mapping)):
        return _are_parts_alike(one, two, depth)
    return False


def _names_a_source(call: Call | None) -> bool:
    """Whether an object is made of a file or a name: objects made of numbers alone often draw their rows."""
    given = [*call.args, *(value for _, value in call.keywords)] if call is not None else []
    return any(isinstance(text, str) for value in given for text in constants(value))


def _is_same_call(one: Call | None, two: Call | None, depth: int) -> bool:
    if one is None or two is None or len(one.args) != len(two.args):
        return False
    if [name for name, _ in one.keywords] != [name for name, _ in two.keywords]:
        return False
    return _is_alike(one.function, two.function, depth + 1) and _are_parts_alike(one, two, depth)


def _are_parts_alike(one: Value, two: Value, depth: int) -> bool:
    first, second = [*one.parts()], [*two.parts()]
    pairs = zip(first, second, strict=False)
    return len(first) == len(second) and all(_is_alike(a, b, depth + 1) for a, b in pairs)


def made_of(data: Value) -> Iterator[Value]:
    """A data set and what it was made of, the nearest first; for an object of the files also what its class got.

    Args:
        data: The data set.
    """
    queue, seen = [(data, 0)], set()
    while queue:
        value, depth = queue.pop(0)
        if value in seen:
            continue
        seen.add(value)
        yield value
        if depth < _DEEPEST:
            queue += [(part, depth + 1) for part in value.parts()]
            made = value.call if isinstance(value, Instance) else None
            queue += [(part, depth + 1) for part in (made.parts() if made is not None else ())]


def is_streamed(data: Value) -> bool:
    """Whether a data set is read row by row, so that only the code that reads it can say in which order.

    Args:
        data: The data set.
    """
    for value in made_of(data):
        if isinstance(value, Instance) and any(one.name.endswith("IterableDataset") for one in value.cls.lineage()):
            return True
        if isinstance(value, Call) and (value.method == "to_iterable_dataset" or _may_stream(value)):
            return True
    return False


def _may_stream(call: Call) -> bool:
    given = argument(call, "streaming")
    return given is not None and flag(given) is not False


def is_in_order(loader: Call) -> bool:
    """Whether a loader goes through its rows in their order.

    Args:
        loader: The call of `DataLoader`.
    """
    given = argument(loader, "shuffle", 2)
    sampled = any(is_given(argument(loader, *one)) for one in (("sampler", 3), ("batch_sampler", 4)))
    return not sampled and (not is_given(given) or flag(given) is False)


@asked_once
def shuffles(program: Program) -> list[Shuffle]:
    """Every call that shuffles something, in order.

    Args:
        program: The program.
    """
    found = [_shuffle_of(event.call) for event in program.calls]
    return [one for one in found if one is not None]


def _shuffle_of(call: Call) -> Shuffle | None:
    name = name_of(call.function)
    first = call.args[0] if call.args else None
    if name in _IN_PLACE | _DRAWN:
        seeded = any(is_given(argument(call, word)) for word in ("generator", "random_state"))
        return Shuffle(call, first, seeded) if first is not None else None
    if not isinstance(call.function, Attribute) or call.method not in {"shuffle", "permutation", "sample"}:
        return None
    base = call.function.base
    source = next((one for one in ways(base) if isinstance(one, Call) and name_of(one.function) in _GENERATORS), None)
    if source is not None:
        return Shuffle(call, first, bool(source.args or source.keywords)) if first is not None else None
    if call.method == "shuffle":
        seeded = is_given(argument(call, "seed", 0)) or is_given(argument(call, "generator"))
        return Shuffle(call, base, seeded)
    whole = call.method == "sample" and constants(argument(call, "frac")) in ([1], [1.0])
    return Shuffle(call, base, is_given(argument(call, "random_state"))) if whole else None


def holder_of(call: Call) -> Instance | None:
    """The object of the files in whose `__init__` a call happens, callees included; `None` for every other call.

    Args:
        call: The call.
    """
    seen: Activation | None = call.event.activation
    while seen is not None:
        function = seen.function
        if function is not None and function.name == "__init__" and isinstance(function.receiver, Instance):
            return function.receiver
        seen = seen.caller
    return None


def class_text(value: Value) -> str:
    """The code of the class of an object of the files; empty for everything else.

    Args:
        value: The object.
    """
    return ast.unparse(value.cls.definition) if isinstance(value, Instance) else ""
