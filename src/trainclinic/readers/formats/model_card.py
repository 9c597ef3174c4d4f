"""Hugging Face model cards: the hyperparameters, results and versions that a Trainer writes into `README.md`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.readers.fragment import Fragment
from trainclinic.readers.reader import Reader
from trainclinic.readers.settings.interpreter import facts_from_settings
from trainclinic.readers.settings.names import Setting
from trainclinic.readers.settings.yaml_tree import yaml_settings
from trainclinic.readers.tables.dialect import split_row
from trainclinic.readers.tables.number_columns import floats_of, printed_like
from trainclinic.readers.tables.table import Table, fragments_of
from trainclinic.record.errors import ReadError
from trainclinic.record.facts import Fact

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

_NAMES = re.compile(r"(readme|model_?card.*)\.(md|markdown|txt)", re.I)
_SIGNS = ("### Training hyperparameters", "hyperparameters were used during training", "### Framework versions")
_ITEM = re.compile(r"^\s*[-*]\s+\**`?([A-Za-z][\w ()./-]{1,60}?)`?\**\s*:\s*\**\s*(\S.*?)\s*$")
_VERSION = re.compile(r"^\s*[-*]\s+(?:\**)([A-Za-z][\w .-]{1,40}?)\**:?\s+v?(\d+\.\d[\w.+-]*)\s*$")
_HEADING = re.compile(r"^#{1,6}\s+(.*)$")
_MOST_CHARACTERS = 2_000_000


def sniff(file: LogFile) -> float:
    """By the headings that a Trainer writes, or the `base_model` of the card's first lines."""
    if not _NAMES.fullmatch(file.path.name) or file.is_binary:
        return 0.0
    text = file.head_text
    if any(sign.lower() in text.lower() for sign in _SIGNS):
        return 0.95
    return 0.6 if text.lstrip("\ufeff \r\n").startswith("---") and re.search(r"(?m)^base_model\s*:", text) else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read the list of hyperparameters, the versions, the table of results, and the YAML that axolotl prints.

    Raises:
        ReadError: If the file cannot be read.
    """
    lines = file.text()[:_MOST_CHARACTERS].split("\n")
    found = _results(file, lines)
    fragment = found if found is not None else Fragment(file=file.name, reader="model_card")
    settings = [*_front_matter(file, lines), *_axolotl(file, lines), *_items(lines)]
    facts, others, versions = facts_from_settings(settings, "model card", file)
    fragment.facts += facts
    fragment.other_facts += others
    fragment.versions += [*versions, *_versions(file, lines)]
    return [fragment]


def _under(lines: list[str], word: str) -> Iterator[tuple[int, str]]:
    """Numbered lines below every heading (or sentence ending in a colon) that has the word, up to the next heading."""
    inside = False
    for number, line in enumerate(lines, start=1):
        if heading := _HEADING.match(line):
            inside = word in heading[1].lower()
        elif word in line.lower() and line.rstrip().endswith(":") and not _ITEM.match(line):
            inside = True
        elif inside:
            yield number, line


def _items(lines: list[str]) -> Iterator[Setting]:
    for number, line in _under(lines, "hyperparameter"):
        if item := _ITEM.match(line):
            yield Setting(item[1].strip(), item[2].strip("`"), number)


def _versions(file: LogFile, lines: list[str]) -> Iterator[Fact]:
    for number, line in _under(lines, "framework version"):
        if found := _VERSION.match(line):
            name = found[1].strip().lower().replace(" ", "-")
            name = {"pytorch": "torch"}.get(name, name)
            yield Fact(name, found[2], file.source(number, found[1].strip()), "model card")


def _front_matter(file: LogFile, lines: list[str]) -> Iterator[Setting]:
    """The base model and the data set of the YAML between the first two `---`."""
    if not lines or lines[0].strip("\ufeff \r") != "---":
        return
    end = next((at for at, line in enumerate(lines[1:200], start=1) if line.strip() == "---"), None)
    if end is None:
        return
    try:
        for setting in yaml_settings("\n".join(lines[1:end]), file.name, 2):
            if setting.name in {"base_model", "datasets"}:
                yield setting
    except ReadError:
        file.count_damage("front matter of the model card is not YAML", 1)


def _axolotl(file: LogFile, lines: list[str]) -> Iterator[Setting]:
    """The configuration that axolotl prints in a fenced block."""
    start = next((at for at, line in enumerate(lines) if "axolotl version" in line), None)
    if start is None:
        return
    opens = next((at for at in range(max(0, start - 2), min(start + 8, len(lines))) if "```yaml" in lines[at]), None)
    if opens is None:
        return
    closes = next((at for at in range(opens + 1, len(lines)) if lines[at].strip() == "```"), len(lines))
    try:
        yield from yaml_settings("\n".join(lines[opens + 1 : closes]), file.name, opens + 2)
    except ReadError:
        file.count_damage("axolotl configuration in the model card is not YAML", opens + 1)


def _results(file: LogFile, lines: list[str]) -> Fragment | None:
    """The first table with a `Step` and a loss column below `Training results`."""
    rows = [
        (number, line.strip()) for number, line in _under(lines, "training results") if line.strip().startswith("|")
    ]
    if len(rows) < 3:
        return None
    header = [_column(cell) for cell in split_row(rows[0][1].strip("|"), "|")]
    cells = [split_row(line.strip("|"), "|") for _, line in rows[2:]]
    numbers = np.asarray([number for number, _ in rows[2:]], np.int64)
    table = Table(file, "model_card", numbers)
    for at, name in enumerate(header):
        column = [row[at].removesuffix("No log") if at < len(row) else "" for row in cells]
        places, values, wrong = floats_of(column, "number")
        if wrong:
            file.count_damage("cell that is not a number", int(numbers[wrong[0]]), count=len(wrong))
        table.printed[name] = printed_like(column, name)
        table.add(name, places, values)
    return next(iter(fragments_of(table)), None)


def _column(cell: str) -> str:
    """A column of the table; every metric beside the training loss is one of the evaluation."""
    name = cell.strip()
    known = name.lower().startswith(("train", "valid", "eval")) or name.lower() in {"epoch", "step"}
    return name if known else f"eval_{name}"


READER = Reader(
    name="model_card",
    title="Hugging Face model card (README.md)",
    recognised_by="the headings `Training hyperparameters` and `Framework versions`",
    delivers="settings, library versions, base model, and the table of training results by step",
    limits="the training loss in the table is the last logged one before each evaluation",
    sniff=sniff,
    read=read,
)
