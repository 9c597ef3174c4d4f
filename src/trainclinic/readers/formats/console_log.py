"""Console text: any log that a training run printed, whatever wrote it, with its settings and events."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from trainclinic.readers.blocks import Block, text_blocks
from trainclinic.readers.fragment import Fragment
from trainclinic.readers.reader import Reader
from trainclinic.readers.redact import redact
from trainclinic.readers.settings.interpreter import facts_from_settings
from trainclinic.readers.settings.names import SettingFacts
from trainclinic.readers.tables.summary_rows import summary_facts
from trainclinic.record.errors import ReadError
from trainclinic.record.facts import Fact
from trainclinic.record.parts import Checkpoint

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile
    from trainclinic.readers.grammars.placed_run import PlacedRun
    from trainclinic.readers.grammars.scanner import Scanner

_SUFFIXES = """.py .pyi .md .rst .yaml .yml .toml .cfg .ini .json .jsonl .ndjson .csv .tsv .ipynb .html .htm .js .ts .c
    .cc .cpp .cu .h .java .go .rs .rb .sh .bash .zsh .css .tex .bib .xml .svg .lock .patch .diff .sql .r .m .jl .ps1"""
_OTHER_FORMATS = frozenset(_SUFFIXES.split())
_SOURCE_LINE = re.compile(
    r"^(?:import \w|from \w[\w.]* import |def \w+\(|class \w+[(:]|if __name__|#include|    return )", re.M
)
_STEP_NAMED = re.compile(r"\b(?:global[ _])?(?:step|iteration|iter)[ :=#]{1,2}(\d[\d,]{0,12})\b", re.I)
_SNIFF_LINES = 600


def sniff(file: LogFile) -> float:
    """High when rows are recognised in the head, low when only settings or events are, zero for other formats."""
    if file.path.suffix.lower() in _OTHER_FORMATS or _is_binary(file) or not file.head.strip():
        return 0.0
    text = file.head_text.replace("\r\n", "\n").replace("\0", "")
    if len(_SOURCE_LINE.findall(text)) >= 3 and "Traceback" not in text:
        return 0.0
    scanner = _scanner(file, text)
    scanner.take(Block(1, "\n".join(text.split("\n")[:_SNIFF_LINES])))
    tables = [table for table in scanner.finish() if table.order]
    kinds = {table.kind for table in tables}
    bars_tell = any(
        hole.name and not hole.name.startswith("time") for t in tables if t.kind == "bar" for hole in t.holes
    )
    if scanner.bare.is_used:
        return 0.45
    if bars_tell or kinds & {"row", "train", "eval", "summary", "block"}:
        return 0.5 if text.lstrip()[:2] in {'{"', "[{", "{\n", "[\n", "<?", "<!"} else 0.8
    said = (
        len(scanner.events.seen)
        + len(scanner.events.outcomes)
        + len(scanner.events.lone_losses)
        + sum(map(len, scanner.settings.found.values()))
    )
    return 0.2 if said or kinds else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read rows, settings and events; one fragment for each run in the file.

    Raises:
        ReadError: If nothing of a training run is found.
    """
    from trainclinic.readers.grammars.placing import place

    scanner = _scanner(file, file.head_text)
    for block in text_blocks(file):
        scanner.take(block)
    runs, skipped = place(scanner.finish(), scanner.dividers)
    for says, line, count in scanner.damage:
        file.count_damage(says, line, count=count)
    if skipped:
        file.count_damage("rows of other processes were left out", count=skipped)
    said = [facts_from_settings(dict.fromkeys(pairs), how, file) for how, pairs in scanner.settings.found.items()]
    fragments = [_fragment(file, run, number, len(runs)) for number, run in enumerate(runs, start=1)]
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
    if all(fragment.is_empty for fragment in fragments):
        message = f"`{file.name}` holds no row, setting or message of a training run"
        raise ReadError(message, hint="expected lines such as `step 10: loss 2.3` or `{'loss': 2.3, 'epoch': 0.1}`")
    return fragments


def _add_lone_losses(fragment: Fragment, scanner: Scanner) -> None:
    """Make one row of the losses that a script without steps printed once."""
    for name, outcome in scanner.events.lone_losses.items():
        fragment.column(name).add(1, outcome.value, outcome.line)
        fragment.axis = "row"


def _is_binary(file: LogFile) -> bool:
    """Binary by control bytes; zero bytes alone also fill logs after a crash of the machine."""
    zeros = file.head.count(b"\0")
    return file.is_binary and not (
        zeros
        and zeros < len(file.head) // 2
        and b"\n" in file.head
        and file.head[:1].isascii()
        and sum(byte < 9 or 13 < byte < 27 for byte in file.head if byte) < len(file.head) // 100
    )


def _scanner(file: LogFile, head: str) -> Scanner:
    """The grammars of console lines, imported here: most files go to another format after a look at their name."""
    from trainclinic.readers.grammars.prefixes import lines_are_numbered
    from trainclinic.readers.grammars.scanner import Scanner

    return Scanner(file, numbered=lines_are_numbered(head))


def _fragment(file: LogFile, run: PlacedRun, number: int, count: int) -> Fragment:
    label = f"run {number}, from line {run.begin}" if count > 1 else ""
    return Fragment(file=file.name, reader="console_log", columns=run.columns, axis=run.axis, label=label)


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


READER = Reader(
    name="console_log",
    title="Console text of any trainer or training loop",
    recognised_by="rows such as `{'loss': ...}`, `step N: train loss X`, `iter N: loss X`, `[N/T] loss=X` or tqdm bars",
    delivers="every named number by step; times and speed; printed settings, commands and versions; events",
    limits="rows without a step are counted, unless progress bars or `logging_steps` place them; rows without names "
    "are read as step and loss only where nothing else is there",
    sniff=sniff,
    read=read,
)
