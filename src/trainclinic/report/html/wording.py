"""How values and sentences become HTML: escaped first, then the project's own light markup."""

from __future__ import annotations

import math
import re

from markupsafe import Markup, escape

from trainclinic.catalogue.wording import duration, number
from trainclinic.report.model import Scalar
from trainclinic.report.wording import precise

_CODE = re.compile(r"`([^`\n]+)`")
EMPTY = Markup('<span class="none" aria-label="not logged">·</span>')


def inline(text: str) -> Markup:
    """A sentence: everything escaped, text between back-ticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))


def block(text: str) -> Markup:
    """Paragraphs and dashed lists of a page, as HTML."""
    parts = []
    for part in text.split("\n\n"):
        items = re.split(r"(?:^|\s)- (?=\S)", part) if part.lstrip().startswith("- ") else []
        if items:
            parts.append(Markup("<ul>{}</ul>").format(Markup("").join(_item(item) for item in items if item.strip())))
        elif part.strip():
            parts.append(Markup("<p>{}</p>").format(inline(part)))
    return Markup("").join(parts)


def value(raw: Scalar, unit: str = "") -> Markup:
    """A value with its unit: numbers in the project's wording, flags as yes and no, `nothing` as a dot."""
    if raw is None:
        return EMPTY
    if isinstance(raw, bool):
        return Markup("yes" if raw else "no")
    if isinstance(raw, str):
        return Markup("{}").format(raw)
    if unit == "s":
        return Markup("{}").format(duration(float(raw)))
    return Markup("{}").format(f"{precise(float(raw))} {unit}".strip())


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


def _item(text: str) -> Markup:
    return Markup("<li>{}</li>").format(inline(text.strip()))
