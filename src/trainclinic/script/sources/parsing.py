"""From text to a syntax tree, or to one sentence on why there is none.

It parses with the grammar of the running Python, and nothing is compiled or run. It does not repair anything.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import NamedTuple

_PYTHON_2 = (
    (re.compile(r"^\s*print\s+(?![=+\-*/%.,:)\]}])\S|^\s*print\s*>>"), "`print` without parentheses"),
    (re.compile(r"^\s*except\s+(?:[\w.]+|\([^()]*\))\s*,\s*\w+\s*:"), "`except` with a comma"),
    (re.compile(r"^\s*exec\s+[\"'\w]"), "`exec` without parentheses"),
    (re.compile(r"^\s*raise\s+[\w.]+\s*,"), "`raise` with a comma"),
    (re.compile(r"[=(,%+\[]\s*`[^`]+`"), "backticks"),
    (re.compile(r"\S\s*<>\s*\S"), "`<>`"),
    (re.compile(r"(?<![\w.])(?:0\d+|\d+[lL])(?![\w.])"), "a number such as `0777` or `1L`"),
    (re.compile(r"(?<!\w)[uU][rR][\"']"), 'a string such as `ur""`'),
)


class Parsed(NamedTuple):
    """What became of a text.

    Attributes:
        tree: Its syntax tree; `None` when it cannot be parsed.
        says: Why there is no tree, without full stop; empty otherwise.
        line: Where parsing failed, from 1; 0 when there is no such place.
    """

    tree: ast.Module | None
    says: str = ""
    line: int = 0


def parsed(text: str) -> Parsed:
    r"""Parse Python code.

    Args:
        text: The code; lines end with `\n`.
    """
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        return Parsed(None, "holds null bytes: this is no Python text", line)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Parsed(ast.parse(text))
    except SyntaxError as error:
        return _refused(text, error)
    except (RecursionError, MemoryError):
        return Parsed(None, "is nested too deeply to be parsed")
    except (ValueError, OverflowError) as error:
        return Parsed(None, f"cannot be parsed: {error}")


def _refused(text: str, error: SyntaxError) -> Parsed:
    lines = text.split("\n")
    line = min(max(error.lineno or 1, 1), len(lines))
    code = _code_of(lines[line - 1])
    old = next((what for pattern, what in _PYTHON_2 if pattern.search(code)), "")
    if old:
        return Parsed(None, f"code is Python 2 ({old}): only Python 3 can be examined", line)
    reason = (error.msg or "invalid syntax").partition(";")[0]
    return Parsed(None, f"syntax error: {reason}", line)


def _code_of(line: str) -> str:
    """A line without the content of its strings and without its comment; quotes stay."""
    return re.sub(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|#.*", lambda m: m[0][0] * 2 if m[0][0] != "#" else "", line)
