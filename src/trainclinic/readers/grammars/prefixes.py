"""What stands before a row: terminal colours, ranks of processes, time stamps, log levels and logger names."""

from __future__ import annotations

import re
from typing import NamedTuple

COLOURS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")

_RANK = re.compile(
    r"\[?(?:rank|default|worker|proc(?:ess)?|gpu)[ _:=]?(\d+)\]?(?:<\w+>)?(?:[:|]\s*|\s+)"
    r"|\[\d+,(\d+)\]<\w+>:\s?|\(\w+ pid=\d+[^)]*\)\s*",
    re.I,
)
_STAMP = re.compile(
    r"[\[(]?(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?|\d\d/\d\d/\d{4} \d\d:\d\d:\d\d)(?:Z|[+-]\d\d:?\d\d)?"
    r"[\])]?\s*(?:[-|:,>]+\s+|>>\s*|\s|$)"
)
_SHORT_TIME = re.compile(r"[\[(]?(?:\d\d/\d\d )?\d\d:\d\d:\d\d(?:[.,]\d+)?[\])]?\s+[-|:]?\s*")
_LEVEL = re.compile(
    r"[\[(<]?\s?(?:DEBUG|INFO|NOTICE|WARNING|WARN|ERROR|CRITICAL|TRACE)\b(?:\|[\w./-]+:\d+)?\s?[\])>]?"
    r"(?:\s*([:|-])\s*(?!(?:step|iter|epoch|loss|batch|update)\w*\b)[\w.]+(?::\d+)?\s*\1(?=[^\d]|$)|\s*[:|-])?\s*(?:>>\s*)?"
)
_PLACE = re.compile(r"[\[(][\w./-]+\.py:\d+(?::[\w<>]+)?[\])]\s*[:|-]?\s*|[\w./-]+\.py:\d+[:\]]?\s+[-|]?\s*")
_LOGGER = re.compile(r"[\w.]{1,40}\s[-|]\s(?=(?:DEBUG|INFO|WARNING|ERROR)\b)")
_EVALUATION = re.compile(r"(?:^|[|\s\[(>-])(?:val|valid|validation|eval|evaluation|test)\s*[|\]):-]", re.I)
_NUMBERED = re.compile(r"(\d{1,3}): ", re.M)


_PARTS = (_LEVEL, _PLACE, _SHORT_TIME, _LOGGER)


class Prefix(NamedTuple):
    """What stands before the text proper.

    Attributes:
        end: Where the text proper begins.
        rank: Begin and end of the process number, when there is one.
        stamp: Begin and end of a time stamp with a date, when there is one.
    """

    end: int
    rank: tuple[int, int] | None = None
    stamp: tuple[int, int] | None = None


def read_prefix(text: str, *, numbered: bool = False) -> Prefix:
    """Find the prefix of a line.

    Args:
        text: One line without colours.
        numbered: Lines of this file begin with the number of a process and a colon (`srun --label`).
    """
    end = len(text) - len(text.lstrip())
    rank = stamp = None
    if numbered and (match := _NUMBERED.match(text, end)):
        rank, end = match.span(1), match.end()
    for _ in range(6):
        if match := _RANK.match(text, end):
            group = match.lastindex
            rank = match.span(group) if group and rank is None else rank
        elif match := _STAMP.match(text, end):
            stamp = match.span(1) if stamp is None else stamp
        else:
            match = next((found for part in _PARTS if (found := part.match(text, end))), None)
        if not match or match.end() == end:
            break
        end = match.end()
    return Prefix(end, rank, stamp)


def says_evaluation(text: str, prefix: Prefix) -> bool:
    """Whether the logger's name in a prefix is that of an evaluation (`INFO | valid | epoch 001`)."""
    return _EVALUATION.search(text[: prefix.end]) is not None


def lines_are_numbered(head: str) -> bool:
    """Whether lines begin with process numbers (`0: `): most do, and each of few numbers is met often."""
    lines = [line for line in head.splitlines()[:400] if line.strip()]
    numbers = [match.group(1) for line in lines if (match := _NUMBERED.match(line))]
    return len(lines) >= 6 and len(numbers) >= 0.8 * len(lines) and len(set(numbers)) * 3 <= len(numbers)
