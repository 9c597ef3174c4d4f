"""Comments that silence a rule: `# trainclinic: ignore[LBL001] our model does not shift`, or `# tc: ignore[LBL001]`.

It knows where such a comment holds. It does not know which codes and slugs exist.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

FILE_LINES = 20
"""A comment for the whole file stands near its top, where a reader sees it."""
EVERYTHING = "*"
_COMMENT = re.compile(r"#\s*(?:trainclinic|tc)\s*:\s*ignore(-file)?(?![\w-])\s*(\[([^\]]*)\]?)?", re.I)
_NO_CODE = frozenset({tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT})


@dataclass(frozen=True, eq=False)
class Suppressions:
    """What the comments of a file silence. Lines are those of the text that was parsed.

    Attributes:
        named: Every code and slug as written, with its line, known or not.
        used: Lines that a silenced alarm met; filled by `covers`.
    """

    named: tuple[tuple[str, int], ...] = ()
    used: set[int] = field(default_factory=set)
    _whole: frozenset[str] = frozenset()
    _by_line: Mapping[int, frozenset[str]] = field(default_factory=dict)

    def covers(self, code: str, slug: str, first_line: int, last_line: int) -> bool:
        """Whether an alarm is silenced by a comment for the file, or for the first or last line of its place.

        Args:
            code: Code of the rule, in any case.
            slug: Its slug.
            first_line: First line of the place.
            last_line: Last line of the place.
        """
        names = {code.lower(), slug.lower(), EVERYTHING}
        lines = [line for line in (first_line, last_line) if names & self._by_line.get(line, frozenset())]
        self.used.update(lines)
        return bool(lines or names & self._whole)


class _Comment(NamedTuple):
    """A comment, and the lines for which it speaks."""

    text: str
    line: int
    first: int
    last: int


def read_suppressions(text: str) -> Suppressions:
    r"""Find the comments that silence rules.

    A comment speaks for its line; on the first or last line of a statement over several lines for all of them; alone on
    a line for the statement that follows.

    Args:
        text: Python code; lines end with `\n`.
    """
    if _COMMENT.search(text) is None:
        return Suppressions()
    named: list[tuple[str, int]] = []
    whole: set[str] = set()
    by_line: dict[int, frozenset[str]] = {}
    for comment in _comments(text):
        found = _COMMENT.search(comment.text)
        if found is None:
            continue
        names = re.findall(r"[^\s,]+", found[3] or "")
        named += [(name, comment.line) for name in names]
        silenced = frozenset(name.lower() for name in names) if found[2] else frozenset({EVERYTHING})
        if not found[1]:
            for line in range(comment.first, comment.last + 1):
                by_line[line] = by_line.get(line, frozenset()) | silenced
        elif comment.line <= FILE_LINES:
            whole |= silenced
    return Suppressions(tuple(sorted(named, key=lambda pair: pair[1])), _whole=frozenset(whole), _by_line=by_line)


def _comments(text: str) -> Iterator[_Comment]:
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError, ValueError):
        yield from _comments_by_line(text.split("\n"))
    else:
        yield from _comments_by_statement(tokens)


def _comments_by_statement(tokens: list[tokenize.TokenInfo]) -> Iterator[_Comment]:
    """Comments with the lines of the statement that they belong to."""
    waiting: list[tokenize.TokenInfo] = []
    inner: list[tokenize.TokenInfo] = []
    first = 0
    for token in tokens:
        if token.type == tokenize.COMMENT:
            (inner if first else waiting).append(token)
        elif token.type in (tokenize.NEWLINE, tokenize.ENDMARKER):
            last = token.start[0]
            yield from _before(waiting, first, last)
            yield from (_inside(comment, first, last) for comment in inner)
            waiting, inner, first = [], [], 0
        elif token.type not in _NO_CODE:
            first = first or token.start[0]


def _before(comments: list[tokenize.TokenInfo], first: int, last: int) -> Iterator[_Comment]:
    """Comments above a statement: those without a gap to it speak for it."""
    above = first - 1
    for comment in reversed(comments):
        line = comment.start[0]
        is_adjacent = line == above
        above -= is_adjacent
        yield _Comment(comment.string, line, first, last) if is_adjacent else _Comment(comment.string, line, line, line)


def _inside(comment: tokenize.TokenInfo, first: int, last: int) -> _Comment:
    line = comment.start[0]
    if line in (first, last):
        return _Comment(comment.string, line, first, last)
    is_alone = not comment.line[: comment.start[1]].strip()
    return _Comment(comment.string, line, line, line + is_alone)


def _comments_by_line(lines: list[str]) -> Iterator[_Comment]:
    """For text that cannot be tokenized: every `#` begins a comment."""
    for number, line in enumerate(lines, start=1):
        before, mark, comment = line.partition("#")
        if mark:
            yield _Comment(mark + comment, number, number, number + (not before.strip()))
