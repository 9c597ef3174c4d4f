"""The document on a finished model in one of four formats; what a format needs is imported when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.report.clean import cleaned

if TYPE_CHECKING:
    from trainclinic.report.validation.model import ValidationReport

FORMATS = ("terminal", "md", "html", "json")


def render(report: ValidationReport, form: str = "terminal", *, color: bool = False, width: int = 80) -> str:
    """Render what a model is worth.

    Args:
        report: The document.
        form: One of `FORMATS`.
        color: Whether the terminal form may use colour; every other form ignores it.
        width: Columns of the terminal form.

    Raises:
        ValueError: If `form` is none of `FORMATS`.
    """
    shown = cleaned(report)
    if form == "terminal":
        from trainclinic.report.validation.terminal import to_terminal

        return to_terminal(shown, color=color, width=width)
    if form == "md":
        from trainclinic.report.validation.markdown import to_markdown

        return to_markdown(shown)
    if form == "html":
        from trainclinic.report.validation.page import to_html

        return to_html(shown)
    if form == "json":
        from trainclinic.report.validation.as_json import to_json

        return to_json(shown)
    message = f"format `{form}` is not one of {', '.join(FORMATS)}"
    raise ValueError(message)
