"""Change a recipe, and remember why. Patches say how a value changes, so that they fit recipes that differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trainclinic.recipe.keys import Value, all_keys, value_of, with_value
from trainclinic.recipe.model import Recipe
from trainclinic.recipe.validate import checked


@dataclass(frozen=True, slots=True)
class Patch:
    """A change of one value: to a new one (`to`), of a list (`adds`), or of a number (the others, in their order).

    Attributes:
        key: Dotted name of the key.
        why: Why, as a clause after "because".
        to: The new value.
        of: Another key, whose number is taken in place of the old value.
        times: Factor for a number.
        at_least: The value is raised to this when it is lower.
        at_most: The value is lowered to this when it is higher.
        adds: Texts that a list has to hold.
        when: Key and values: the patch is for recipes in which the key has one of them, or is unknown.
        strictly: Whether a recipe in which that key is unknown is none of them.
    """

    key: str
    why: str
    to: Value | None = None
    of: str = ""
    times: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    adds: tuple[str, ...] = ()
    when: tuple[str, tuple[Value, ...]] | None = None
    strictly: bool = False

    def concerns(self, recipe: Recipe) -> bool:
        """Whether the patch is for a recipe like this one."""
        if self.when is None:
            return True
        name, values = self.when
        value = value_of(recipe, name)
        return value in values or (value is None and not self.strictly)

    def value_after(self, recipe: Recipe) -> Value | None:
        """The value after the change. A default stands in for an unknown number.

        Args:
            recipe: The recipe before it.
        """
        key, taken = all_keys()[self.key], all_keys()[self.of or self.key]
        value = value_of(recipe, taken.name)
        before = taken.default if value is None else value
        if self.to is not None:
            return checked(key, self.to, "a patch")
        if self.adds:
            held = before if isinstance(before, tuple) else ()
            return tuple(dict.fromkeys([*(str(one) for one in held), *self.adds]))
        if isinstance(before, (str, tuple)) or before is None:
            return value
        number = float(before)
        number = number * self.times if self.times is not None else number
        number = max(number, self.at_least) if self.at_least is not None else number
        number = min(number, self.at_most) if self.at_most is not None else number
        return round(number) if key.kind == "integer" else float(f"{number:.4g}")


@dataclass(frozen=True, slots=True)
class Change:
    """A value of a recipe that is another one afterwards.

    Attributes:
        key: Dotted name of the key.
        before: Value before; `None` when it was not known.
        after: Value after.
        why: Why, as a clause after "because".
        by: What asked for it: the slug of a fix.
    """

    key: str
    before: Value | None
    after: Value | None
    why: str
    by: str


def apply(recipe: Recipe, patches: Sequence[tuple[str, Patch]]) -> tuple[Recipe, tuple[Change, ...]]:
    """A recipe after patches; what an earlier patch has set, a later one leaves alone.

    Args:
        recipe: The recipe before.
        patches: Each with the slug of the fix that asks for it, the most important first.

    Returns:
        The recipe after, and one change per key that is not what it was, in the order of the patches.
    """
    changes: list[Change] = []
    decided: set[str] = set()
    for by, patch in patches:
        if patch.key in decided or not patch.concerns(recipe):
            continue
        before = value_of(recipe, patch.key)
        after = patch.value_after(recipe)
        decided.add(patch.key)
        if after != before:
            recipe = with_value(recipe, patch.key, after)
            changes.append(Change(patch.key, before, after, patch.why, by))
    return recipe, tuple(changes)


def resolve(recipe: Recipe) -> tuple[Recipe, tuple[str, ...]]:
    """A recipe in which defaults stand in for what is not known.

    Returns:
        The recipe, and the keys that a default was used for. A key without a default stays unknown.
    """
    used = []
    for key in all_keys().values():
        if value_of(recipe, key.name) is None and key.default is not None:
            recipe = with_value(recipe, key.name, key.default)
            used.append(key.name)
    return recipe, tuple(used)
