"""Tables whose columns are named once, above their rows: fastai, spaCy, and the table of a notebook that was pasted.

A head has at least three names, the first of which counts steps or epochs (spaCy: `E` and `#`). A row below it has a
number, a clock or a dash for each name; the first other line ends no table, since messages stand between rows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainclinic.readers.grammars.layout import Hole
from trainclinic.readers.grammars.numbers import NUMBER
from trainclinic.readers.tables.column_names import canonical_name, is_epoch_name, is_step_name
from trainclinic.record.vocabulary import SERIES

if TYPE_CHECKING:
    from trainclinic.readers.grammars.layout import Role, RowKind

FEWEST_NAMES, MOST_NAMES = 3, 60
MOST_CHARACTERS = 2_000
_GAP = re.compile(r"\s{2,}|\t|\s*\|\s*")
_CELL = re.compile(r"[^\s|]+")
_NUMBER = re.compile(NUMBER)
_CLOCK = re.compile(r"\d+:\d\d(?::\d\d)?")
_NAME = re.compile(r"[A-Za-z#][\w #/%.-]{0,60}")
_BLANK = frozenset(("-", "--", "#na#", "none"))
_HELD_OUT = frozenset(("train/accuracy", "train/token_accuracy", "train/perplexity"))


class HeadedTables:
    """Remembers the last head that was seen, and reads rows under it."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def look_at(self, text: str) -> tuple[RowKind, list[Hole]] | None:
        """What the numbers of a line are when it is a row under a head; heads are remembered.

        Args:
            text: The line.
        """
        if len(text) > MOST_CHARACTERS:
            return None
        if self._names:
            cells = list(_CELL.finditer(text))
            if len(cells) == len(self._names) and all(_is_cell(cell[0]) for cell in cells):
                pairs = zip(self._names, cells, strict=True)
                return "row", [hole for name, cell in pairs for hole in _hole(name, cell)]
        names = _head(text)
        if names:
            self._names = names
        return None


def _head(text: str) -> list[str]:
    """The names of a head; empty when the line is none."""
    names = [name for name in _GAP.split(text.strip()) if name]
    if not FEWEST_NAMES <= len(names) <= MOST_NAMES or not all(map(_NAME.fullmatch, names)):
        return []
    if names[:2] == ["E", "#"] and any(name.startswith("LOSS") for name in names):
        return ["epoch", "step", *(f"spacy/{name.lower().replace(' ', '_')}" for name in names[2:])]
    if not (is_step_name(names[0]) or is_epoch_name(names[0])):
        return []
    meant = [canonical_name(name) for name in names]
    if len(set(meant)) < len(meant) or not {"train/loss", "eval/loss"} & set(meant):
        return []
    # fastai measures every metric on the validation rows, and gives it no prefix.
    is_fastai = names[0] == "epoch" and {"train_loss", "valid_loss"} <= set(names)
    known = [name if name in SERIES else plain.lower() for name, plain in zip(meant, names, strict=True)]
    if is_fastai:
        known = [name.replace("train/", "eval/") if name in _HELD_OUT else name for name in known]
        known = ["seconds_per_epoch" if name == "time" else name for name in known]
    return known


def _is_cell(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text) or _CLOCK.fullmatch(text)) or text.lower() in _BLANK


def _hole(name: str, cell: re.Match[str]) -> list[Hole]:
    if cell[0].lower() in _BLANK:
        return []
    role: Role = "epoch" if is_epoch_name(name) else "step" if is_step_name(name) else "value"
    is_clock = ":" in cell[0]
    return [
        Hole(
            *cell.span(),
            role=role,
            name=name if role == "value" else "",
            shape="clock" if is_clock else "number",
            unit="s" if is_clock and name not in SERIES else "",
        )
    ]
