"""Read a recipe from YAML. A key that is missing or says `unknown` is not known; any other fault is an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from trainclinic.recipe.keys import all_keys, with_value
from trainclinic.recipe.model import Recipe
from trainclinic.recipe.validate import RecipeError, checked, unknown_key

SCHEMA = "trainclinic.recipe.v1"


def read_recipe(path: Path) -> Recipe:
    """The recipe in a file.

    Args:
        path: A YAML file.

    Raises:
        RecipeError: If it cannot be read, or does not hold together.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"`{path}` cannot be read: {error}"
        raise RecipeError(message, hint="a recipe is a YAML file in UTF-8") from error
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or error
        message = f"{where} is no YAML: {problem}"
        raise RecipeError(message, hint="colons and indentation are the usual reasons") from error
    return recipe_from(raw, str(path))


def recipe_from(raw: object, where: str = "the recipe") -> Recipe:
    """The recipe in nested mappings.

    Args:
        raw: Mapping of sections to mappings of keys to values.
        where: The place, for messages.

    Raises:
        RecipeError: If it does not hold together.
    """
    if not isinstance(raw, Mapping):
        message = f"{where} holds no recipe: found {type(raw).__name__}, expected a mapping of sections"
        raise RecipeError(message, hint="`trainclinic prescribe` writes one")
    found = raw.get("schema", SCHEMA)
    if found != SCHEMA:
        message = f"`schema` is `{found}` in {where}, expected `{SCHEMA}`"
        raise RecipeError(message, hint="the recipe was written for another release")
    recipe = Recipe()
    for name, value in _flat({name: value for name, value in raw.items() if name != "schema"}, where):
        key = all_keys().get(name)
        if key is None:
            raise unknown_key(name, where)
        recipe = with_value(recipe, name, checked(key, value, where))
    return recipe


def _flat(raw: Mapping[Any, Any], where: str) -> Iterator[tuple[str, Any]]:
    sections = {key.section for key in all_keys().values()} - {""}
    for name, value in raw.items():
        if name not in sections:
            yield str(name), value
            continue
        if not isinstance(value, Mapping):
            message = f"`{name}` is `{value}` in {where}, expected a mapping of keys to values"
            raise RecipeError(message, hint=f"`{name}` is a section: indent its keys below it")
        for last, one in value.items():
            yield f"{name}.{last}", one
