"""A run in memory from a few columns, for tests of signals and rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trainclinic.record.facts import Fact, Facts
from trainclinic.record.parts import Checkpoint, Event
from trainclinic.record.run import Axis, RunRecord
from trainclinic.record.series import make_series
from trainclinic.record.source import Source
from trainclinic.signals.measured import Measured

SHORT = {"loss": "train/loss", "norm": "train/grad_norm", "rate": "train/learning_rate", "eval": "eval/loss"}


def run_of(
    step: Sequence[int],
    *,
    facts: Mapping[str, float | str | bool] | None = None,
    events: Sequence[Event] = (),
    checkpoints: Sequence[int] = (),
    axis: Axis = "step",
    log_format: str = "hf_console",
    extra: Mapping[str, Sequence[float]] | None = None,
    **columns: Sequence[float],
) -> Measured:
    """One run whose columns (`loss`, `norm`, `rate`, `eval`, or `extra` by full name) share their steps."""
    named = {SHORT[name]: values for name, values in columns.items()} | dict(extra or {})
    series = {
        name: make_series(name, step, values, line=range(1, len(step) + 1), files=("train.log",))
        for name, values in named.items()
    }
    known = Facts(Fact(name, value, Source("args.json", key=name)) for name, value in (facts or {}).items())
    saved = tuple(Checkpoint(at, f"checkpoint-{at}", Source("train.log")) for at in checkpoints)
    record = RunRecord(
        "run",
        series=series,
        facts=known,
        events=tuple(events),
        checkpoints=saved,
        files=("train.log",),
        axis=axis,
        log_format=log_format,
    )
    return Measured(record)
