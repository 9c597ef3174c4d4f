"""The rows of one table with their chunks joined: columns by role, in the order of the file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.readers.grammars.layout import shown_digits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.readers.grammars.layout import Hole, RowKind, Table
    from trainclinic.record.series import Printed

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


class Rows:
    """A table with its chunks joined, in the order of the file.

    Args:
        table: Rows as they were captured.
    """

    def __init__(self, table: Table) -> None:
        order, line = np.concatenate(table.order), np.concatenate(table.line)
        columns = []
        for chunks in table.columns:
            columns.append(np.concatenate(chunks))
            chunks.clear()  # a million rows should not lie in memory twice
        self.kind: RowKind = table.kind
        self.holes = table.holes
        if bool((np.diff(order) < 0).any()):
            sort = np.argsort(order, kind="stable")
            order, line, columns = order[sort], line[sort], [column[sort] for column in columns]
        self.order: Integers = order
        self.line: Integers = line
        self.columns: list[Floats] = columns
        self.printed = [shown_digits(s, hole, table.kind) for s, hole in zip(table.samples, table.holes, strict=True)]

    def __len__(self) -> int:
        """Number of rows."""
        return int(self.order.size)

    def of(self, role: str) -> Floats | None:
        """The column of a role, or `None`."""
        return next((c for c, hole in zip(self.columns, self.holes, strict=True) if hole.role == role), None)

    def of_or_nan(self, role: str) -> Floats:
        """The column of a role, NaN when the table has none."""
        found = self.of(role)
        return np.full(len(self), np.nan) if found is None else found

    def values(self) -> Iterable[tuple[Hole, Floats, Printed]]:
        """Columns that hold quantities."""
        return ((h, c, p) for h, c, p in zip(self.holes, self.columns, self.printed, strict=True) if h.role == "value")

    def has(self, name: str) -> bool:
        """Whether a quantity of that name is among the columns."""
        return any(hole.name == name and hole.role == "value" for hole in self.holes)

    @property
    def is_telling_bar(self) -> bool:
        """Whether it holds progress bars that show metrics."""
        return self.kind == "bar" and self.is_telling

    @property
    def is_telling(self) -> bool:
        """Whether it holds more than times."""
        return any(h.role == "value" and not h.name.startswith("time") for h in self.holes)

    def with_place(self) -> Rows:
        """The rows whose step, where the table has one, is a number."""
        step = self.of("step")
        return self if step is None else self.where(np.isfinite(step))

    def where(self, mask: NDArray[np.bool_]) -> Rows:
        """The rows where `mask` is true."""
        if bool(mask.all()):
            return self
        out = Rows.__new__(Rows)
        out.kind, out.holes, out.printed = self.kind, self.holes, self.printed
        out.order, out.line = self.order[mask], self.line[mask]
        out.columns = [column[mask] for column in self.columns]
        return out
