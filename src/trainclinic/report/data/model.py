"""The document on training data: plain values that every format prints."""

from __future__ import annotations

from dataclasses import dataclass

from trainclinic.dataset.placement import Placement
from trainclinic.dataset.showing import ShownRow
from trainclinic.report.model import AbsentEntry, FindingEntry, Item, NotEvaluatedEntry, SeverityWord, Warned


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A data file.

    Attributes:
        name: How the user would name it.
        form: Its container, with the compression.
        schema: How most of its rows are written; empty when unknown.
        split: `train` or `held-out`.
        size: Bytes on disk.
        rows: Rows that could be used; `None` when they were not counted.
    """

    name: str
    form: str
    schema: str
    split: str
    size: int
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Histogram:
    """Rows by their number of tokens.

    Attributes:
        edges: Borders of the bins in tokens, one more than bins.
        counts: Rows in each.
        limit: The length limit, when there is one.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class DataReport:
    """What some training data look like.

    Attributes:
        title: Name for the whole.
        worst: Severity of the worst finding; `None` when nothing was found.
        summary: What was found, in one sentence.
        files: The data files.
        rows: Training rows that could be used.
        held_out_rows: Held-out rows.
        lost: Rows that could not be used.
        settings: How rows become examples: stated settings with their source, assumed ones with a note.
        statistics: The data in numbers.
        findings: Symptoms that are there, the most harmful first.
        absent: Symptoms that were looked for and are not there.
        not_evaluated: Symptoms that could not be looked for.
        shown: Rows token by token.
        steps: Single optimizer steps with their rows.
        lengths: Rows by length; `None` without rows.
        tokenizer: Name of the tokenizer.
        is_stand_in: Whether it only stands in for one.
        is_complete: Whether all rows were looked at.
        warnings: What else a reader has to know.
    """

    title: str
    worst: SeverityWord | None
    summary: str
    files: tuple[FileEntry, ...]
    rows: int
    held_out_rows: int
    lost: int
    settings: tuple[Item, ...]
    statistics: tuple[Item, ...]
    findings: tuple[FindingEntry, ...]
    absent: tuple[AbsentEntry, ...]
    not_evaluated: tuple[NotEvaluatedEntry, ...]
    shown: tuple[ShownRow, ...] = ()
    steps: tuple[tuple[int, Placement], ...] = ()
    lengths: Histogram | None = None
    tokenizer: str = ""
    is_stand_in: bool = False
    is_complete: bool = True
    warnings: tuple[Warned, ...] = ()
