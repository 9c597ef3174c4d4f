"""The blocks that a terminal report is built of: titles, labelled rows, and sentences with literals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from trainclinic.report import wording

if TYPE_CHECKING:
    from trainclinic.report.model import Item

LABEL = 15


def title(text: str) -> list[RenderableType]:
    """A heading with a rule below it."""
    return [Text(), Text(text.upper(), style="bold"), Rule(style="dim", characters="─")]


def items(listed: Sequence[Item]) -> Table:
    """Labelled values with the place they were read."""
    rows = []
    for item in listed:
        where = wording.near(item.path, item.line, item.key)
        rows.append((item.label, wording.item_text(item) + (f" [{where}]" if where else "")))
    return labelled(rows, label=30)


def labelled(rows: Sequence[tuple[str, str]], label: int = LABEL) -> Table:
    """Rows of a dim label and a text that wraps beside it."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=2)
    table.add_column(width=label, style="dim", overflow="fold")
    table.add_column(ratio=1, overflow="fold")
    table.expand = True
    for name, text in rows:
        table.add_row("", Text(name), prose(text))
    return table


def prose(text: str) -> Text:
    """A sentence; what stands between back-ticks keeps them, so that nothing is lost without colour."""
    shown = Text()
    for index, part in enumerate(text.split("`")):
        literal = index % 2 == 1 and text.count("`") % 2 == 0
        shown.append(f"`{part}`" if literal else part if text.count("`") % 2 == 0 else ("`" if index else "") + part)
        if literal:
            shown.stylize("bold", len(shown) - len(part) - 2)
    return shown
