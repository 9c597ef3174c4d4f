"""How values and sentences become HTML: escaped first, then the project's own light markup."""

from __future__ import annotations

import math
import re

from markupsafe import Markup, escape

from trainclinic.catalogue.wording import number
from trainclinic.report.model import Scalar
from trainclinic.report.wording import precise, scalar

_CODE = re.compile(r"`([^`\n]+)`")
EMPTY = Markup('<span class="none" aria-label="not logged">·</span>')


def inline(text: str) -> Markup:
    """A sentence: everything escaped, text between back-ticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))


def block(text: str) -> Markup:
    """Paragraphs and dashed lists of a page, as HTML."""
    parts = []
    for part in text.split("\n\n"):
        lead, *items = re.split(r"(?:^|\n)- ", part)
        if lead.strip():
            parts.append(Markup("<p>{}</p>").format(inline(lead.strip())))
        if items:
            listed = Markup("").join(Markup("<li>{}</li>").format(inline(item.strip())) for item in items)
            parts.append(Markup("<ul>{}</ul>").format(listed))
    return Markup("").join(parts)


def value(raw: Scalar, unit: str = "") -> Markup:
    """A value with its unit, as in every other format; what is not known is a dot."""
    return EMPTY if raw is None else Markup("{}").format(scalar(raw, unit))


def figure(raw: float | None, digits: int = 5) -> Markup:
    """A number in a table cell; NaN stands out, and a value that was not logged is a dot."""
    if raw is None:
        return EMPTY
    if not math.isfinite(raw):
        return Markup('<span class="nan">{}</span>').format("NaN" if math.isnan(raw) else f"{raw:g}")
    return Markup("{}").format(precise(raw, digits))


def change(raw: float | None) -> Markup:
    """A signed difference."""
    if raw is None:
        return EMPTY
    if not math.isfinite(raw):
        return figure(raw)
    sign = "+" if raw > 0 else "−" if raw < 0 else "±"
    return Markup('<span class="{}">{}</span>').format("up" if raw > 0 else "down", f"{sign}{number(abs(raw), 3)}")


def place(path: str | None, line: int | None = None, key: str = "") -> Markup:
    """Where something was read; the last part of long paths, the whole one on hover."""
    if path is None:
        return Markup("")
    text = path if line is None else f"{path}:{line}"
    short = text if len(text) <= 44 else f"…{text[-43:]}"
    tail = Markup(" <code>{}</code>").format(key) if key and line is None else Markup("")
    return Markup('<span class="place" title="{}">{}</span>{}').format(text, short, tail)


def token(text: str) -> Markup:
    """A token's text: everything escaped, a sign before each line end."""
    return Markup(str(escape(text)).replace("\n", '<b class="eol">↵</b>\n'))
