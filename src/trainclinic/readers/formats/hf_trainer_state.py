"""Hugging Face `trainer_state.json`: the `log_history` of a Trainer, and a few settings of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.readers.fragment import Fragment
from trainclinic.readers.reader import Reader
from trainclinic.readers.redact import redact
from trainclinic.readers.tables.column_names import meanings_of
from trainclinic.readers.tables.json_array import JsonArray
from trainclinic.readers.tables.row_columns import LARGEST_STEP, Alike, GrowingColumn, alike_rows, numbers_in
from trainclinic.record.facts import Fact, coerce_fact_value

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

# Keys of TrainerState (transformers 4.0 to 5.23) that are facts. `train_batch_size` is the batch of one process:
# with `DataParallel` it spans the GPUs of that process.
_FACTS = {
    "max_steps": "planned_steps",
    "num_train_epochs": "planned_epochs",
    "train_batch_size": "micro_batch_size",
    "logging_steps": "logging_steps",
    "eval_steps": "eval_steps",
    "save_steps": "save_steps",
    "global_step": "final_step",
    "epoch": "final_epoch",
    "best_metric": "best_metric",
    "best_model_checkpoint": "best_checkpoint",
}
_ZERO_MEANS_UNKNOWN = {
    "planned_steps",
    "planned_epochs",
    "micro_batch_size",
    "logging_steps",
    "eval_steps",
    "save_steps",
}
_OTHER_FACTS = ("best_global_step", "num_input_tokens_seen", "total_flos", "trial_name")
_SUMMARY_FACTS = {"train_runtime": "train_runtime", "train_loss": "final_train_loss"}
# transformers rounds the loss to 4 decimals; the epoch to 2 up to 4.43, later not at all.
_DECIMALS = {"loss": 4, "epoch": 2}


def sniff(file: LogFile) -> float:
    """Certain by the `log_history` key, likely by the file name."""
    if b'"log_history"' in file.head:
        return 1.0
    return 0.9 if file.path.name == "trainer_state.json" else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read `log_history` into columns and the other keys into facts.

    Raises:
        ReadError: If the file holds no `log_history` list.
    """
    history = JsonArray(file, "log_history")
    fragment = Fragment(file=file.name, reader=READER.name)
    columns: dict[str, GrowingColumn] = {}
    count = 0
    for piece in history.pieces():
        for rows in alike_rows(piece, count):
            if "train_runtime" in rows.keys and "loss" not in rows.keys:
                _add_summary(fragment, file, rows)
            else:
                _add_rows(columns, file, rows)
        count += len(piece.rows)
    for (key, column), meaning in zip(columns.items(), meanings_of(list(columns)), strict=True):
        fragment.columns[meaning.name] = column.finish(_DECIMALS.get(key), meaning.factor)
    _drop_repeats(fragment)
    _add_state(fragment, file, history)
    return [fragment]


def _add_rows(columns: dict[str, GrowingColumn], file: LogFile, rows: Alike) -> None:
    if "step" not in rows.keys:
        file.count_damage("row of `log_history` without a `step`", int(rows.line[0]), count=len(rows.index))
        return
    number, usable = numbers_in(rows.columns["step"])
    usable &= np.isfinite(number) & (number >= 0) & (number <= LARGEST_STEP)
    if not usable.all():
        bad = np.flatnonzero(~usable)
        says = "row of `log_history` whose `step` is no count of steps"
        file.count_damage(says, int(rows.line_of("step")[bad[0]]), count=bad.size)
    step = np.where(usable, number, 0).astype(np.int64)
    for key in rows.keys:
        if key == "step":
            continue
        value, mask = numbers_in(rows.columns[key])
        mask &= usable
        if mask.any():
            column = columns.setdefault(key, GrowingColumn())
            column.add(rows.index[mask], step[mask], value[mask], rows.line_of(key)[mask])


def _add_summary(fragment: Fragment, file: LogFile, rows: Alike) -> None:
    """The row that a Trainer writes when it ends: totals of the run, no measurement at a step. The last one counts."""
    for key in rows.keys:
        source = file.source(int(rows.line_of(key)[-1]), key)
        value = rows.columns[key][-1]
        name = _SUMMARY_FACTS.get(key)
        if name is None and key not in {"step", "epoch", "total_flos"} and isinstance(value, (int, float)):
            fragment.other_facts.append(Fact(key, float(value), source, "log"))
        elif name is not None and (number := coerce_fact_value(name, value)) is not None:
            fragment.facts.append(Fact(name, number, source, "log"))


def _drop_repeats(fragment: Fragment) -> None:
    """An evaluation row repeats the epoch of the training row at its step: once is enough."""
    column = fragment.columns.get("train/epoch")
    if column is None:
        return
    step, value = np.asarray(column.step), np.asarray(column.value)
    keep = np.ones(step.size, dtype=bool)
    keep[1:] = (np.diff(step) != 0) | (np.diff(value) != 0)
    column.step, column.value, column.line = step[keep], value[keep], np.asarray(column.line)[keep]  # type: ignore[assignment]


def _add_state(fragment: Fragment, file: LogFile, history: JsonArray) -> None:
    state = history.outside()
    for key, name in _FACTS.items():
        value = coerce_fact_value(name, state.get(key))
        if isinstance(value, str):
            value = redact(value)
        unknown = name in _ZERO_MEANS_UNKNOWN and isinstance(value, float) and not value > 0
        if value is not None and not unknown:
            fragment.facts.append(Fact(name, value, file.source(history.line_outside(key), key), "log"))
    for key in _OTHER_FACTS:
        value = state.get(key)
        if value not in (None, 0, "") and isinstance(value, (int, float, str)):
            shown = redact(value) if isinstance(value, str) else float(value)
            fragment.other_facts.append(Fact(key, shown, file.source(history.line_outside(key), key), "log"))


READER = Reader(
    name="hf_trainer_state",
    title="Hugging Face trainer_state.json",
    recognised_by="the `log_history` key",
    delivers="every logged column by step; planned and reached steps and epochs, batch size, logging interval, "
    "best checkpoint, totals of the summary row",
    limits="no accumulation, schedule or precision: they are not in the file",
    sniff=sniff,
    read=read,
)
