"""Read, measure, judge: one `Diagnosis` from whatever the user points at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

from trainclinic.findings.examine import Finding, examine
from trainclinic.record.run import RunRecord
from trainclinic.signals.measured import Measured

if TYPE_CHECKING:
    from trainclinic.record.parts import Damage

Target = str | PathLike[str] | RunRecord


@dataclass(frozen=True, eq=False)
class RunDiagnosis:
    """What one run shows.

    Attributes:
        record: What happened, with sources.
        measured: The signals, computed when first asked for.
        findings: Every rule's answer, present ones first.
    """

    record: RunRecord
    measured: Measured
    findings: tuple[Finding, ...]


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What the user's files show: one entry per run.

    Attributes:
        runs: Diagnosed runs, the most telling first.
        damage: Files that could not be read at all.
    """

    runs: tuple[RunDiagnosis, ...]
    damage: tuple[Damage, ...] = ()


def diagnose_record(record: RunRecord) -> RunDiagnosis:
    """Measure and judge one record."""
    measured = Measured(record)
    return RunDiagnosis(record=record, measured=measured, findings=examine(measured))


def diagnose(target: Target | Iterable[Target]) -> Diagnosis:
    """Diagnose a run folder, a log file, several of each, or a record that is already in memory.

    Args:
        target: Paths (folders, files or glob patterns) or a `RunRecord`.

    Raises:
        ReadError: If nothing readable was found; the message says what was looked at.
    """
    from trainclinic.readers.collect import collect

    if isinstance(target, RunRecord):
        return Diagnosis(runs=(diagnose_record(target),))
    collected = collect(target)
    return Diagnosis(runs=tuple(diagnose_record(record) for record in collected.records), damage=collected.damage)
