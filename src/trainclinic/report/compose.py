"""From a measured and judged run to its document. Each section is optional and disappears when nothing supports it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from trainclinic.report.model import Document, Warned
from trainclinic.report.sections import entries, identity
from trainclinic.report.sections.at_event import at_events
from trainclinic.report.sections.checkpoints import checkpoints
from trainclinic.report.sections.expectation import expectation
from trainclinic.report.sections.generalisation import generalisation
from trainclinic.report.sections.panels import COLUMNS, compose_chart
from trainclinic.report.sections.schedule import schedule
from trainclinic.report.sections.speed import speed
from trainclinic.report.sections.stuck import stuck
from trainclinic.report.sections.summary import summary
from trainclinic.report.sections.timeline import timeline

if TYPE_CHECKING:
    from trainclinic.catalogue.finding import Finding
    from trainclinic.causes.infer import Inference
    from trainclinic.findings.overall import Overall
    from trainclinic.record.parts import Damage
    from trainclinic.report.cause_entries import CauseEntry, NextTestEntry, RuledOutEntry
    from trainclinic.signals.measured import Measured


def compose(
    measured: Measured,
    findings: Sequence[Finding],
    overall: Overall,
    inference: Inference | None = None,
    *,
    columns: int = COLUMNS,
) -> Document:
    """Write the report on one run.

    Args:
        measured: The run and its signals.
        findings: Every rule's answer, present ones first and the most harmful first.
        overall: The verdict on the whole run.
        inference: Its causes; without it the report says nothing of causes.
        columns: Pixel columns that curves are reduced to.
    """
    record = measured.record
    present = entries.present_entries(findings)
    told = [finding for finding in present if not finding.aside]
    rows = timeline(measured, told)
    who = identity.identity(record)
    suspects, refuted, tests = _inferred(inference)
    return Document(
        run=who,
        verdict=overall.word,
        reason=overall.reason,
        summary=summary(measured, who, overall, told, rows, suspects),
        findings=present,
        absent=entries.absent_entries(findings),
        not_evaluated=entries.not_evaluated_entries(findings),
        timeline=rows,
        at_events=at_events(measured, told),
        speed=speed(measured),
        schedule=schedule(measured),
        generalisation=generalisation(measured),
        checkpoints=checkpoints(measured, overall.word),
        expectation=expectation(measured),
        facts=identity.facts(record),
        warnings=identity.warnings(record),
        causes=suspects,
        ruled_out=refuted,
        next_tests=tests,
        stuck=stuck(measured, told, suspects),
        chart=compose_chart(measured, told, columns),
    )


def _inferred(
    inference: Inference | None,
) -> tuple[tuple[CauseEntry, ...], tuple[RuledOutEntry, ...], tuple[NextTestEntry, ...]]:
    """Causes, refuted explanations and tests; the module with all causes is imported only when there are any."""
    if inference is None:
        return (), (), ()
    from trainclinic.report.sections.causes import cause_entries, next_test_entries, ruled_out_entries

    return cause_entries(inference), ruled_out_entries(inference), next_test_entries(inference)


def with_damage(documents: Sequence[Document], damage: Sequence[Damage]) -> tuple[Document, ...]:
    """The documents with what could not be read at all among the warnings of the first: never silence.

    Args:
        documents: At least one, the main run first.
        damage: Files that belong to no run because they could not be read.
    """
    if not damage:
        return tuple(documents)
    first, *others = documents
    unread = tuple(Warned(d.says, d.source.path, d.source.line, d.count) for d in damage)
    return (replace(first, warnings=(*unread, *first.warnings)), *others)
