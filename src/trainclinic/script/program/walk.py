"""The walk through a program: every module once, every function from where it is called, the rest on its own."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from trainclinic.script.program import expressions, statements
from trainclinic.script.program.binding import Unbound, bind
from trainclinic.script.program.definitions import Class, Function, Instance, Module
from trainclinic.script.program.events import Activation, CallEvent, Condition, Event, Loop, ReturnEvent, StoreEvent
from trainclinic.script.program.launch_values import all_given_by_launches, given_by_launches
from trainclinic.script.program.scopes import Memory, Scope
from trainclinic.script.program.values import (
    Call,
    Choice,
    Constant,
    Each,
    External,
    Items,
    Mapping,
    Operation,
    Option,
    Text,
    Unknown,
    Value,
)

if TYPE_CHECKING:
    from trainclinic.script.sources.project import Project
    from trainclinic.script.sources.source import SourceFile

Made = TypeVar("Made", bound=Value)

MOST_WALKS = 4
"""Ways into a function that are followed; what the last one returned stands for all later ones."""
DEEPEST = 16
"""Calls inside calls that are followed."""
MOST_STATEMENTS = 400_000
"""Statements that are walked in one program: a bound on time, ten times what large projects need."""
_BUILTINS = frozenset(dir(builtins))


class Frame:
    """What one walk through a function collects.

    Attributes:
        function: The function; `None` for a module.
        owner: The class whose body is walked just now.
        results: What it returns, with the conditions.
        yields: What it yields.
        outside: Number of conditions around the call.
    """

    def __init__(self, function: Function | None, outside: int) -> None:
        self.function = function
        self.owner: Class | None = None
        self.results: list[Option] = []
        self.yields: list[Value] = []
        self.outside = outside

    def returned(self, value: Value, conditions: tuple[Condition, ...]) -> None:
        """Remember a returned value."""
        self.results.append(Option(value, conditions[self.outside :]))

    def result(self, function: Function) -> Value:
        """What the function gives its caller."""
        node, file = function.definition, function.file
        if self.yields:
            made = (
                self.yields[0]
                if len(self.yields) == 1
                else Choice(tuple(Option(v, ()) for v in self.yields), node, file)
            )
            return Each("generator", made, Unknown(node, file), node, file)
        if len(self.results) == 1:
            return self.results[0].value
        return Choice(tuple(self.results), node, file) if self.results else Constant(None, node, file)


class Walk:
    """State of the walk, and what it has seen.

    Attributes:
        project: The files.
        events: Everything that happened, in order.
        memory: Names, attributes and items.
        frame: The function that is being walked.
        loops: Loops around the current statement.
        conditions: Tests around it.
        contexts: What the `with` statements around it were given.
        options: Options that argument parsers declare, by name.
        classes: Every class of the files.
        functions: Every function of the files.
        instances: One object of each class that was made, by class.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.events: list[Event] = []
        self.memory = Memory()
        self.frame = Frame(None, 0)
        self.loops: tuple[Loop, ...] = ()
        self.conditions: tuple[Condition, ...] = ()
        self.contexts: tuple[Value, ...] = ()
        self.options: dict[str, Call] = {}
        self.classes: list[Class] = []
        self.functions: list[Function] = []
        self.instances: dict[Class, Instance] = {}
        self._modules: dict[str, Module] = {}
        self._once: dict[Any, Value] = {}
        self._keys: dict[Value, dict[str | int, None]] = {}
        self._stack: list[ast.AST] = []
        self._results: dict[ast.AST, Value] = {}
        self._activation: Activation | None = None
        self._statements = 0
        self._root: SourceFile | None = None

    def run(self) -> None:
        """Walk every module, then what nobody called."""
        for file in self.project.files:
            if file.tree is not None and file.asked:
                self._root = file
                self._module_of(file, "__main__")
        for cls in list(self.classes):
            self._look_into(cls)
        at = 0
        while at < len(self.functions):
            function = self.functions[at]
            at += 1
            if function.calls == 0 and function.owner is None:
                self._walk_alone(function)

    def has_time(self) -> bool:
        """Count one statement; whether the bound is not reached yet."""
        self._statements += 1
        return self._statements <= MOST_STATEMENTS

    # What values need of the walk

    def once(self, key: Any, make: Callable[[], Made]) -> Made:
        """The same value for the same question: an attribute of an object is one thing, however often it is read.

        Args:
            key: The question.
            make: Makes the value when it is asked for the first time.
        """
        found = self._once.get(key)
        if found is None:
            found = self._once[key] = make()
        return found  # type: ignore[return-value]

    def truth(self, test: Value) -> bool | None:
        """Whether a test is decided by the code itself; options that a user can set decide nothing."""
        if isinstance(test, Constant):
            return bool(test.value)
        if isinstance(test, Operation) and test.symbol == "not":
            inner = self.truth(test.operands[0])
            return None if inner is None else not inner
        if isinstance(test, Operation) and test.symbol in {"is", "is not"} and len(test.operands) == 2:
            one, two = test.operands
            if isinstance(two, Constant) and two.value is None and isinstance(one, (Constant, Items, Mapping, Text)):
                is_none = isinstance(one, Constant) and one.value is None
                return is_none == (test.symbol == "is")
        return None

    def is_builtin(self, name: str) -> bool:
        """Whether a name is one of Python's own."""
        return name in _BUILTINS

    def given(self, kind: str, name: str) -> tuple[Value, ...]:
        """Values that launch scripts beside the program give a setting.

        Args:
            kind: `options` or `environment`.
            name: The option or variable.
        """
        return given_by_launches(self.project.launches, self._root, kind, name)

    def all_given(self) -> dict[str, tuple[Value, ...]]:
        """Every option that launch scripts give to the program that is walked."""
        return all_given_by_launches(self.project.launches, self._root)

    # Modules

    def _module_of(self, file: SourceFile, name: str) -> Module:
        known = self._modules.get(str(file.path))
        if known is not None:
            return known
        scope = Scope(file)
        module = self._modules[str(file.path)] = Module(name, scope)
        scope.names["__name__"] = Constant("__main__") if file.asked else Unknown()
        if file.tree is not None:
            state = (self.frame, self.loops, self.conditions, self.contexts, self._activation)
            self.frame, self.loops, self.conditions, self.contexts = Frame(None, 0), (), (), ()
            self._activation = Activation(None, file)
            statements.execute(self, file.tree.body, scope)
            self.frame, self.loops, self.conditions, self.contexts, self._activation = state
        return module

    def import_module(self, dotted: str, importer: SourceFile, level: int) -> Module | None:
        """A module of the files by its name, walked before it is handed out.

        Args:
            dotted: The name as written.
            importer: The file that imports it.
            level: Number of leading dots.
        """
        file = self.project.module(dotted, importer, level)
        return self._module_of(file, dotted) if file is not None else None

    def submodule(self, dotted: str, importer: SourceFile | None) -> Module | None:
        """`package.module` as an attribute, when it is among the files and was imported."""
        if importer is None or "." not in dotted:
            return None
        file = self.project.module(dotted, importer, 0)
        return self._modules.get(str(file.path)) if file is not None else None

    # Functions

    def define(self, function: Function, scope: Scope) -> Function:
        """Evaluate what a definition evaluates, and remember the function."""
        definition = function.definition
        arguments = definition.args
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults = {
            argument.arg: expressions.evaluate(self, default, scope)
            for argument, default in zip(
                positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True
            )
        }
        for argument, given in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            if given is not None:
                defaults[argument.arg] = expressions.evaluate(self, given, scope)
        marks = () if isinstance(definition, ast.Lambda) else definition.decorator_list
        function.define(tuple(expressions.evaluate(self, mark, scope) for mark in marks), defaults)
        self.functions.append(function)
        return function

    def follow(
        self,
        function: Function,
        args: tuple[Value, ...],
        keywords: tuple[tuple[str | None, Value], ...],
        call: Call | None,
        *,
        unbound: Unbound = "default",
    ) -> Value | None:
        """Walk through a function with the values it is called with.

        Args:
            function: The function.
            args: Positional arguments, without the receiver.
            keywords: Keyword arguments.
            call: The call; `None` where the walk itself looks into a function.
            unbound: What a parameter without an argument is: its `default`, an open `parameter` of a function that
                nobody calls, or a `setting` of the command line.

        Returns:
            What it returns; `None` when it is not followed: a recursion, or too deep.
        """
        definition = function.definition
        if definition in self._stack or len(self._stack) >= DEEPEST or function.file is None:
            return None
        if function.calls >= MOST_WALKS or not self.has_time():
            return self._results.get(definition)
        function.count_call()
        scope = Scope(function.file, function.scope)
        bind(self, function, scope, args, keywords, unbound)
        before = (self.frame, self.contexts, self._activation)
        caller = self._activation
        depth = caller.depth + 1 if caller is not None else 0
        self._activation = Activation(function, function.file, caller, call, self.loops, depth)
        self.frame = Frame(function, len(self.conditions))
        self.contexts = (*self.contexts, *(mark for mark in function.decorators))
        self._stack.append(definition)
        if isinstance(definition, ast.Lambda):
            result = expressions.evaluate(self, definition.body, scope)
            self.emit(ReturnEvent, definition.body, function.file, value=result)
        else:
            statements.execute(self, definition.body, scope)
            result = self.frame.result(function)
        self._stack.pop()
        self.frame, self.contexts, self._activation = before
        self._results[definition] = result
        return result

    def _walk_alone(self, function: Function) -> None:
        """Walk a function that nobody in the files calls, with open parameters."""
        if function.file is None:
            return
        self._root = function.file
        self._activation = Activation(None, function.file)
        self.follow(function, (), (), None, unbound="parameter")
        self._activation = None

    def _look_into(self, cls: Class) -> None:
        """Walk the methods of a class that nobody in the files calls."""
        if cls.file is None:
            return
        instance = self.instances.get(cls) or Instance(cls, None, cls.definition, cls.file)
        methods = [value for value in cls.names.values() if isinstance(value, Function) and value.owner is cls]
        methods.sort(key=lambda method: method.name != "__init__")
        for method in methods:
            if method.calls == 0:
                static = any(isinstance(m, External) and m.name.endswith("staticmethod") for m in method.decorators)
                self._walk_alone(method if static else method.bound_to(instance))

    # Loops, conditions, stores, events

    def enter_loop(self, node: ast.AST, file: SourceFile, over: Value, target: Value | None) -> None:
        """A loop begins."""
        assert self._activation is not None
        self.loops = (*self.loops, Loop(node, file, over, target, self._activation))

    def leave_loop(self) -> None:
        """The innermost loop ends."""
        self.loops = self.loops[:-1]

    @contextmanager
    def under(self, condition: Condition) -> Iterator[None]:
        """Walk under a condition."""
        before = self.conditions
        self.conditions = (*before, condition)
        yield
        self.conditions = before

    def assign(self, target: ast.expr, value: Value, scope: Scope, *, quiet: bool = False) -> None:
        """Store a value under a target."""
        statements.assign(self, target, value, scope, quiet=quiet)

    def store_attribute(self, base: Value, name: str, value: Value, node: ast.AST, file: SourceFile | None) -> None:
        """`base.name = value`."""
        self.memory.write(self.memory.held, (base, f".{name}"), value)
        if file is not None:
            self.emit(StoreEvent, node, file, kind="attribute", base=base, key=name, value=value)

    def store_item(self, base: Value, index: Value, value: Value, node: ast.AST, file: SourceFile | None) -> None:
        """`base[index] = value`."""
        self.hold_item(base, index, value)
        if file is not None:
            self.emit(StoreEvent, node, file, kind="item", base=base, key=index, value=value)

    def hold_item(self, base: Value, index: Value, value: Value) -> None:
        """Remember what stands under a constant index."""
        if isinstance(index, Constant) and isinstance(index.value, (str, int)):
            self._keys.setdefault(base, {})[index.value] = None
            self.memory.write(self.memory.held, (base, ("item", index.value)), value)

    def append(self, items: Items, value: Value) -> None:
        """`items.append(value)`."""
        more = Items("list", (*self.appended(items), value), value.node, value.file)
        self.memory.write(self.memory.held, (items, "#appended"), more)

    def appended(self, items: Items) -> tuple[Value, ...]:
        """What was appended to a list that is written out."""
        held = self.memory.held.get((items, "#appended"))
        return held.elements if isinstance(held, Items) else ()

    def entries(self, mapping: Mapping) -> tuple[tuple[Value | None, Value], ...]:
        """The entries of a dictionary, with what was stored in it later."""
        known = ((key, self.memory.held.get((mapping, ("item", key)))) for key in self._keys.get(mapping, ()))
        mine = {key: value for key, value in known if value is not None}
        if not mine:
            return mapping.entries
        kept = [(k, v) for k, v in mapping.entries if not (isinstance(k, Constant) and k.value in mine)]
        return (*kept, *((Constant(name), value) for name, value in mine.items()))

    def emit(self, kind: type[Event], node: ast.AST, file: SourceFile, /, **more: Any) -> None:
        """Something happens."""
        assert self._activation is not None
        state = (self._activation, self.loops, self.conditions, self.contexts)
        self.events.append(kind(len(self.events), node, file, *state, **more))

    def emit_call(self, call: Call, node: ast.AST, file: SourceFile) -> None:
        """A call happens."""
        self.emit(CallEvent, node, file, call=call)
        event = self.events[-1]
        assert isinstance(event, CallEvent)
        call.event = event
