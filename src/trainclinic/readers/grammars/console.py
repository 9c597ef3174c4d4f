"""Console text to fragments: rows placed into runs, with the settings, events and headings that stand around them.

It knows nothing of where the text comes from: a log file, or the outputs of a notebook cell.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from trainclinic.readers.blocks import text_blocks
from trainclinic.readers.fragment import Fragment
from trainclinic.readers.grammars.placing import place
from trainclinic.readers.grammars.prefixes import lines_are_numbered
from trainclinic.readers.grammars.scanner import Scanner
from trainclinic.readers.redact import redact
from trainclinic.readers.settings.interpreter import facts_from_settings
from trainclinic.readers.settings.names import SettingFacts
from trainclinic.readers.tables.summary_rows import summary_facts
from trainclinic.record.facts import Fact
from trainclinic.record.parts import Checkpoint

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile
    from trainclinic.readers.grammars.placed_run import PlacedRun

_STEP_NAMED = re.compile(r"\b(?:global[ _])?(?:step|iteration|iter)[ :=#]{1,2}(\d[\d,]{0,12})\b", re.I)


def scanner_of(file: LogFile) -> Scanner:
    """A scanner for a text, which has looked whether its lines begin with process numbers."""
    return Scanner(file, numbered=lines_are_numbered(file.head_text))


def console_fragments(file: LogFile, reader: str) -> list[Fragment]:
    """Read rows, settings and events; one fragment for each run in the text, empty when it holds nothing of one.

    Args:
        file: The text; damage is counted on it.
        reader: Name of the reader that asks.
    """
    scanner = scanner_of(file)
    for block in text_blocks(file):
        scanner.take(block)
    runs, skipped = place(scanner.finish(), scanner.dividers)
    for says, line, count in scanner.damage:
        file.count_damage(says, line, count=count)
    if skipped:
        file.count_damage("rows of other processes were left out", count=skipped)
    said = [facts_from_settings(dict.fromkeys(pairs), how, file) for how, pairs in scanner.settings.found.items()]
    fragments = [_fragment(file, reader, run, number, len(runs)) for number, run in enumerate(runs, start=1)]
    for settings in said:
        _share_settings(fragments, runs, settings)
    for fragment, run in zip(fragments, runs, strict=True):
        _add_log_facts(fragment, run, file)
    _share_events(fragments, runs, scanner, file)
    if not any(run.columns for run in runs):
        fragments[0].results = scanner.events.results()
        _add_lone_losses(fragments[0], scanner)
    _add_headings(fragments, runs, scanner, file)
    if scanner.bare.is_used:
        _add_words(fragments, runs, scanner, file)
    return fragments


def _add_lone_losses(fragment: Fragment, scanner: Scanner) -> None:
    """Make one row of the losses that a script without steps printed once."""
    for name, outcome in scanner.events.lone_losses.items():
        fragment.column(name).add(1, outcome.value, outcome.line)
        fragment.axis = "row"


def _fragment(file: LogFile, reader: str, run: PlacedRun, number: int, count: int) -> Fragment:
    label = f"run {number}, from line {run.begin}" if count > 1 else ""
    return Fragment(file=file.name, reader=reader, columns=run.columns, axis=run.axis, label=label)


def _run_of_setting(runs: list[PlacedRun], line: int | None) -> int:
    """Settings stand before the rows of their run."""
    return 0 if line is None else next((at for at, run in enumerate(runs) if line <= run.last_line), len(runs) - 1)


def _run_of_message(runs: list[PlacedRun], line: int | None) -> int:
    """Messages between two runs end the first."""
    return 0 if line is None else max((at for at, run in enumerate(runs) if run.begin <= line), default=0)


def _share_settings(fragments: list[Fragment], runs: list[PlacedRun], settings: SettingFacts) -> None:
    """Give each setting to the run in whose part of the file it stands; runs without own settings share the first's."""
    for name in ("facts", "other_facts", "versions"):
        first: list[Fact] = []
        repeated: set[tuple[int, str, object]] = set()
        for fact in getattr(settings, name):
            at = _run_of_setting(runs, fact.source.line)
            if (at, fact.name, fact.value) in repeated:
                continue
            repeated.add((at, fact.name, fact.value))
            getattr(fragments[at], name).append(fact)
            if at == 0:
                first.append(fact)
        for fragment in fragments[1:]:
            own = {fact.name for fact in getattr(fragment, name)}
            getattr(fragment, name).extend(fact for fact in first if fact.name not in own)


def _add_log_facts(fragment: Fragment, run: PlacedRun, file: LogFile) -> None:
    """What the rows themselves say about the run: it outranks a plan that was printed or configured."""
    facts = []
    if run.planned is not None:
        facts.append(Fact("planned_steps", run.planned[0], file.source(run.planned[1]), "log"))
    if run.epochs is not None:
        facts.append(Fact("planned_epochs", run.epochs[0], file.source(run.epochs[1]), "log"))
    if run.per_epoch is not None:
        fragment.other_facts.append(Fact("steps_per_epoch", run.per_epoch, file.source(run.begin), "log"))
    known, others = summary_facts((key, value, file.source(line, key)) for key, value, line in run.summary)
    final = [
        Fact("final_epoch", value, file.source(line, key), "log") for key, value, line in run.summary if key == "epoch"
    ]
    fragment.facts = [*facts, *known, *final, *fragment.facts]
    fragment.other_facts += others


def _add_headings(fragments: list[Fragment], runs: list[PlacedRun], scanner: Scanner, file: LogFile) -> None:
    """What stands above each run of a file with several."""
    ends = [0, *(run.last_line for run in runs)]
    for fragment, run, end in zip(fragments, runs, ends, strict=False):
        first = min((int(min(column.line)) for column in run.columns.values() if len(column.line)), default=run.begin)
        above = [(line, text) for line, text in scanner.headings if end < line <= first]
        if above and len(runs) > 1:
            fragment.other_facts.append(Fact("heading", redact(above[-1][1]), file.source(above[-1][0]), "log"))


def _add_words(fragments: list[Fragment], runs: list[PlacedRun], scanner: Scanner, file: LogFile) -> None:
    """The guess that was made about rows without names, and the words that stand before them."""
    for fragment, run in zip(fragments, runs, strict=True):
        fragment.other_facts.append(Fact("columns_without_names", "step, loss", file.source(run.begin), "inferred"))
    for word, line in scanner.bare.words():
        fragments[_run_of_message(runs, line)].other_facts.append(Fact("row_word", word, file.source(line), "log"))


def _share_events(fragments: list[Fragment], runs: list[PlacedRun], scanner: Scanner, file: LogFile) -> None:
    for seen in scanner.events.seen:
        at = _run_of_message(runs, seen.event.source.line)
        named = _STEP_NAMED.search(seen.event.says) if runs[at].per_epoch is None else None
        step = int(named[1].replace(",", "")) if named else runs[at].step_at(seen.order)
        fragments[at].events.append(replace(seen.event, step=step))
    for mention in scanner.events.checkpoints:
        at = _run_of_message(runs, mention.line)
        # Where a log counts anew in every epoch, so do the names of its checkpoints.
        by_name = mention.step is not None and runs[at].per_epoch is None
        step = mention.step if by_name else runs[at].step_at(mention.order)
        if step is not None:
            fragments[at].checkpoints.append(Checkpoint(step, mention.path, file.source(mention.line), exists=False))
