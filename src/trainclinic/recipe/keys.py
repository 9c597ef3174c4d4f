"""A key of a recipe: its type, meaning, unit, limits and default, stated once in the field of a data class.

What a key may hold follows from here for everyone: reading, writing, the JSON Schema, the reference page.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args, get_type_hints

if TYPE_CHECKING:
    from trainclinic.recipe.model import Recipe

Kind = Literal["text", "integer", "number", "flag", "texts", "numbers"]
Value = str | float | bool | tuple[str, ...] | tuple[float, ...]
_KINDS: dict[object, Kind] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "flag",
    tuple[str, ...]: "texts",
    tuple[float, ...]: "numbers",
}


@dataclass(frozen=True, slots=True)
class Key:
    """One setting of a recipe.

    Attributes:
        name: Dotted name, e.g. `optimizer.learning_rate`.
        kind: What it holds.
        meaning: What it says, in one clause.
        unit: Unit of a number; empty for text and flags.
        default: What is used while the value is unknown; `None` when nothing can stand in for it.
        choices: The only texts that it may hold; empty when any will do.
        at_least: Smallest number allowed.
        above: A number that it must exceed.
        at_most: Largest number allowed.
    """

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    default: Value | None = None
    choices: tuple[str, ...] = ()
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None

    @property
    def section(self) -> str:
        """The part before the dot; empty for a key of the recipe itself."""
        return self.name.rpartition(".")[0]


def key(meaning: str, **more: Any) -> Any:
    """A field of a data class that is a key of the recipe; it is unknown until somebody says otherwise.

    Args:
        meaning: What it says, in one clause.
        more: The other attributes of `Key`.
    """
    return dataclasses.field(default=None, metadata={"meaning": meaning, **more})


@cache
def all_keys() -> dict[str, Key]:
    """Every key by its dotted name, in the order in which a recipe is written."""
    from trainclinic.recipe.model import Recipe

    return {found.name: found for found in _keys_of(Recipe, "")}


def value_of(recipe: Recipe, name: str) -> Value | None:
    """The value of a key, `None` while it is unknown.

    Args:
        recipe: The recipe.
        name: Dotted name.

    Raises:
        KeyError: If there is no such key.
    """
    section, last = _split(name)
    value: Value | None = getattr(getattr(recipe, section) if section else recipe, last)
    return value


def with_value(recipe: Recipe, name: str, value: Value | None) -> Recipe:
    """The recipe with another value.

    Args:
        recipe: The recipe.
        name: Dotted name.
        value: The value, already of the right kind; `None` makes it unknown.

    Raises:
        KeyError: If there is no such key.
    """
    section, last = _split(name)
    if not section:
        return dataclasses.replace(recipe, **{last: value})  # type: ignore[arg-type]
    part = dataclasses.replace(getattr(recipe, section), **{last: value})
    return dataclasses.replace(recipe, **{section: part})


def _split(name: str) -> tuple[str, str]:
    if name not in all_keys():
        raise KeyError(name)
    section, _, last = name.rpartition(".")
    return section, last


def _keys_of(part: type, prefix: str) -> Iterator[Key]:
    hints = get_type_hints(part)
    for field in dataclasses.fields(part):
        kind = hints[field.name]
        if dataclasses.is_dataclass(kind):
            yield from _keys_of(kind, f"{field.name}.")  # type: ignore[arg-type]
        else:
            held = next(one for one in get_args(kind) if one is not type(None))
            yield Key(name=f"{prefix}{field.name}", kind=_KINDS[held], **field.metadata)
