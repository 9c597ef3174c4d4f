"""What a way of writing rows is, and which one a row follows.

It knows that each has a file in `schemas`. It does not know any of them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from trainclinic.corpus import schemas
from trainclinic.corpus.fields import Content
from trainclinic.corpus.sample import Schema

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RowSchema:
    """One way of writing rows. Each module in `schemas` defines one as `SCHEMA`.

    Attributes:
        name: Its name, as in `Sample.schema`.
        title: What it is called.
        fields: The fields that it reads, for the generated reference.
        fits: How well the fields of a row fit, 0 (not at all) to 1.
        read: Fills the content of a row.
    """

    name: Schema
    title: str
    fields: str
    fits: Callable[[Row], float]
    read: Callable[[Row, Content], None]


@cache
def all_schemas() -> dict[Schema, RowSchema]:
    """Every way of writing rows below `schemas`, by name.

    Raises:
        ValueError: If a module defines none, or two carry one name.
    """
    found: dict[Schema, RowSchema] = {}
    for info in pkgutil.iter_modules(schemas.__path__):
        schema = getattr(importlib.import_module(f"{schemas.__name__}.{info.name}"), "SCHEMA", None)
        if not isinstance(schema, RowSchema) or schema.name in found:
            message = f"`corpus/schemas/{info.name}.py` must define `SCHEMA` with a name of its own"
            raise ValueError(message)
        found[schema.name] = schema
    return found


def schema_of(row: Row) -> RowSchema | None:
    """The way of writing that fits a row best; `None` when none fits."""
    best = max(all_schemas().values(), key=lambda schema: schema.fits(row))
    return best if best.fits(row) > 0 else None


def understood(row: Row) -> tuple[RowSchema | None, Row]:
    """The way of writing that fits a row, and the row; where no way fits, capitals and spaces in names are set aside.

    Args:
        row: Its fields by name, as written.
    """
    if (schema := schema_of(row)) is not None:
        return schema, row
    plain = {name.strip().lower(): value for name, value in row.items()}
    schema = schema_of(plain)
    return schema, row if schema is None else plain


def most_common_schema(rows: Iterable[Any]) -> tuple[Schema | None, float]:
    """How most rows are written, and the share of rows that are.

    Args:
        rows: The first rows of a file; what is no object counts as written in no way.
    """
    seen = Counter(schema.name if isinstance(row, dict) and (schema := understood(row)[0]) else None for row in rows)
    named = [(name, number) for name, number in seen.most_common() if name is not None]
    if not named:
        return None, 0.0
    return named[0][0], named[0][1] / sum(seen.values())


def renamed(row: Any, columns: Mapping[str, str]) -> Any:
    """A row whose fields carry the names of the parts that they play; what is no object stays as it is.

    Args:
        row: The row.
        columns: Which field plays which part, e.g. `{"prompt": "q"}`.
    """
    if not columns or not isinstance(row, Mapping):
        return row
    parts = {part: row[column] for part, column in columns.items() if column in row}
    return parts | {name: value for name, value in row.items() if name not in columns.values()}
