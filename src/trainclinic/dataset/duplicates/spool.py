"""Tables that grow by rows in a temporary file, so that memory holds no more of them than is being read.

It knows bytes and shapes. It does not know what the columns mean.
"""

from __future__ import annotations

import mmap
from tempfile import SpooledTemporaryFile
from typing import Any
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

IN_MEMORY_BYTES = 32_000_000
"""Size from which a table moves to disk."""


class Spool:
    """A table that is read column by column, or as a whole.

    It can be sent to another process: its content travels with it.

    Args:
        width: Columns.
        dtype: Type of the values.
        by_column: Whether it is read by `column`; otherwise it is read by `rows`.
    """

    def __init__(self, width: int, dtype: type[np.generic], *, by_column: bool = False) -> None:
        self.width = width
        self.dtype = np.dtype(dtype)
        self.by_column = by_column
        self._blocks: list[int] = []
        self._length = 0
        self._open(b"")

    def __len__(self) -> int:
        """Number of rows."""
        return self._length

    def append(self, rows: NDArray[Any]) -> None:
        """Add rows at the end.

        Args:
            rows: Values, `[rows, width]`.
        """
        values = np.ascontiguousarray(rows.T if self.by_column else rows, self.dtype)
        self._write(values.tobytes(), [len(rows)])

    def extend(self, later: Spool) -> None:
        """Add the rows of a table of the same kind."""
        self._write(later._content(), later._blocks)

    def column(self, at: int) -> NDArray[Any]:
        """One column of all rows, `[rows]`."""
        whole = np.empty(self._length, self.dtype)
        row, start = 0, 0
        for length in self._blocks:
            self._file.seek(start + at * length * self.dtype.itemsize)
            part = self._file.read(length * self.dtype.itemsize)
            whole[row : row + length] = np.frombuffer(part, self.dtype)
            row += length
            start += length * self.width * self.dtype.itemsize
        return whole

    def rows(self) -> NDArray[Any]:
        """All rows, `[rows, width]`; of a large table the parts that are looked at are read from disk."""
        size = self._length * self.width * self.dtype.itemsize
        if not size:
            return np.zeros((0, self.width), self.dtype)
        if size <= IN_MEMORY_BYTES:
            content: bytes | mmap.mmap = self._content()
        else:
            self._file.flush()
            content = mmap.mmap(self._file.fileno(), size, access=mmap.ACCESS_READ)
        return np.frombuffer(content, self.dtype).reshape(self._length, self.width)

    def _open(self, content: bytes) -> None:
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - it lives as long as the table
        self._file.write(content)
        finalize(self, self._file.close)

    def _write(self, values: bytes, blocks: list[int]) -> None:
        self._file.seek(0, 2)
        self._file.write(values)
        self._blocks += blocks
        self._length += sum(blocks)

    def _content(self) -> bytes:
        self._file.seek(0)
        return self._file.read()

    def __getstate__(self) -> dict[str, Any]:
        """What travels to another process."""
        return {**self.__dict__, "_file": self._content()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Write the content to a file of this process."""
        self.__dict__.update(state)
        self._open(state["_file"])
