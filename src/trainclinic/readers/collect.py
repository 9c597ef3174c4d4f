"""From what the user points at to records: find the files, read each once, join the fragments of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainclinic.readers.file import LogFile
from trainclinic.readers.reader import pick_reader
from trainclinic.record.errors import ReadError
from trainclinic.record.facts import Facts
from trainclinic.record.run import RunRecord
from trainclinic.record.series import make_series
from trainclinic.record.vocabulary import SERIES

if TYPE_CHECKING:
    from trainclinic.readers.fragment import Fragment
    from trainclinic.record.parts import Damage


@dataclass(frozen=True)
class Collected:
    """What was found.

    Attributes:
        records: One per run.
        damage: Files that were refused, with the reason.
    """

    records: tuple[RunRecord, ...]
    damage: tuple[Damage, ...] = ()


def collect(target: Any) -> Collected:
    """Read everything below `target` into records (first version: one folder or file is one run)."""
    root = Path(target)
    paths = sorted(p for p in root.rglob("*") if p.is_file()) if root.is_dir() else [root]
    fragments: list[Fragment] = []
    for path in paths:
        file = LogFile(path, str(path.relative_to(root)) if root.is_dir() else path.name)
        reader = pick_reader(file)
        if reader is not None:
            fragments += reader.read(file)
    if not fragments:
        message = f"`{target}` holds no training log"
        raise ReadError(message)
    return Collected((join(fragments, root.name),))


def join(fragments: list[Fragment], name: str) -> RunRecord:
    """One record from fragments of one run."""
    series = {}
    for fragment in fragments:
        for column, rows in fragment.columns.items():
            unit = rows.unit or SERIES.get(column, ("", ""))[0]
            series[column] = make_series(
                column, rows.step, rows.value, unit=unit, line=rows.line, files=(fragment.file,), printed=rows.printed
            )
    return RunRecord(name=name, series=series, facts=Facts(f for fragment in fragments for f in fragment.facts))
