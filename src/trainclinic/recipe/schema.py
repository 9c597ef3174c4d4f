"""The JSON Schema of a recipe, made from its keys."""

from __future__ import annotations

from typing import Any

from trainclinic.recipe.keys import Key, all_keys
from trainclinic.recipe.read import SCHEMA
from trainclinic.recipe.validate import UNKNOWN

_TYPES = {"text": "string", "integer": "integer", "number": "number", "flag": "boolean"}


def recipe_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the YAML that `as_yaml` writes."""
    top: dict[str, Any] = {"schema": {"const": SCHEMA}}
    for key in all_keys().values():
        if not key.section:
            top[key.name] = _schema_of(key)
            continue
        section = top.setdefault(key.section, {"type": "object", "additionalProperties": False, "properties": {}})
        section["properties"][key.name.rpartition(".")[2]] = _schema_of(key)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA,
        "description": f"A fine-tune as plain data. `{UNKNOWN}` stands for a value that nobody told.",
        "type": "object",
        "additionalProperties": False,
        "properties": top,
    }


def _schema_of(key: Key) -> dict[str, Any]:
    holds: dict[str, Any]
    if key.kind in {"texts", "numbers"}:
        holds = {"type": "array", "items": {"type": "string" if key.kind == "texts" else "number"}}
    else:
        holds = {"type": _TYPES[key.kind]}
    if key.choices:
        holds["enum"] = list(key.choices)
    limits = {"minimum": key.at_least, "exclusiveMinimum": key.above, "maximum": key.at_most}
    holds |= {name: limit for name, limit in limits.items() if limit is not None}
    unit = f" ({key.unit})" if key.unit else ""
    described: dict[str, Any] = {"description": f"{key.meaning}{unit}", "anyOf": [holds, {"const": UNKNOWN}]}
    if key.default is not None:
        described["default"] = [*key.default] if isinstance(key.default, tuple) else key.default
    return described
