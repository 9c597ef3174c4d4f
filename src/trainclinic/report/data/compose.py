"""Put the document on training data together: what was found, the data in numbers, the settings with their sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from trainclinic.catalogue.verdict import Severity
from trainclinic.catalogue.wording import count, listed, number, words
from trainclinic.report.data.model import DataReport, FileEntry, Histogram
from trainclinic.report.model import Item, SeverityWord, Warned
from trainclinic.report.sections.entries import absent_entries, not_evaluated_entries, present_entries

if TYPE_CHECKING:
    from trainclinic.catalogue.finding import Finding
    from trainclinic.dataset.data import Data
    from trainclinic.dataset.placement import Placement
    from trainclinic.dataset.showing import ShownRow
    from trainclinic.dataset.statistics import Statistics
    from trainclinic.encoding.preparation import Stated

NAMES = {
    "template": "chat template", "scored": "tokens in the loss", "appends_end": "end token appended",
    "adds_specials": "begin and end tokens added", "max_length": "length limit", "truncation": "cut off at the",
    "pad": "padding token", "masks_pads": "padding taken out of the loss by its id", "packing": "packing",
    "pads_to_maximum": "padded to the limit", "scores_padding": "padding in the loss",
    "vocabulary": "rows of the embedding", "response_marker": "scored after",
    "needs_markers": "loss needs generation markers", "mask_by_length": "mask counted by lengths",
    "micro_batch": "batch", "accumulation": "accumulation", "processes": "processes", "epochs": "epochs",
    "steps": "steps", "warmup_steps": "warm-up", "seed": "seed", "order": "order of rows",
    "full_weights": "all weights trained", "rows": "rows that the run names",
}  # fmt: skip
SHOWN_ASSUMPTIONS = ("template", "scored", "appends_end", "max_length")
BINS = 40
LONGEST_SETTING = 80


def compose(
    data: Data,
    findings: Sequence[Finding],
    statistics: Statistics,
    *,
    shown: Sequence[ShownRow] = (),
    steps: Sequence[tuple[int, Placement]] = (),
    notes: Sequence[str] = (),
) -> DataReport:
    """The document.

    Args:
        data: The data, surveyed.
        findings: Every rule's answer, present ones first.
        statistics: The data in numbers.
        shown: Rows token by token.
        steps: Single optimizer steps with their rows.
        notes: What else to say at the top, sentences without full stop.
    """
    survey, held_out = data.survey, data.held_out
    present = [finding for finding in findings if finding.is_present]
    return DataReport(
        title=data.corpus.title,
        worst=cast("SeverityWord", present[0].severity.name.lower()) if present else None,
        summary=_summary(data, present),
        files=_files(data),
        rows=survey.rows,
        held_out_rows=held_out.rows if held_out else 0,
        lost=survey.lost + (held_out.lost if held_out else 0),
        settings=_settings(data),
        statistics=_numbers(statistics),
        findings=present_entries(findings),
        absent=absent_entries(findings),
        not_evaluated=not_evaluated_entries(findings),
        shown=tuple(shown),
        steps=tuple(steps),
        lengths=_lengths(data),
        tokenizer=data.tokenizer.name,
        is_stand_in=data.tokenizer.is_stand_in,
        is_complete=survey.is_complete,
        warnings=tuple(map(Warned, (*_warnings(data, shown), *notes))),
    )


def _summary(data: Data, present: Sequence[Finding]) -> str:
    rows = count(data.survey.rows, "training row")
    by = {severity: [f for f in present if f.severity is severity] for severity in Severity}
    if harmful := by[Severity.HARMFUL]:
        names = listed([words(finding.entry.rule.slug) for finding in harmful[:4]])
        more = f" and {len(harmful) - 4} more" if len(harmful) > 4 else ""
        return f"{rows}: {names}{more} do harm to what is trained on them"
    if doubtful := by[Severity.WARNING]:
        return f"{rows}: nothing harmful, {count(len(doubtful), 'finding')} worth a look"
    return f"{rows}: nothing harmful or doubtful was found"


def _files(data: Data) -> tuple[FileEntry, ...]:
    rows: dict[str, int] = {}
    for survey in filter(None, (data.survey, data.held_out)):
        numbers = np.bincount(survey.prints.shard, minlength=len(survey.names)).tolist()
        rows |= dict(zip(survey.names, numbers, strict=True))
    return tuple(
        FileEntry(
            shard.name,
            f"{shard.form}.{shard.compression}" if shard.compression else shard.form,
            shard.schema or "",
            shard.split,
            shard.size,
            rows.get(shard.name),
        )
        for shard in data.corpus.shards
    )


def _settings(data: Data) -> tuple[Item, ...]:
    """Stated settings with who stated them, and the assumed ones that decide what is shown."""
    items = [
        Item("tokenizer", data.tokenizer.name, note="a stand-in, none was given" if data.tokenizer.is_stand_in else "")
    ]
    for settings in (data.preparation, data.plan):
        for name, label in NAMES.items():
            setting: Stated[object] | None = getattr(settings, name, None)
            if setting is None or (setting.is_assumed and name not in SHOWN_ASSUMPTIONS):
                continue
            items.append(Item(label, _said(name, setting.value, data), note=setting.by or "assumed"))
    return tuple(items)


def _said(name: str, value: object, data: Data) -> str:
    if name == "template" and not value:
        return "the tokenizer's own" if data.tokenizer.template else "none: conversations are shown as chatml"
    if name == "max_length" and value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:,}" if isinstance(value, int) else " ".join(str(value).split())
    return text if len(text) <= LONGEST_SETTING else f"{text[:LONGEST_SETTING]} ..."


def _numbers(statistics: Statistics) -> tuple[Item, ...]:
    counts, course, baselines = statistics.counts, statistics.course, statistics.baselines
    unit = "bytes" if statistics.is_estimate else "tokens"
    items = [
        Item("rows", statistics.rows, "rows"),
        Item("text", statistics.characters, "characters"),
        Item("one pass", round(counts.tokens.value), unit, note=_spread(counts.tokens.spread)),
        Item("of them in the loss", round(counts.targets.value), unit, note=_spread(counts.targets.spread)),
    ]
    for label, quantiles in (("length of a row", counts.row_lengths), ("length of the answers", counts.answer_lengths)):
        if quantiles is not None:
            said = (
                f"median {quantiles.p50:,}, 95 % {quantiles.p95:,}, 99 % {quantiles.p99:,}, longest {quantiles.most:,}"
            )
            items.append(Item(label, f"{said} {unit}"))
    if statistics.suggested_length is not None:
        items.append(Item("a length limit that cuts at most 1 % of the rows", statistics.suggested_length, unit))
    if course.steps_per_epoch is not None:
        items.append(Item("steps in one pass", course.steps_per_epoch, "steps"))
    if course.steps is not None:
        items.append(Item("steps of the run", course.steps, "steps"))
    if course.epochs is not None:
        items.append(Item("passes of the run", round(course.epochs, 2), "passes"))
    if baselines is not None and not statistics.is_estimate:
        note = f"known to ±{baselines.unigram_spread:g}; a plateau there means that context is not used"
        items.append(Item("loss by token frequencies alone", round(baselines.unigram, 3), "nats/token", note=note))
        if baselines.bigram is not None:
            items.append(Item("loss by the token before alone", round(baselines.bigram, 3), "nats/token"))
        items.append(Item("loss of a uniform guess", round(baselines.uniform, 3), "nats/token"))
    return tuple(items)


def _spread(spread: float) -> str:
    return f"±{number(spread, 3)} at 95 %, from a sample" if spread else ""


def _lengths(data: Data) -> Histogram | None:
    """Rows by length, in bins of equal width up to the longest."""
    lengths = np.array([len(row) for row in data.encoded])
    if not len(lengths):
        return None
    numbers, edges = np.histogram(lengths, bins=min(BINS, max(1, len(np.unique(lengths)))))
    return Histogram(tuple(edges.tolist()), tuple(numbers.tolist()), data.preparation.max_length.value)


def _warnings(data: Data, shown: Sequence[ShownRow]) -> list[str]:
    survey = data.survey
    says = []
    if not survey.is_complete:
        says.append(f"interrupted after {count(survey.rows, 'row')}: what follows is about those")
    if data.tokenizer.is_stand_in:
        says.append(
            "no tokenizer was given: rows are shown as bytes, and what depends on tokens is left open (`--tokenizer`)"
        )
    if data.preparation.scored.is_assumed and any(row.answers for row in shown):
        says.append("nobody said which tokens carry a loss (`--loss-on`): the rows below are shown as if answers did")
    if not survey.has_all:
        says.append(f"tokens were looked at in {count(len(survey.kept), 'row')} drawn from all {survey.rows:,}")
    if refused := data.rows.refused:
        says.append(
            f"the chat template refuses {count(len(refused), 'row')}, first {refused[0].source}: {refused[0].says}"
        )
    return says
