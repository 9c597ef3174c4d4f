"""Documents as text in one of four formats; what a format needs is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from trainclinic.report.clean import cleaned

if TYPE_CHECKING:
    from trainclinic.report.model import Document

Format = Literal["terminal", "md", "html", "json"]
FORMATS: tuple[Format, ...] = ("terminal", "md", "html", "json")


def render(documents: Sequence[Document], form: Format, *, color: bool = False, width: int = 80) -> str:
    """Render the report on one or several runs.

    Args:
        documents: One document per run, in the order to show them.
        form: `terminal`, `md`, `html` or `json`.
        color: Whether the terminal form may use colour and bold; every other form ignores it.
        width: Columns of the terminal form.

    Raises:
        ValueError: If `form` is none of the four.
    """
    shown = tuple(cleaned(document) for document in documents)
    if form == "terminal":
        from trainclinic.report.terminal.page import to_terminal

        return to_terminal(shown, color=color, width=width)
    if form == "md":
        from trainclinic.report.markdown import to_markdown

        return to_markdown(shown)
    if form == "html":
        from trainclinic.report.html.page import to_html

        return to_html(shown)
    if form == "json":
        from trainclinic.report.as_json import to_json

        return to_json(shown)
    message = f"format `{form}` is not one of {', '.join(FORMATS)}"
    raise ValueError(message)
