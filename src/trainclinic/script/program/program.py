"""A program as the rules see it: what it calls, what it stores, and what its values can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from trainclinic.script.garbage import garbage_stays
from trainclinic.script.program.access import element_of, value_of
from trainclinic.script.program.definitions import Class, Function, Instance
from trainclinic.script.program.events import BreakEvent, CallEvent, Event, HandlerEvent, Loop, ReturnEvent, StoreEvent
from trainclinic.script.program.names import names_of_call
from trainclinic.script.program.values import Call, Items, Value
from trainclinic.script.program.walk import Walk
from trainclinic.script.sources.imports import imports_of

if TYPE_CHECKING:
    from trainclinic.script.sources.project import Project
    from trainclinic.script.sources.source import SourceFile

Kind = TypeVar("Kind", bound=Event)


class Program:
    """Everything that was seen on the walk through a project.

    Attributes:
        project: The files.
        events: What happens, in order.
        classes: Classes of the files.
        functions: Functions of the files, methods and lambdas included.
        answers: What was asked about it and answered before, by question.
    """

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self.project = walk.project
        self.answers: dict[Any, Any] = {}
        self.events: tuple[Event, ...] = tuple(walk.events)
        self.classes: tuple[Class, ...] = tuple(walk.classes)
        self.functions: tuple[Function, ...] = tuple(walk.functions)

    @cached_property
    def calls(self) -> tuple[CallEvent, ...]:
        """Every call in order; a function that is walked twice makes its calls twice."""
        return tuple(event for event in self.events if isinstance(event, CallEvent))

    @cached_property
    def stores(self) -> tuple[StoreEvent, ...]:
        """Every store in order."""
        return tuple(event for event in self.events if isinstance(event, StoreEvent))

    @cached_property
    def returns(self) -> tuple[ReturnEvent, ...]:
        """Every `return` and `yield` in order."""
        return tuple(event for event in self.events if isinstance(event, ReturnEvent))

    @cached_property
    def breaks(self) -> tuple[BreakEvent, ...]:
        """Every `break` in order."""
        return tuple(event for event in self.events if isinstance(event, BreakEvent))

    @cached_property
    def handlers(self) -> tuple[HandlerEvent, ...]:
        """Every exception handler in order."""
        return tuple(event for event in self.events if isinstance(event, HandlerEvent))

    @cached_property
    def _by_name(self) -> dict[str, list[Call]]:
        found: dict[str, list[Call]] = {}
        for event in self.calls:
            for name in names_of_call(event.call):
                found.setdefault(name, []).append(event.call)
        return found

    def calls_of(self, *names: str) -> list[Call]:
        """Calls by canonical name, in order.

        Args:
            names: `torch.optim.AdamW`, `transformers.AutoModelForCausalLM.from_pretrained`; `.backward` for a method of
                whatever object; a subclass in the files counts as its base.
        """
        found = [call for name in names for call in self._by_name.get(name, ())]
        return sorted({call.event.order: call for call in found}.values(), key=lambda call: call.event.order)

    def calls_ending(self, *methods: str) -> list[Call]:
        """Calls by the last part of their name, whatever stands before it.

        Args:
            methods: `from_pretrained`, `backward` ...
        """
        return self.calls_of(*(f"*.{method}" for method in methods))

    def attributes_set(self, name: str) -> list[StoreEvent]:
        """Stores of an attribute, in order.

        Args:
            name: The attribute.
        """
        return [event for event in self.stores if event.kind == "attribute" and event.key == name]

    @cached_property
    def _into(self) -> dict[Value, list[StoreEvent]]:
        found: dict[Value, list[StoreEvent]] = {}
        for event in self.stores:
            if event.kind == "item" and event.base is not None:
                found.setdefault(event.base, []).append(event)
        return found

    def stores_into(self, value: Value) -> list[StoreEvent]:
        """Stores under an index of a value, in order: `value[...] = x`.

        Args:
            value: The value.
        """
        return self._into.get(value, [])

    @cached_property
    def _calls_in(self) -> dict[Loop, list[CallEvent]]:
        found: dict[Loop, list[CallEvent]] = {}
        for event in self.calls:
            for loop in event.loops:
                found.setdefault(loop, []).append(event)
        return found

    def calls_in(self, loop: Loop) -> list[CallEvent]:
        """Calls that happen inside a loop, in order, callees included.

        Args:
            loop: The loop.
        """
        return self._calls_in.get(loop, [])

    def inside(self, loop: Loop, events: Iterable[Kind]) -> list[Kind]:
        """Those events that happen inside a loop, callees included.

        Args:
            loop: The loop.
            events: Some events.
        """
        return [event for event in events if loop in event.loops]

    @cached_property
    def loops(self) -> tuple[Loop, ...]:
        """Every `for` and `while` that something happens in, in order."""
        return tuple(dict.fromkeys(loop for event in self.events for loop in event.loops))

    def value_of(self, base: Value, key: str) -> Value | None:
        """What a dictionary, batch or row holds under a key, as far as the code says it."""
        return value_of(self._walk, base, key)

    def element_of(self, over: Value) -> Value | None:
        """One element of what is iterated over: a row of a data set, a batch of a loader."""
        return element_of(self._walk, over, over.node, over.file) if over.node is not None else None

    def elements_of(self, items: Items) -> tuple[Value, ...]:
        """The elements of a list that is written out, with what is appended to it anywhere."""
        return (*items.elements, *self._walk.appended(items))

    def attribute_of(self, base: Value, name: str) -> Value | None:
        """What an attribute of an object was set to last, or what its class says; `None` when nobody set it."""
        held = self._walk.memory.held.get((base, f".{name}"))
        if held is None and isinstance(base, Instance):
            return base.cls.find(name)
        return held

    @cached_property
    def _reached(self) -> dict[SourceFile, frozenset[SourceFile]]:
        return {}

    @cached_property
    def _imported(self) -> dict[SourceFile, frozenset[SourceFile]]:
        """The files that each file imports itself."""
        found: dict[SourceFile, frozenset[SourceFile]] = {}
        for file in self.project.files:
            names = imports_of(file.tree) if file.tree is not None else ()
            held = (self.project.module(dotted, file, level) for dotted, level in names)
            found[file] = frozenset(other for other in held if other is not None)
        return found

    def reached_from(self, file: SourceFile) -> frozenset[SourceFile]:
        """Files that a file imports, also through others.

        Args:
            file: The file.
        """
        if file not in self._reached:
            seen: set[SourceFile] = set()
            queue = [file]
            while queue:
                fresh = self._imported.get(queue.pop(), frozenset()) - seen
                seen |= fresh
                queue += fresh
            self._reached[file] = frozenset(seen)
        return self._reached[file]

    def version_of(self, library: str) -> str | None:
        """The exact version of a library that the project pins; `None` when it pins none.

        Args:
            library: Name of its package: `trl`.
        """
        held = self.project.versions.get(library)
        return held[0] if held is not None else None

    def is_prepared(self, value: Value) -> bool:
        """Whether an object went through `accelerator.prepare`."""
        return (value, "#prepared") in self._walk.memory.held

    def subclasses_of(self, *names: str) -> Iterator[Class]:
        """Classes of the files that derive from a class of a library, also through each other.

        Args:
            names: Last parts of the names: `Trainer`, `SFTTrainer`.
        """
        from trainclinic.script.program.values import External

        for cls in self.classes:
            for one in cls.lineage():
                if isinstance(one, External) and one.name.rpartition(".")[2] in names:
                    yield cls
                    break


def build_program(project: Project) -> Program:
    """Walk through all files of a project.

    Args:
        project: The files.
    """
    import sys

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, RECURSION_LIMIT))
    try:
        with garbage_stays():
            walk = Walk(project)
            walk.run()
    finally:
        sys.setrecursionlimit(limit)
    return Program(walk)


RECURSION_LIMIT = 20_000
"""Expressions nest, and every call that is followed nests deeper: frames of Python code take little C stack."""
