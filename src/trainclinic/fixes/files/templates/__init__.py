"""Templates of the files, and the engine that fills them. A name that a template needs and nobody gives is an error."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def rendered(template: str, **values: Any) -> str:
    """A filled template, without blank lines at its end or three in a row.

    Args:
        template: File name in this folder.
        values: What the template names.
    """
    text = _environment().get_template(template).render(**values)
    while "\n\n\n\n" in text:
        text = text.replace("\n\n\n\n", "\n\n\n")
    return text.strip("\n") + "\n"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("trainclinic.fixes.files", "templates")
    # The files are programs and Markdown, not HTML: nothing is escaped, values come as literals.
    return Environment(
        loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
