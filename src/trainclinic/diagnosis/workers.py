"""Judge many records, in several processes when that is worth their start-up."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from trainclinic.causes.infer import Answer, Inference, infer
from trainclinic.diagnosis.companions import companions_of
from trainclinic.diagnosis.reasoning import answers_of, concluded
from trainclinic.findings.examine import Finding, all_rules, examine
from trainclinic.findings.overall import overall_verdict
from trainclinic.signals.measured import Measured

if TYPE_CHECKING:
    from trainclinic.catalogue.verdict import Verdict
    from trainclinic.findings.overall import Overall
    from trainclinic.record.run import RunRecord
    from trainclinic.report.model import Document

FEWEST_RUNS = 4
FEWEST_VALUES = 1_000_000
"""A worker costs about 0.5 s before its first answer; judging a million logged values takes some 3 s."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What one record shows.

    Attributes:
        measured: Its signals.
        findings: Every rule's answer.
        answers: The same verdicts and those on circumstances, as the causes see them.
        inference: The causes.
        verdict: The verdict on the whole run.
        document: The report, when it was composed along the way.
    """

    measured: Measured
    findings: tuple[Finding, ...]
    answers: tuple[Answer, ...]
    inference: Inference
    verdict: Overall
    document: Document | None = None


def judge(record: RunRecord, companions: tuple[RunRecord, ...] = ()) -> Judged:
    """Measure and judge one record, beside other runs of its folder."""
    measured = Measured(record, companions=companions)
    findings = examine(measured)
    answers = answers_of(measured, findings)
    inference = infer(answers)
    verdict = concluded(overall_verdict(measured, findings), inference)
    return Judged(measured, findings, answers, inference, verdict)


def judge_all(records: Sequence[RunRecord], jobs: int = 1) -> list[Judged]:
    """Measure and judge records, in order.

    Args:
        records: The runs.
        jobs: Processes; 0 takes one per processor when there is enough to do. More than 1 needs a main module
            that can be imported without running (`if __name__ == "__main__"`).
    """
    if jobs <= 0:
        worth_it = len(records) >= FEWEST_RUNS and sum(map(_values, records)) >= FEWEST_VALUES
        jobs = (os.cpu_count() or 1) if worth_it else 1
    jobs = min(jobs, len(records))
    companions = companions_of(records)
    if jobs <= 1:
        return [judge(record, others) for record, others in zip(records, companions, strict=True)]
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Forking a process that has threads may hang it, and Windows and macOS cannot; `spawn` is the same everywhere.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        plain = [_plain(record) for record in records]
        beside = [tuple(map(_plain, others)) for others in companions]
        apart = list(pool.map(_judge_apart, plain, beside, chunksize=max(1, len(records) // (4 * jobs))))
    rules = all_rules()
    return [
        Judged(
            Measured(record, companions=others),
            tuple(Finding(rules[code], answer) for code, answer in verdicts),
            seen,
            inference,
            overall,
            document,
        )
        for record, others, (verdicts, seen, inference, overall, document) in zip(
            records, companions, apart, strict=True
        )
    ]


def _judge_apart(
    record: RunRecord, companions: tuple[RunRecord, ...]
) -> tuple[list[tuple[str, Verdict]], tuple[Answer, ...], Inference, Overall, Document]:
    """The part of a judgement that travels between processes: rules are modules, and stay where they are.

    The report is composed here too, because it needs the signals, which do not travel.
    """
    from trainclinic.report.compose import compose

    judged = judge(record, companions)
    verdicts = [(finding.entry.rule.code, finding.verdict) for finding in judged.findings]
    document = compose(judged.measured, judged.findings, judged.verdict, judged.inference)
    return verdicts, judged.answers, judged.inference, judged.verdict, document


def _plain(record: RunRecord) -> RunRecord:
    """The record with plain dictionaries: read-only views of them do not travel between processes."""
    return replace(record, series=dict(record.series), versions=dict(record.versions))


def _values(record: RunRecord) -> int:
    return sum(len(series) for series in record.series.values())
