"""Judge many records, in several processes when that is worth their start-up."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from trainclinic.catalogue.finding import Finding, in_order
from trainclinic.causes.infer import Answer, Inference, infer
from trainclinic.diagnosis.companions import companions_of
from trainclinic.diagnosis.reasoning import answers_of, concluded
from trainclinic.diagnosis.symptoms import rules_beside
from trainclinic.findings.examine import all_rules, examine
from trainclinic.findings.overall import overall_verdict
from trainclinic.signals.measured import Measured

if TYPE_CHECKING:
    from trainclinic.catalogue.verdict import Verdict
    from trainclinic.findings.overall import Overall
    from trainclinic.record.run import RunRecord
    from trainclinic.report.model import Document

Told = list[tuple[str, "Verdict"]]
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


@dataclass(frozen=True, slots=True)
class Beside:
    """What lies beside the log of a run and was judged on its own.

    Attributes:
        findings: What was found in its scripts, its training data and its finished model.
        unigram_entropy: Entropy of its training targets as single tokens, nats/token, when the data were examined.
    """

    findings: tuple[Finding, ...] = ()
    unigram_entropy: float | None = None


def judge(record: RunRecord, companions: tuple[RunRecord, ...] = (), beside: Beside | None = None) -> Judged:
    """Measure and judge one record, beside other runs of its folder, its scripts and its data."""
    beside = beside or Beside()
    measured = Measured(record, unigram_entropy=beside.unigram_entropy, companions=companions)
    findings = tuple(sorted((*examine(measured), *beside.findings), key=in_order))
    answers = answers_of(measured, findings)
    inference = infer(answers)
    verdict = concluded(overall_verdict(measured, findings), inference)
    return Judged(measured, findings, answers, inference, verdict)


def judge_all(records: Sequence[RunRecord], jobs: int = 1, beside: Sequence[Beside] = ()) -> list[Judged]:
    """Measure and judge records, in order.

    Args:
        records: The runs.
        beside: For each run what was found in its scripts and data; empty when nobody looked into any.
        jobs: Processes; 0 takes one per processor when there is enough to do. More than 1 needs a main module
            that can be imported without running (`if __name__ == "__main__"`).
    """
    if jobs <= 0:
        worth_it = len(records) >= FEWEST_RUNS and sum(map(_values, records)) >= FEWEST_VALUES
        jobs = (os.cpu_count() or 1) if worth_it else 1
    jobs = min(jobs, len(records))
    companions = companions_of(records)
    beside = beside or [Beside()] * len(records)
    if jobs <= 1:
        return [judge(*one) for one in zip(records, companions, beside, strict=True)]
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Forking a process that has threads may hang it, and Windows and macOS cannot; `spawn` is the same everywhere.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        plain = [_plain(record) for record in records]
        others = [tuple(map(_plain, near)) for near in companions]
        seen = [_without_modules(one.findings) for one in beside]
        entropies = [one.unigram_entropy for one in beside]
        share = max(1, len(records) // (4 * jobs))
        apart = list(pool.map(_judge_apart, plain, others, seen, entropies, chunksize=share))
    rules = {**all_rules(), **rules_beside()}
    return [
        Judged(
            Measured(record, unigram_entropy=one.unigram_entropy, companions=near),
            tuple(Finding(rules[name], answer) for name, answer in verdicts),
            answers,
            inference,
            overall,
            document,
        )
        for record, near, one, (verdicts, answers, inference, overall, document) in zip(
            records, companions, beside, apart, strict=True
        )
    ]


def _without_modules(findings: tuple[Finding, ...]) -> Told:
    """Findings as they travel between processes: rules are modules, and stay where they are."""
    return [(finding.entry.rule.code, finding.verdict) for finding in findings]


def _judge_apart(
    record: RunRecord, companions: tuple[RunRecord, ...], beside: Told, unigram_entropy: float | None
) -> tuple[Told, tuple[Answer, ...], Inference, Overall, Document]:
    """Judge a record in a process of its own; the report is composed here too, because signals do not travel."""
    from trainclinic.diagnosis.prescribing import with_fixes
    from trainclinic.report.compose import compose

    rules = rules_beside() if beside else {}
    found = tuple(Finding(rules[name], verdict) for name, verdict in beside)
    judged = judge(record, companions, Beside(found, unigram_entropy))
    document = compose(judged.measured, judged.findings, judged.verdict, judged.inference)
    document = with_fixes(document, judged.measured)
    return _without_modules(judged.findings), judged.answers, judged.inference, judged.verdict, document


def _plain(record: RunRecord) -> RunRecord:
    """The record with plain dictionaries: read-only views of them do not travel between processes."""
    return replace(record, series=dict(record.series), versions=dict(record.versions))


def _values(record: RunRecord) -> int:
    return sum(len(series) for series in record.series.values())
