"""The document on scripts as text in one of six formats; what a format needs is imported when it is asked for."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import TYPE_CHECKING

from trainclinic.report.clean import cleaned

if TYPE_CHECKING:
    from trainclinic.report.lint.model import LintReport

FORMATS = ("terminal", "json", "sarif", "github", "gitlab", "md")
_MODULES = {"json": "as_json", "sarif": "sarif", "github": "github", "gitlab": "gitlab"}


def render(
    report: LintReport, form: str = "terminal", *, color: bool = False, width: int = 80, statistics: bool = False
) -> str:
    """Render what was found in scripts.

    Args:
        report: The document.
        form: One of `FORMATS`.
        color: Whether the terminal form may use colour; every other form ignores it.
        width: Columns of the terminal form.
        statistics: Whether the terminal and the Markdown form count alarms instead of showing them.

    Raises:
        ValueError: If `form` is none of `FORMATS`.
    """
    # Pages of rules are our own text and may be longer than what is kept of a user's.
    shown = replace(cleaned(replace(report, rules=())), rules=report.rules)
    if form == "terminal":
        from trainclinic.report.lint.terminal import to_terminal

        return to_terminal(shown, color=color, width=width, statistics=statistics)
    if form == "md":
        from trainclinic.report.lint.markdown import to_markdown

        return to_markdown(shown, statistics=statistics)
    if form in _MODULES:
        module = importlib.import_module(f"trainclinic.report.lint.{_MODULES[form]}")
        text: str = getattr(module, f"to_{form}")(shown)
        return text
    message = f"format `{form}` is not one of {', '.join(FORMATS)}"
    raise ValueError(message)
