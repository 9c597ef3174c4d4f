"""Code in a terminal: long lines are broken only where the code still runs when it is copied.

Inside brackets Python may go on in the next line; outside of them a backslash says so, for Python and shell alike. A
comment behind the code moves above it.
"""

from __future__ import annotations

import textwrap

INDENT = "    "
DEEPER, KEYWORD = 12, 20
"""Columns that a bracket around a break, and a keyword behind it, are worth."""
_COMMENT = "  #"
_OPENING = frozenset({"for", "if", "else"})


def code_lines(code: str, width: int) -> list[str]:
    """The lines of a snippet, each at most `width` columns wherever it has a place to break.

    Args:
        code: Lines of Python or shell.
        width: Columns.
    """
    return [part for line in code.splitlines() for part in _broken(line, width)]


def _broken(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    code, mark, comment = line.partition(_COMMENT)
    if not code.strip():
        return [line]
    if mark:
        return [*_comment(comment, width), *_broken(code.rstrip(), width)]
    if line.startswith("#"):
        return _comment(line[1:], width)
    return _wrapped(line, width)


def _comment(text: str, width: int) -> list[str]:
    return textwrap.wrap(text.strip(), width, initial_indent="# ", subsequent_indent="# ", break_long_words=False)


def _wrapped(line: str, width: int) -> list[str]:
    """One line of code over several; what holds no place to break stays long."""
    places = _places(line)
    depths = dict(places)
    parts: list[str] = []
    start, indent = 0, ""
    while len(indent) + len(line) - start > width:
        limit = start + width - len(indent)
        inside = [at for at, depth in places if depth > 0 and start < at <= limit]
        outside = [at for at, depth in places if depth == 0 and start < at <= limit - 2]
        if not inside and not outside:
            break
        at, end = (max(inside, key=lambda at: _worth(line, at, depths[at])), "") if inside else (outside[-1], " \\")
        parts.append(f"{indent}{line[start:at]}{end}")
        start, indent = at + 1, line[: len(line) - len(line.lstrip())] + INDENT
    return [*parts, f"{indent}{line[start:]}"]


def _worth(line: str, at: int, depth: int) -> int:
    """How well a line reads that is broken here: late, outside of most brackets, before a keyword and not behind it."""
    before, after = line[:at].rpartition(" ")[2], line[at + 1 :].partition(" ")[0]
    return at - DEEPER * depth + KEYWORD * ((after in _OPENING) - (before in _OPENING | {"in", "not"}))


def _places(line: str) -> list[tuple[int, int]]:
    """Spaces outside of quotes and behind the indentation, with the depth of brackets there."""
    depth, quote, found = 0, "", []
    for at, char in enumerate(line):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == " " and line[:at].strip():
            found.append((at, depth))
    return found
