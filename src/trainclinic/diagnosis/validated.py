"""The document on a finished model from what was measured: the numbers, the samples, how it was tested."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from trainclinic.report.model import Item, Warned
from trainclinic.report.sections.entries import absent_entries, not_evaluated_entries, present_entries
from trainclinic.report.validation.marks import pieces_of, remarks_on
from trainclinic.report.validation.model import Measure, SampleEntry, ValidationReport, Word

if TYPE_CHECKING:
    from trainclinic.catalogue.finding import Finding
    from trainclinic.signals.generated_text import OutputShape
    from trainclinic.validation.tested import Losses, Tested


def document_of(
    tested: Tested, findings: Sequence[Finding], shapes: Sequence[OutputShape], word: Word, reason: str
) -> ValidationReport:
    """The document.

    Args:
        tested: What was measured.
        findings: Every rule's answer, present ones first.
        shapes: The greedy answers, measured.
        word: The verdict.
        reason: Why.
    """
    return ValidationReport(
        title=tested.name,
        verdict=word,
        reason=reason,
        findings=present_entries(findings),
        absent=absent_entries(findings),
        not_evaluated=not_evaluated_entries(findings),
        measures=tuple(_measures(tested)),
        samples=tuple(_samples(tested, shapes)),
        settings=tuple(_settings(tested)),
        warnings=tuple(map(Warned, tested.notes)),
    )


def _measures(tested: Tested) -> Iterator[Measure]:
    """Slacks are the differences that two equal trainings with other seeds are apart by, and a little more."""
    nats = "nats/token"
    for name, own, base, slack in (
        ("loss of held-out answers", tested.own, tested.of_base, 0.05),
        ("loss of general text", tested.general, tested.general_base, 0.1),
    ):
        if own is not None:
            yield Measure(name, own.mean, nats, "lower", slack, base.mean if base is not None else None)
    if tested.own is not None and tested.own.end_probability is not None:
        base_end = tested.of_base.end_probability if tested.of_base is not None else None
        seen = tested.own.end_probability
        yield Measure("probability of the end behind an answer", seen, "", "higher", 0.15, base_end)
    for one in tested.scores:
        beside = sum(one.base) / len(one.base) if one.base else None
        yield Measure(one.metric, sum(one.tuned) / len(one.tuned), "", "higher", 0.1, beside)
    ended = [one.stopped for one in tested.answers if one.stopped is not None]
    if ended:
        yield Measure("answers that end by themselves", sum(ended) / len(ended), "", "higher", 0.1)


def _samples(tested: Tested, shapes: Sequence[OutputShape]) -> Iterator[SampleEntry]:
    by_row = {shape.row: shape for shape in shapes}
    for at, one in enumerate(tested.answers):
        shape = by_row.get(at)
        remarks = remarks_on(shape, one.new_tokens)
        yield SampleEntry(one.question, one.reference, one.base, pieces_of(one.text, shape), one.sampled, remarks)


def _settings(tested: Tested) -> Iterator[Item]:
    depth = tested.depth
    yield Item("kind", tested.kind)
    if tested.base:
        yield Item("base", tested.base)
    yield Item("held-out rows", _rows(tested.own, tested.data))
    yield Item("depth", f"{depth.name}: up to {depth.rows:,} rows and {depth.prompts} questions")
    yield Item("longest answer", depth.new_tokens, "tokens")
    yield Item("seed", depth.seed)
    if tested.device:
        yield Item("ran on", f"{tested.device}, {tested.dtype}")
    if tested.tokens is not None:
        yield Item("chat template", "its own" if tested.tokens.template else "none beside the model")
        yield Item("answers end with", ", ".join(tested.tokens.ends) or "no token that is known")


def _rows(own: Losses | None, name: str) -> str:
    if own is None:
        return "none"
    return f"{len(own.sums):,} rows with {int(own.tokens.sum()):,} answer tokens, {name}"
