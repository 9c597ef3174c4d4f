"""One Python file or notebook: its text, its syntax tree, and where each node stands in an editor.

It knows how positions of the parser become lines and columns that a person sees. It does not know what the code means.
"""

from __future__ import annotations

import ast
import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from trainclinic.record.parts import Damage
from trainclinic.record.source import Source
from trainclinic.script.places import Place
from trainclinic.script.sources.decoding import decoded
from trainclinic.script.sources.magics import without_magics
from trainclinic.script.sources.notebook import Cell, read_notebook
from trainclinic.script.sources.parsing import Parsed, parsed
from trainclinic.script.sources.suppressions import Suppressions, read_suppressions

MOST_BYTES = 2_000_000
"""No person writes a longer program; files beyond it hold generated tables."""
MOST_NOTEBOOK_BYTES = 50_000_000
"""A notebook carries its pictures; its code alone is held to `MOST_BYTES`."""

Kind = Literal["python", "notebook"]


@dataclass(frozen=True, eq=False)
class SourceFile:
    r"""A file with code.

    Attributes:
        name: As the user would name it, with `/`.
        path: Where it is.
        kind: A Python file or a notebook.
        text: The code that is analysed, lines ending with `\n`; of a notebook all code cells one after the other, where
            IPython's own lines and cells that cannot be parsed are blank.
        tree: Its syntax tree; `None` when it cannot be parsed.
        trouble: What is wrong with the file, or was left out of it.
        asked: Whether the user pointed at it; otherwise it is here because another file imports it.
        cells: The code cells of a notebook.
        shell_lines: Command lines of a notebook (`!accelerate launch ...`), each with its first line in `text`.
    """

    name: str
    path: Path
    kind: Kind
    text: str
    tree: ast.Module | None = None
    trouble: tuple[Damage, ...] = ()
    asked: bool = True
    cells: tuple[Cell, ...] = ()
    shell_lines: tuple[tuple[str, int], ...] = ()

    @cached_property
    def suppressed(self) -> Suppressions:
        """What its comments silence."""
        return read_suppressions(self.text)

    @cached_property
    def ast_lines(self) -> list[str]:
        """Lines of `text`, as the parser counts them."""
        return self.text.split("\n")

    def place(self, node: ast.AST) -> Place:
        """The span of a node.

        Args:
            node: A node of `tree`; one without a position of its own (a comprehension, the arguments of a function) has
                that of what is inside it.
        """
        first_line, first, last_line, last = _span(node)
        line, column = self._position(first_line, first)
        end_line, end_column = max(self._position(last_line, last), (line, column))
        return self.lines_to_place(line, column, end_line, end_column)

    def lines_to_place(self, line: int, column: int, end_line: int, end_column: int) -> Place:
        """A span of `text`, which lies in one cell, as a place.

        Args:
            line: First line of `text`, from 1.
            column: First column, from 1, in characters.
            end_line: Last line.
            end_column: Column after the last character.
        """
        cell = self._cell_at(line)
        if cell is None:
            return Place(self.name, line, column, end_line, end_column)
        before = cell.first - 1
        return Place(self.name, line - before, column, end_line - before, end_column, cell.number)

    def text_line(self, place: Place) -> tuple[int, int]:
        """First and last line of a place within `text`.

        Args:
            place: A place in this file.
        """
        before = next((cell.first - 1 for cell in self.cells if cell.number == place.cell), 0)
        return place.line + before, place.end_line + before

    def line_text(self, place_line: int, cell: int = 0) -> str:
        """A line as the editor shows it; empty when there is no such line.

        Args:
            place_line: Its number as in a `Place`, from 1.
            cell: Number of the notebook cell, 0 outside notebooks.
        """
        lines: Sequence[str] = next((each.lines for each in self.cells if each.number == cell), ())
        if not self.cells:
            lines = self.ast_lines
        return lines[place_line - 1] if 1 <= place_line <= len(lines) else ""

    def snippet(self, place: Place) -> str:
        """The whole lines of a place.

        Args:
            place: A place in this file.
        """
        return "\n".join(self.line_text(line, place.cell) for line in range(place.line, place.end_line + 1))

    def _position(self, line: int, offset: float) -> tuple[int, int]:
        """A position of the parser in characters, kept inside the text.

        Parts of an f-string have positions outside of it before Python 3.12.
        """
        line = min(max(line, 1), len(self.ast_lines))
        text = self.ast_lines[line - 1]
        if not text.isascii() and offset < math.inf:
            offset = len(text.encode()[: int(offset)].decode(errors="ignore"))
        return line, int(min(max(offset, 0), len(text))) + 1

    def _cell_at(self, line: int) -> Cell | None:
        at = bisect.bisect_right(self.cells, line, key=lambda cell: cell.first)
        return self.cells[at - 1] if at else None


