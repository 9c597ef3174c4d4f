"""Methods of trainers that classes of the files override: what they take, what they use, who calls them.

It looks at the code of one method alone. What a base class of the files does in between is not followed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from trainclinic.script.oracle.parameters import OPAQUE, Parameter
from trainclinic.script.oracle.symbols import TRAINER_METHODS
from trainclinic.script.program.definitions import Class, Function
from trainclinic.script.program.libraries import asks_for_version
from trainclinic.script.program.names import canonical
from trainclinic.script.program.once import listed_once
from trainclinic.script.program.values import External

if TYPE_CHECKING:
    from trainclinic.script.places import Place
    from trainclinic.script.program.program import Program

_LIBRARIES = frozenset({"transformers", "trl"})
_CALLERS = {
    "training_step": ("_inner_training_loop", "_run_epoch"),
    "compute_loss": ("training_step",),
    "prediction_step": ("evaluation_loop", "prediction_loop", "evaluate"),
    "evaluation_loop": ("evaluate",),
    "prediction_loop": ("evaluate",),
    "_get_train_sampler": ("get_train_dataloader",),
    "_get_eval_sampler": ("get_eval_dataloader",),
    "_save_checkpoint": ("_maybe_log_save_evaluate",),
    "_maybe_log_save_evaluate": ("_inner_training_loop", "_run_epoch"),
    "save_model": ("_save_checkpoint",),
    "_save": ("save_model",),
}
"""Methods of the Trainer that call a method, besides `train`: an override of one decides itself what it passes."""


@dataclass(frozen=True, slots=True)
class Override:
    """A method of a class of the files that stands in place of one of the Trainer.

    Attributes:
        cls: The class.
        function: The method.
        base: Class of the library that the class derives from: `transformers.Trainer`, `trl.SFTTrainer`.
        parameters: What it takes, without `self`.
    """

    cls: Class
    function: Function
    base: str
    parameters: tuple[Parameter, ...]

    @property
    def name(self) -> str:
        """Name of the method."""
        return self.function.name

    @property
    def head(self) -> Place | None:
        """The first line of its definition."""
        whole, file = self.function.place, self.function.file
        if whole is None or file is None:
            return None
        return replace(whole, end_line=whole.line, end_column=len(file.line_text(whole.line, whole.cell)) + 1)

    @property
    def names(self) -> frozenset[str]:
        """Every name that its body reads."""
        nodes = [node for statement in self._body() for node in ast.walk(statement)]
        return frozenset(node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))

    @property
    def attributes(self) -> frozenset[str]:
        """Every attribute that its body names."""
        nodes = [node for statement in self._body() for node in ast.walk(statement)]
        return frozenset(node.attr for node in nodes if isinstance(node, ast.Attribute))

    @property
    def returned(self) -> list[ast.expr]:
        """What its `return` statements give."""
        nodes = [node for statement in self._body() for node in ast.walk(statement)]
        return [node.value for node in nodes if isinstance(node, ast.Return) and node.value is not None]

    @property
    def calls_super(self) -> bool:
        """Whether it calls the method that it stands for."""
        return _calls_super(self.function, self.name)

    @property
    def has_own_caller(self) -> bool:
        """Whether the class overrides what calls this method too, and so decides what it is called with."""
        for caller in ("train", *_CALLERS.get(self.name, ())):
            found = self.cls.find(caller)
            if isinstance(found, Function) and not _calls_super(found, caller):
                return True
        return False

    def _body(self) -> list[ast.stmt]:
        definition = self.function.definition
        return [] if isinstance(definition, ast.Lambda) else definition.body


def _calls_super(function: Function, name: str) -> bool:
    for node in ast.walk(function.definition):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
            base = node.func.value
            if isinstance(base, ast.Call) and ast.unparse(base.func) == "super":
                return True
            if isinstance(base, ast.Name) and base.id[:1].isupper():
                return True
    return False


@listed_once
def overrides(program: Program) -> Iterator[Override]:
    """Overridden methods of trainers of transformers and trl, in order of their classes.

    Args:
        program: The program.
    """
    for cls in program.classes:
        base = _library_trainer(cls)
        if not base or cls.file is None or asks_for_version(program, cls.file, cls.definition):
            continue
        for name in TRAINER_METHODS:
            held = cls.names.get(name)
            if isinstance(held, Function) and held.owner is cls and not held.decorators and held.name == name:
                yield Override(cls, held, base, tuple(_parameters(held.definition.args)))


def _library_trainer(cls: Class) -> str:
    for one in cls.lineage():
        name = canonical(one.name) if isinstance(one, External) else ""
        if name.partition(".")[0] in _LIBRARIES and name.endswith("Trainer"):
            return name
    return ""


def _parameters(arguments: ast.arguments) -> Iterator[Parameter]:
    """What a method takes, without its first parameter."""
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    for at, one in enumerate(positional[1:], start=1):
        yield Parameter(one.arg, "positional", None if at < required else OPAQUE)
    if arguments.vararg is not None:
        yield Parameter(arguments.vararg.arg, "var_positional")
    for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield Parameter(one.arg, "keyword", None if default is None else OPAQUE)
    if arguments.kwarg is not None:
        yield Parameter(arguments.kwarg.arg, "var_keyword")
