"""Judge many records, in several processes when that is worth their start-up."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainclinic.findings.examine import Finding, all_rules, examine
from trainclinic.findings.overall import Overall, overall_verdict
from trainclinic.signals.measured import Measured

if TYPE_CHECKING:
    from trainclinic.catalogue.verdict import Verdict
    from trainclinic.record.run import RunRecord

Judged = tuple[Measured, tuple[Finding, ...], Overall]

FEWEST_RUNS = 4
FEWEST_ROWS = 200_000
"""A worker costs about 0.3 s before its first answer, as long as judging some hundred thousand rows takes."""


def judge(record: RunRecord) -> Judged:
    """Measure and judge one record."""
    measured = Measured(record)
    findings = examine(measured)
    return measured, findings, overall_verdict(measured, findings)


def judge_all(records: Sequence[RunRecord], jobs: int = 1) -> list[Judged]:
    """Measure and judge records, in order.

    Args:
        records: The runs.
        jobs: Processes; 0 takes one per processor when there is enough to do. More than 1 needs a main module
            that can be imported without running (`if __name__ == "__main__"`).
    """
    if jobs <= 0:
        worth_it = len(records) >= FEWEST_RUNS and sum(map(_rows, records)) >= FEWEST_ROWS
        jobs = (os.cpu_count() or 1) if worth_it else 1
    jobs = min(jobs, len(records))
    if jobs <= 1:
        return [judge(record) for record in records]
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Forking a process that has threads may hang it, and Windows and macOS cannot; `spawn` is the same everywhere.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        answers = list(pool.map(_judge_apart, records, chunksize=max(1, len(records) // (4 * jobs))))
    rules = all_rules()
    return [
        (Measured(record), tuple(Finding(rules[code], verdict) for code, verdict in verdicts), overall)
        for record, (verdicts, overall) in zip(records, answers, strict=True)
    ]


def _judge_apart(record: RunRecord) -> tuple[list[tuple[str, Verdict]], Overall]:
    """The part of a judgement that travels between processes: rules are modules, and stay where they are."""
    _, findings, overall = judge(record)
    return [(finding.entry.rule.code, finding.verdict) for finding in findings], overall


def _rows(record: RunRecord) -> int:
    return sum(len(series) for series in record.series.values())
