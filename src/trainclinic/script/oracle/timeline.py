"""The history of a callable as few rows: each parameter once, with the first and the last version that has it.

Rows stand in an order in which those of any one version are in the order of its signature; a parameter that moves, or
whose default changes, gets a row of its own from then on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trainclinic.script.oracle.parameters import OPAQUE, Kind, Parameter, Shape

NEWEST = -1
"""Stands for the last version in a row that is still alive there, so that a new version changes few rows."""
_CODES: dict[Kind, str] = {"positional": "p", "keyword": "k", "var_positional": "*", "var_keyword": "**"}
_KINDS: dict[str, Kind] = {code: kind for kind, code in _CODES.items()}
_ALIAS = "a"
Row = list[Any]
"""Name, code of the kind, default (for aliases the new name), index of the first version, index of the last."""


def spans(indices: Sequence[int], newest: int) -> list[list[int]]:
    """Ascending indices as ranges `[first, last]`.

    Args:
        indices: Indices of versions.
        newest: Index that is written as `NEWEST`.
    """
    found: list[list[int]] = []
    for index in indices:
        if found and found[-1][1] == index - 1:
            found[-1][1] = index
        else:
            found.append([index, index])
    return [[first, NEWEST if last == newest else last] for first, last in found]


def within(index: int, first: int, last: int) -> bool:
    """Whether a version lies in the range of a row."""
    return first <= index and (last == NEWEST or index <= last)


def encode(shapes: Mapping[int, Shape], newest: int) -> dict[str, Any]:
    """The history of one callable as plain data.

    Args:
        shapes: What it takes, by index of the version; versions without it are missing.
        newest: Index of the newest version.
    """
    rows: list[Row] = []
    for index in sorted(shapes):
        _merge(rows, [_packed(parameter) for parameter in shapes[index].parameters], index)
    for row in rows:
        row[4] = NEWEST if row[4] == newest else row[4]
    names = dict.fromkeys(name for shape in shapes.values() for name in shape.continues)
    continues = [
        [name, *span]
        for name in names
        for span in spans([i for i in sorted(shapes) if name in shapes[i].continues], newest)
    ]
    return {"seen": spans(sorted(shapes), newest), **({"continues": continues} if continues else {}), "rows": rows}


def decode(history: Mapping[str, Any], index: int) -> Shape | None:
    """What a callable takes in one version, `None` where that version lacks it.

    Args:
        history: As `encode` gives it.
        index: Index of the version.
    """
    if not any(within(index, *span) for span in history["seen"]):
        return None
    parameters = tuple(_unpacked(row) for row in history["rows"] if within(index, row[3], row[4]))
    continues = [name for name, first, last in history.get("continues", ()) if within(index, first, last)]
    return Shape(parameters, tuple(continues))


def _merge(rows: list[Row], packed: list[tuple[Any, ...]], index: int) -> None:
    """Extend the rows that were alive in the version before, and insert the others where they belong."""
    from difflib import SequenceMatcher

    alive = [position for position, row in enumerate(rows) if row[4] == index - 1]
    before = [tuple(rows[position][:3]) for position in alive]
    matcher = SequenceMatcher(None, before, packed, autojunk=False)
    merged: list[tuple[int, Row]] = []
    anchor = -1
    kept = {j + k: alive[i + k] for i, j, size in matcher.get_matching_blocks() for k in range(size)}
    for position, parameter in enumerate(packed):
        if position in kept:
            anchor = kept[position]
            rows[anchor][4] = index
        else:
            merged.append((anchor + 1, [*parameter, index, index]))
    for at, row in reversed(merged):
        rows.insert(at, row)


def _packed(parameter: Parameter) -> tuple[str, str, str | None]:
    if parameter.renamed_to:
        return parameter.name, _ALIAS, parameter.renamed_to
    return parameter.name, _CODES[parameter.kind], parameter.default


def _unpacked(row: Row) -> Parameter:
    name, code, default = row[:3]
    if code == _ALIAS:
        return Parameter(name, "keyword", OPAQUE, default)
    return Parameter(name, _KINDS[code], default)
