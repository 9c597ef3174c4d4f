"""Notebooks of Jupyter and Colab (`.ipynb`): what their cells put out, read like a console, and their training tables.

Places are told as `run.ipynb[cell 14]:3`: the third line below cell 14, where a table takes one line for its head and
one for each row. The code of the cells is read by those who read scripts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from trainclinic.readers.file import TextPart
from trainclinic.readers.fragment import Fragment
from trainclinic.readers.reader import Reader
from trainclinic.record.errors import ReadError
from trainclinic.record.facts import Fact
from trainclinic.record.source import Source

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile
    from trainclinic.readers.notebooks.outputs import CellOutput
    from trainclinic.record.parts import Damage

NAME = "notebook"


def sniff(file: LogFile) -> float:
    """By the ending, or by the keys that every notebook begins with."""
    if file.is_binary:
        return 0.0
    if not file.head_text.lstrip("\ufeff \r\n\t").startswith("{"):
        return 0.0
    if file.path.suffix.lower() == ".ipynb":
        return 1.0
    return 0.9 if '"cell_type"' in file.head_text and '"outputs"' in file.head_text else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read the outputs of all cells; one fragment for each run that a cell shows.

    A traceback counts below a cell that trains, and anywhere when no cell does: people leave the failures of other
    cells in their notebooks.

    Raises:
        ReadError: If no output shows anything of a training run.
    """
    from trainclinic.readers.notebooks.outputs import cell_outputs

    outputs = cell_outputs(file)
    cells = [_read_cell(file, output, with_failures=True) for output in outputs]
    if any(cell.runs for cell in cells):
        again = [not cell.runs and bool(output.failures) for cell, output in zip(cells, outputs, strict=True)]
        cells = [
            _read_cell(file, output, with_failures=False) if anew else cell
            for cell, output, anew in zip(cells, outputs, again, strict=True)
        ]
        fragments = _with_what_was_said(cells)
    else:
        fragments = [Fragment(file=file.name, reader=NAME)]
        for cell in cells:
            _tell(fragments[0], cell.said, with_events=True)
    for cell in cells:
        for damage in cell.damage:
            file.count_damage(f"cell {cell.number}: {damage.says}", damage.source.line, count=damage.count)
    if all(fragment.is_empty for fragment in fragments):
        message = f"`{file.name}` has no output that shows anything of a training run"
        raise ReadError(message, hint="save the notebook after the training cell has run, with its outputs")
    return fragments


@dataclass(slots=True)
class _Cell:
    """What one cell shows: fragments with rows, fragments without, and what could not be read."""

    number: int
    runs: list[Fragment] = field(default_factory=list)
    said: list[Fragment] = field(default_factory=list)
    damage: tuple[Damage, ...] = ()


def _read_cell(file: LogFile, output: CellOutput, *, with_failures: bool) -> _Cell:
    from trainclinic.readers.grammars.console import console_fragments
    from trainclinic.readers.notebooks.training_tables import is_training_table, table_fragments, without_redrawn

    part = TextPart(file, f"cell {output.number}", output.text(with_failures=with_failures))
    tables = without_redrawn([(line, table) for line, table in output.tables if is_training_table(table)])
    shown = [fragment for line, table in tables for fragment in table_fragments(part, NAME, line, table)]
    printed = console_fragments(part, NAME) if part.head.strip() else []
    runs = [fragment for fragment in (*shown, *printed) if fragment.columns]
    said = [fragment for fragment in printed if not fragment.columns]
    return _Cell(output.number, runs, said, part.damage)


def _with_what_was_said(cells: list[_Cell]) -> list[Fragment]:
    """The runs; each gets the settings that were printed before it, the nearest first, and the events around it."""
    fragments: list[Fragment] = []
    before: list[Fragment] = []
    waiting: list[Fragment] = []
    for cell in map(_evaluations_as_facts, cells):
        if not cell.runs:
            waiting += cell.said
            continue
        run = cell.runs[0]
        _tell(run, [*cell.said, *waiting], with_events=True)
        _tell(run, before[::-1], with_events=False)
        before += [*waiting, *cell.said]
        waiting.clear()
        fragments += cell.runs
    if not fragments:
        fragments.append(Fragment(file=cells[0].runs[0].file if cells[0].runs else NAME, reader=NAME))
    _tell(fragments[-1], waiting, with_events=True, with_settings=False)
    return fragments


def _evaluations_as_facts(cell: _Cell) -> _Cell:
    """A cell that only evaluates (`trainer.evaluate()`) shows no run: its last values become facts of another one."""
    if any(name.startswith("train/") and name != "train/epoch" for run in cell.runs for name in run.columns):
        return cell
    for run in cell.runs:
        if run.axis == "row":
            for name, column in run.columns.items():
                source = Source(run.file, int(column.line[-1]))
                fact = Fact(f"evaluated {name}", float(column.value[-1]), source, "log")
                run.other_facts += [fact] if name.startswith("eval") else []
            run.columns = {}
    rowless = [run for run in cell.runs if not run.columns]
    return replace(cell, runs=[run for run in cell.runs if run.columns], said=[*cell.said, *rowless])


def _tell(run: Fragment, said: list[Fragment], *, with_events: bool, with_settings: bool = True) -> None:
    """Add to a fragment what others say about it."""
    for part in said:
        if with_settings:
            run.facts += part.facts
            run.other_facts += part.other_facts
            run.versions += part.versions
        if with_events:
            run.events += part.events
            run.checkpoints += part.checkpoints
            run.results += part.results


READER = Reader(
    name=NAME,
    title="Notebooks of Jupyter and Colab (`.ipynb`)",
    recognised_by="the ending `.ipynb`, or cells with outputs",
    delivers="training tables of Hugging Face, unsloth and fastai, and everything that a console log delivers, out of "
    "the outputs of the cells, by cell and line; how far a run came and how far it was to go",
    limits="a table of the Hugging Face callback repeats the last training loss at an evaluation, and shows no "
    "learning rate; widgets and pictures are not read; code is read as a script",
    sniff=sniff,
    read=read,
)
