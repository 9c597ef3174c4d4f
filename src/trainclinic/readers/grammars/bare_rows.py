"""Rows without any name: `100 2.31`, `fused 250 7.4`, read as step and loss when a log has nothing else to offer.

The first number must count up and the second must not, the file must be named like a training log, and such rows must
make up most of it. That the second number is the loss remains a guess, so the record says that it is one.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.readers.grammars.layout import Hole, Table

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

FEWEST_ROWS = 3
MOST_SHARE_OF_OTHERS = 0.5
MOST_ROWS = 1_000_000
LARGEST_LOSS = 1e6
SAYS = "row whose columns have no names (read as step and loss: the first number counts up, the second does not)"
_EVALUATION = frozenset(("val", "valid", "validation", "eval", "test", "dev"))
_NO_RUN = frozenset(("train", "training", "loss", "step", "iter"))


@cache
def _row() -> re.Pattern[str]:
    return re.compile(
        r"^\s*(?:([A-Za-z][\w./-]{0,30})\s+)?(\d{1,9})(?:\s*[,;|]\s*|\s+)"
        r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf|NaN|Inf|NAN))(?=\s|[,;|]|$)"
    )


@cache
def _log_name() -> re.Pattern[str]:
    return re.compile(r"train|run\b|loss|log\b|history|progress|resum|console|stdout|nohup|slurm|output", re.IGNORECASE)


@dataclass(slots=True)
class BareRow:
    """One row: the word before it, its numbers as text, and its place."""

    word: str
    step: str
    value: str
    order: int
    line: int


@dataclass(slots=True)
class BareRows:
    """Collects rows without names as long as no other rows are seen.

    Attributes:
        file: The file; its name decides whether such rows are looked for at all.
        rows: What was seen.
        others: Lines that were looked at and are no such rows.
        is_used: Whether the rows are the log, because nothing else is.
    """

    file: LogFile
    rows: list[BareRow] = field(default_factory=list)
    others: int = 0
    is_used: bool = False

    def offer(self, text: str, line: int, order: int) -> None:
        """Look at one line that is no other row."""
        found = _row().match(text) if text[:40].strip() and any(map(str.isdigit, text[:48])) else None
        if found is None or len(self.rows) >= MOST_ROWS:
            self.others += 1
        else:
            self.rows.append(BareRow((found[1] or "").lower(), found[2], found[3], order, line))

    def settle(self) -> tuple[list[Table], list[int]]:
        """The rows as tables, and the positions at which a new word begins another run; empty when they are no log."""
        words = list(dict.fromkeys(row.word for row in self.rows if row.word not in _EVALUATION))
        parts = {word: [row for row in self.rows if row.word == word] for word in words}
        if not parts or not _log_name().search(self.file.path.name) or not all(map(_is_log, parts.values())):
            return [], []
        if self.others > MOST_SHARE_OF_OTHERS * len(self.rows):
            return [], []
        self.is_used = True
        evaluations = [row for row in self.rows if row.word in _EVALUATION]
        tables = [_table(self.rows if not evaluations else [r for w in words for r in parts[w]], "train/loss")]
        tables += [_table(evaluations, "eval/loss")] if evaluations else []
        return tables, [parts[word][0].order for word in words[1:]]

    def words(self) -> list[tuple[str, int]]:
        """The words that stand before rows, each with its first line; words that name no run are left out."""
        found: dict[str, int] = {}
        for row in self.rows:
            if row.word and row.word not in _EVALUATION | _NO_RUN:
                found.setdefault(row.word, row.line)
        return list(found.items())


def _is_log(rows: list[BareRow]) -> bool:
    """Whether numbers of rows are steps that count up and losses that do not."""
    steps = [int(row.step) for row in rows]
    values = [float(row.value) for row in rows]
    finite = [value for value in values if math.isfinite(value)]
    if len(rows) < FEWEST_ROWS or any(later <= earlier for earlier, later in pairwise(steps)):
        return False
    if any(abs(value) > LARGEST_LOSS for value in finite):
        return False
    # Whole numbers are counts, and two columns that both count up by equal amounts are positions.
    return any("." in row.value or "e" in row.value.lower() for row in rows) or not finite


def _table(rows: list[BareRow], name: str) -> Table:
    holes = (Hole(0, 1, "step"), Hole(1, 2, "value", name))
    table = Table("row", holes)
    order = np.array([row.order for row in rows], dtype=np.int64)
    line = np.array([row.line for row in rows], dtype=np.int64)
    table.add([(row.step, row.value) for row in rows], order, line, ("number", "number"))
    return table
