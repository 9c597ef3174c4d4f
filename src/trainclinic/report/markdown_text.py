"""Text, code, tables and lists as GitHub-flavoured Markdown: nothing that a log holds can leave its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from trainclinic.report import wording

if TYPE_CHECKING:
    from trainclinic.report.model import Item

_SPECIAL = re.compile(r"([\\*_{}\[\]<>#|~$&])")
_BAR = re.compile(r"(?<!\\)\|")
_AUTOLINK = re.compile(r"(?i)\b(https?|ftp)://|\bwww\.|@(?=\w)")


def text(raw: str) -> str:
    """A sentence on one line: what stands between back-ticks stays code, everything else is plain text."""
    pieces = " ".join(raw.split()).split("`")
    if len(pieces) % 2 == 0:
        return _escape(" ".join(raw.split()))
    return "".join(code(piece) if index % 2 else _escape(piece) for index, piece in enumerate(pieces))


def code(raw: str) -> str:
    """A literal as a code span, whatever back-ticks it holds."""
    flat = " ".join(raw.split())
    if not flat:
        return ""
    longest = max((len(run) for run in re.findall("`+", flat)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def _escape(plain: str) -> str:
    escaped = _SPECIAL.sub(r"\\\1", plain).replace("`", "\\`")
    return _AUTOLINK.sub(
        lambda match: match.group().replace(":", "&#58;").replace(".", "&#46;").replace("@", "&#64;"), escaped
    )


def listed(items: Iterable[Item]) -> str:
    """Labelled values as a list."""
    return "\n".join(f"- {text(i.label)}: {text(wording.item_text(i))}{at(i.path, i.line, i.key)}" for i in items)


def at(path: str | None, line: int | None = None, key: str = "") -> str:
    """The place of a value in brackets; empty for what was computed."""
    where = wording.place(path, line, key)
    return f" ({code(where)})" if where else ""


def fenced(raw: str) -> str:
    """Lines of code as a block, whatever back-ticks they hold."""
    longest = max((len(run) for run in re.findall("`+", raw)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{raw}\n{fence}"


def folded(title: str, body: str) -> str:
    """A block that is folded until it is asked for."""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> str:
    """A table; the first `numbers` columns are aligned right."""
    rule = ["---:" if index < numbers else "---" for index in range(len(heads))]
    safe = [[_BAR.sub(r"\\|", cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *safe))