def _span(node: ast.AST) -> tuple[int, float, int, float]:
    """First line and byte, last line and byte of a node, or of what is inside it."""
    if isinstance(node, ast.Module):
        return 1, 0, 1, math.inf
    spans: list[tuple[Any, Any, Any, Any]] = [
        (each.lineno, each.col_offset, each.end_lineno, each.end_col_offset)  # type: ignore[attr-defined]
        for each in ([node] if hasattr(node, "lineno") else ast.walk(node))
        if hasattr(each, "lineno")
    ]
    if not spans:
        return 1, 0, 1, math.inf
    first = min(span[:2] for span in spans)
    last = max((span[2] or span[0], span[3] or span[1]) for span in spans)
    return *first, *last


def read_source(path: Path, name: str, *, asked: bool = True) -> SourceFile:
    """Read and parse a file; whatever is wrong with it is said in `trouble`, and nothing is raised.

    Args:
        path: The file.
        name: How the user would name it.
        asked: Whether the user pointed at it.
    """
    kind: Kind = "notebook" if path.suffix.lower() == ".ipynb" else "python"
    limit = MOST_NOTEBOOK_BYTES if kind == "notebook" else MOST_BYTES
    empty = SourceFile(name, path, kind, "", asked=asked)
    try:
        with path.open("rb") as handle:
            data = handle.read(limit + 1)
    except OSError as error:
        return replace(empty, trouble=(Damage(f"cannot be read: {error.strerror or error}", Source(name)),))
    if len(data) > limit:
        return _too_large(empty, limit)
    text, trouble = decoded(data, name)
    empty = replace(empty, trouble=trouble)
    return _as_notebook(empty, text) if kind == "notebook" else _as_python(empty, text)


def _too_large(empty: SourceFile, limit: int) -> SourceFile:
    says = f"code of more than {limit:,} bytes was not read: no script is that long"
    return replace(empty, trouble=(*empty.trouble, Damage(says, Source(empty.name))))


def _as_python(empty: SourceFile, text: str) -> SourceFile:
    result = parsed(text)
    if result.tree is None and ("!" in text or "%" in text):
        exported = _as_exported_notebook(empty, text)
        if exported is not None:
            return exported
    return _with_tree(replace(empty, text=text), result)


def _as_exported_notebook(empty: SourceFile, text: str) -> SourceFile | None:
    """The file as one that a notebook was exported to, where nothing but its magic lines is no Python."""
    plain = without_magics(text)
    result = parsed(plain.text)
    if result.tree is None:
        return None
    line = next((n for n, (a, b) in enumerate(zip(text.split("\n"), plain.text.split("\n")), start=1) if a != b), 1)  # noqa: B905
    says = "lines for IPython (`!`, `%`) were left out: Python cannot run this file"
    return replace(
        empty,
        text=plain.text,
        tree=result.tree,
        trouble=(*empty.trouble, Damage(says, Source(empty.name, line))),
        shell_lines=plain.shell_lines,
    )


def _as_notebook(empty: SourceFile, raw: str) -> SourceFile:
    notebook = read_notebook(raw, empty.name)
    if len(notebook.text) > MOST_BYTES:
        return _too_large(empty, MOST_BYTES)
    file = replace(
        empty,
        text=notebook.text,
        cells=notebook.cells,
        shell_lines=notebook.shell_lines,
        trouble=(*empty.trouble, *notebook.trouble),
    )
    return _with_tree(file, parsed(notebook.text)) if notebook.is_readable else file


def _with_tree(file: SourceFile, result: Parsed) -> SourceFile:
    if result.tree is not None:
        return replace(file, tree=result.tree)
    return replace(file, trouble=(*file.trouble, Damage(result.says, Source(file.name, result.line or None))))
