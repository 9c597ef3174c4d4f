"""What a callable takes: its parameters as they stand in a source file, without any type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["positional", "keyword", "var_positional", "var_keyword"]
OPAQUE = "..."
"""The default of a parameter that has one which is no simple literal."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a function, or one field of a dataclass.

    Attributes:
        name: As written, without asterisks.
        kind: How it can be passed; `positional` ones can also be passed by keyword.
        default: Source text of its default when that is simple, `...` for another default, `None` when it is required.
        renamed_to: Name under which the callee passes it on: the parameter is a deprecated alias that still works.
    """

    name: str
    kind: Kind
    default: str | None = None
    renamed_to: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """The parameters of one callable in one version of its library.

    Attributes:
        parameters: In order, without `self` and `cls`.
        continues: Qualified names of classes of other libraries whose parameters it has as well, as dataclasses inherit
            the fields of their bases.
    """

    parameters: tuple[Parameter, ...]
    continues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """One way in which a library calls a method of its own.

    Attributes:
        positional: Number of positional arguments, without `self`.
        keywords: Names of keyword arguments.
        unpacks: Whether `*` or `**` adds arguments that cannot be counted.
    """

    positional: int
    keywords: tuple[str, ...] = ()
    unpacks: bool = False
