"""CSV and TSV: Lightning `metrics.csv`, Keras `CSVLogger`, tracker exports and whatever a script wrote with commas."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.readers.blocks import Block, text_blocks
from trainclinic.readers.reader import Reader
from trainclinic.readers.tables.dialect import Dialect, confidence, detect, exported_run, is_number, split_row
from trainclinic.readers.tables.number_columns import Kind, floats_of, kind_of, printed_like, regular_cells
from trainclinic.readers.tables.run_columns import is_evaluation, is_phase_name, is_run_name, several_runs
from trainclinic.readers.tables.table import Table, fragments_of
from trainclinic.record.errors import ReadError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.readers.file import LogFile
    from trainclinic.readers.fragment import Fragment

_TABLES = {".csv", ".tsv"}
_TEXTS = {"", ".txt", ".log", ".dat", ".out", ".tab", ".psv"}
_TAGS = {"key", "metric", "tag", "metric_name", "metric name", "name", "metrickey"}
_LOG_WORDS = ("metric", "loss", "log", "history", "train", "progress")


def sniff(file: LogFile) -> float:
    """By a header row with names of training quantities above rows of numbers; without one, by the file's name."""
    suffix = file.path.suffix.lower()
    if suffix not in _TABLES | _TEXTS or file.is_binary:
        return 0.0
    dialect = detect(file.head_text)
    if dialect is not None:
        return confidence(dialect, named_table=suffix in _TABLES)
    named = suffix in _TABLES and any(word in file.path.stem.lower() for word in _LOG_WORDS)
    return 0.3 if named and _is_headerless(file) else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read every numeric column; rows and cells that do not fit the header are counted.

    Raises:
        ReadError: If there is no header row, or no column of numbers below it.
    """
    dialect = detect(file.head_text)
    if dialect is None:
        message = f"`{file.name}` has no header row with a name of a training quantity"
        raise ReadError(message, hint="put the column names into the first line, e.g. `step,loss,lr`")
    body = _Body(file, dialect)
    for block in text_blocks(file):
        body.take(block)
    fragments = body.fragments()
    if not fragments:
        message = f"`{file.name}` has a header row and no row with a number"
        raise ReadError(message, hint="the run may have stopped before it logged anything")
    return fragments


def _is_headerless(file: LogFile) -> bool:
    """Whether the file begins with rows of numbers and nothing else."""
    lines = [line for line in file.head_text.splitlines()[:5] if line.strip()]
    cells = [cell for line in lines for sign in ",;\t" if sign in line for cell in split_row(line, sign)]
    return len(lines) > 1 and bool(cells) and all(map(is_number, cells))


class _Body:
    """The rows below a header, block after block.

    Args:
        file: The file; damage is counted on it.
        dialect: How it is written.
    """

    def __init__(self, file: LogFile, dialect: Dialect) -> None:
        self.file = file
        self.dialect = dialect
        self.names = _column_names(file, dialect.header)
        self.kinds: list[Kind] = [kind_of(dialect.cells(at)) for at in range(len(self.names))]
        self.table = Table(file, "delimited_table")
        for at, name in enumerate(self.names):
            if self.kinds[at] == "number":
                self.table.printed[name] = printed_like(dialect.cells(at), name)
        self.rows = 0
        self.lines: list[NDArray[np.int64]] = []
        self.run_column = self._first(is_run_name)
        self.phase_column = self._first(is_phase_name)
        self.tag_column = self._first(lambda name: name.lower() in _TAGS)
        if self.tag_column is not None and (self.kinds[self.tag_column] != "text" or self._first(_is_value) is None):
            self.tag_column = None
        self.runs: list[str] = []
        self.tags: list[str] = []
        self.evaluation: list[bool] = []

    def _first(self, fits: Callable[[str], bool]) -> int | None:
        """The first column whose name fits."""
        return next((at for at, name in enumerate(self.names) if fits(name)), None)

    def take(self, block: Block) -> None:
        """Add the rows of one block."""
        first, text = block.first_line, block.text.replace("\r", "\n")
        if first <= self.dialect.header_line:
            skipped = self.dialect.header_line - first + 1
            parts = text.split("\n", skipped)
            first, text = first + skipped, parts[skipped] if len(parts) > skipped else ""
        if not text:
            return
        if self.dialect.decimal_comma:
            text = text.replace(",", ".")
        width = len(self.dialect.header)
        last = text.rpartition("\n")[2]
        cut = block.is_cut and last.count(self.dialect.separator) + 1 < width
        header = self.dialect.separator.join(self.dialect.header)
        cells = None if cut or header in text else regular_cells(text, self.dialect.separator, width)
        if cells is not None:
            count = len(cells) // width
            self._add([cells[at::width] for at in range(width)], np.arange(first, first + count))
        else:
            self._take_line_by_line(first, text, cut=cut)

    def _take_line_by_line(self, first: int, text: str, *, cut: bool) -> None:
        """A block in which some line does not fit the header."""
        width = len(self.dialect.header)
        rows: list[list[str]] = []
        numbers: list[int] = []
        lines = text.split("\n")
        if cut:
            self.file.count_damage("truncated last line", first + len(lines) - 1)
            lines.pop()
        for line_number, line in enumerate(lines, start=first):
            if not line.strip() or line.startswith("#") or set(line) <= set("|-:+ "):
                continue
            row = split_row(line, self.dialect.separator)
            if tuple(row) == self.dialect.header:
                self.file.count_damage("header row repeated in the middle of the file", line_number)
                continue
            while len(row) > width and not row[-1]:
                row.pop()
            if len(row) != width:
                self.file.count_damage("row with more or fewer cells than the header", line_number)
                row = (row + [""] * width)[:width]
            rows.append(row)
            numbers.append(line_number)
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            self._add(columns, np.asarray(numbers, np.int64))

    def _add(self, columns: list[list[str]], lines: NDArray[np.int64]) -> None:
        """Convert the cells of a block, one list per column, and add them to the table."""
        for at, (name, kind) in enumerate(zip(self.names, self.kinds, strict=True)):
            if at == self.run_column:
                self.runs += columns[at]
            if at == self.tag_column:
                self.tags += columns[at]
            if at == self.phase_column:
                self.evaluation += map(is_evaluation, columns[at])
            if kind == "text":
                continue
            rows, values, wrong = floats_of(columns[at], kind)
            if wrong:
                self.file.count_damage("cell that is not a number", int(lines[wrong[0]]), count=len(wrong))
            self.table.add(name, rows + self.rows, values)
        self.rows += lines.size
        self.lines.append(lines)

    def fragments(self) -> list[Fragment]:
        """One fragment per run: the file's only one, those of its run column, or those that its header names."""
        if not self.lines:
            return []
        self.table.lines = np.concatenate(self.lines)
        if self.run_column is not None and several_runs(self.runs):
            self.table.labels = np.asarray(self.runs)
            self.table.discard(self.names[self.run_column])
        if self.tags:
            self._spread_tags()
        if any(self.evaluation):
            self.table.mark_evaluation(np.flatnonzero(self.evaluation))
        exported = {name: found for name in self.table.names if (found := exported_run(name))}
        if not exported or self.table.labels is not None:
            return fragments_of(self.table)
        fragments = []
        for run in dict.fromkeys(run for run, _ in exported.values()):
            names = {name: column for name, (owner, column) in exported.items() if owner == run}
            names = {name: column for name, column in names.items() if not column.endswith(("__MIN", "__MAX"))}
            shared = {name: name for name in self.table.names if name not in exported}
            part = self.table.part({**shared, **names})
            for fragment in fragments_of(part):
                fragment.label = run
                fragments.append(fragment)
        return fragments

    def _spread_tags(self) -> None:
        """One column per name in a table that holds one value per row (`key,value,step`)."""
        value = next(filter(_is_value, self.names))
        if value not in self.table.names:
            return
        rows, values = self.table.column(value)
        tags = np.asarray(self.tags)[rows]
        for tag in dict.fromkeys(self.tags):
            chosen = tags == tag
            self.table.add(tag, rows[chosen], values[chosen])
        self.table.discard(value)


def _is_value(name: str) -> bool:
    return name.lower() == "value"


def _column_names(file: LogFile, header: tuple[str, ...]) -> tuple[str, ...]:
    """The header; TensorBoard's CSV export says only in the file's name what its `Value` is."""
    lowered = [name.lower() for name in header]
    if set(lowered) != {"wall time", "step", "value"}:
        return header
    tag = file.path.stem.rpartition("tag-")[2]
    return tuple(tag if name == "value" else shown for name, shown in zip(lowered, header, strict=True))


READER = Reader(
    name="delimited_table",
    title="CSV or TSV of metrics (Lightning, Keras, tracker exports, own scripts)",
    recognised_by="a header row that names a training quantity, above rows of numbers",
    delivers="every numeric column by step, epoch or row; several runs by a run column or by `run - column` headers",
    limits="no settings; a file without a header row is refused, because nothing says which column is the loss",
    sniff=sniff,
    read=read,
)
