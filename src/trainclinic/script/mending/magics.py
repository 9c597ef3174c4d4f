"""Lines of a notebook cell that are no Python: hidden while the cell is edited, and put back afterwards."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trainclinic.script.mending.patch import Refused
from trainclinic.script.sources.magics import without_magics

_HIDDEN = re.compile(r"trainclinic_magic_(\d+)_")


@dataclass(frozen=True, slots=True)
class Masked:
    """A cell whose magic lines are hidden behind names; every line keeps its number.

    Attributes:
        text: Python, if all else in the cell is.
        hidden: The magic lines, without line breaks.
    """

    text: str
    hidden: tuple[str, ...]

    def restored(self, text: str) -> str:
        """An edited text with the magic lines in their places.

        Args:
            text: What became of `text`.

        Raises:
            Refused: If a magic line got lost or doubled.
        """
        lines = text.split("\n")
        seen = []
        for number, line in enumerate(lines):
            found = _HIDDEN.fullmatch(line.strip().removeprefix("# "))
            if found:
                seen.append(int(found[1]))
                lines[number] = self.hidden[int(found[1])]
        if seen != list(range(len(self.hidden))):
            message = "the change would touch a magic line of the cell"
            raise Refused(message)
        return "\n".join(lines)


def masked(cell: str) -> Masked:
    """Hide the lines of a cell that the reader of notebooks takes out, so that both see the same code."""
    hidden: list[str] = []
    lines: list[str] = []
    for line, plain in zip(cell.split("\n"), without_magics(cell).text.split("\n"), strict=True):
        if line == plain:
            lines.append(line)
            continue
        name = f"trainclinic_magic_{len(hidden)}_"
        indent = plain[: len(plain) - len(plain.lstrip())]
        lines.append(f"{indent}{name}" if plain.strip() else f"# {name}")
        hidden.append(line)
    return Masked("\n".join(lines), tuple(hidden))
