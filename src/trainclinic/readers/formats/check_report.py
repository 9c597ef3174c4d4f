"""Reports of checks: what was found when somebody looked at labels, token ids, weights, dtypes or gradients."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from trainclinic.readers.checks.claims import MOST_LINES, claims
from trainclinic.readers.checks.line import Line
from trainclinic.readers.checks.outcomes import outcomes
from trainclinic.readers.fragment import Fragment
from trainclinic.readers.reader import Reader

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

_SUFFIXES = {".txt", ".log", ".out", ".md", ".jsonl", ".ndjson", ".json"}
_REPORTS = re.compile(r"report|preview|dump|probe|hook|sanity|verif|audit|inspect", re.I)
_PERHAPS = re.compile(r"check|debug|diff|compar|stats|weights|labels|tokens|grads?|dtypes?|diagnos|mask|notes?", re.I)
_STEP = re.compile(r"\b(?:global[ _])?(?:step|iteration|iter)\W{1,3}(\d{1,13})\b", re.I)
_SNIFFED = 400
_MOST_CHARACTERS = 400


def sniff(file: LogFile) -> float:
    """By a name that people give to reports, when some line says what a check found."""
    stem = file.path.stem
    if file.path.suffix.lower() not in _SUFFIXES or file.is_binary:
        return 0.0
    score = 0.85 if _REPORTS.search(stem) else 0.6 if _PERHAPS.search(stem) else 0.0
    if not score or "checkpoint" in stem.lower():
        return 0.0
    lines = [
        Line(number, text[:_MOST_CHARACTERS])
        for number, text in enumerate(file.head_text.splitlines()[:_SNIFFED], start=1)
    ]
    return score if next(claims(lines), None) is not None or outcomes(lines) else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read what the lines say, and the events that any log line can be.

    Raises:
        ReadError: If the file cannot be read.
    """
    from trainclinic.readers.grammars.events import EventCollector

    collector = EventCollector(file, is_report=True)
    for number, line in file.lines():
        if number > MOST_LINES:
            file.count_damage(f"lines after the first {MOST_LINES:,} were not read", number)
            break
        text = line.lstrip("\ufeff")
        collector.begin_block(text.lower())
        collector.look_at(text, number, number)
    collector.finish()
    fragment = Fragment(file=file.name, reader="check_report")
    for seen in collector.seen:
        named = _STEP.search(seen.event.says)
        fragment.events.append(replace(seen.event, step=int(named[1]) if named else None))
    fragment.results = collector.results()
    return [fragment]


READER = Reader(
    name="check_report",
    title="Reports of checks (weights_report.txt, labels_preview.jsonl, tokens_dump.txt)",
    recognised_by="a name that people give to reports, and a line that says what a check found",
    delivers="what was found about labels, token ids, weights, dtypes, gradients, saved tensors and hidden values",
    limits=f"the first {MOST_LINES:,} lines; wordings that we do not know are left out",
    sniff=sniff,
    read=read,
)
