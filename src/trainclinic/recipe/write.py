"""Write a recipe as YAML, with a remark behind each value that has one."""

from __future__ import annotations

import json
from collections.abc import Mapping

import yaml

from trainclinic.recipe.keys import Key, Value, all_keys, value_of
from trainclinic.recipe.model import Recipe
from trainclinic.recipe.read import SCHEMA
from trainclinic.recipe.validate import UNKNOWN

REMARK_COLUMN = 34


def as_yaml(recipe: Recipe, remarks: Mapping[str, str] | None = None, *, heading: str = "") -> str:
    """A recipe as YAML that `read_recipe` takes.

    Args:
        recipe: The recipe.
        remarks: Remarks by key.
        heading: Lines of comment at the top.
    """
    lines = [f"# {line}".rstrip() for line in heading.splitlines()]
    lines.append(f"schema: {SCHEMA}")
    section = ""
    for key in all_keys().values():
        if key.section != section:
            section = key.section
            lines.append(f"{section}:")
        indent = "  " if section else ""
        line = f"{indent}{key.name.rpartition('.')[2]}: {written(key, value_of(recipe, key.name))}"
        remark = " ".join((remarks or {}).get(key.name, "").split())
        lines.append(f"{line:<{REMARK_COLUMN}}  # {remark}" if remark else line)
    return "\n".join(lines) + "\n"


def written(key: Key, value: Value | None) -> str:
    """One value as YAML, in one line."""
    if value is None:
        return UNKNOWN
    if isinstance(value, tuple):
        return "[" + ", ".join(_scalar(one) for one in value) + "]"
    if key.kind == "integer":
        return str(int(value))
    return _scalar(value)


def _scalar(value: str | float | bool) -> str:  # noqa: FBT001 - a value of a recipe
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        text = f"{value:.6g}" if float(f"{value:.6g}") == value else repr(float(value))
        return text if "e" not in text or "." in text else text.replace("e", ".0e")
    dumped = yaml.safe_dump(value, allow_unicode=True, width=10_000).strip().removesuffix("...").strip()
    is_plain = "\n" not in dumped and yaml.safe_load(dumped) == value and value != UNKNOWN
    return dumped if is_plain else json.dumps(value, ensure_ascii=False)
