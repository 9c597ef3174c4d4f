"""Columns that say which run, and which part of it, a row belongs to."""

from __future__ import annotations

from collections.abc import Sequence

_NAMES = {"run", "run_name", "run_id", "run_uuid", "experiment", "experiment_name", "experiment_id", "exp", "exp_name"}
_NAMES |= {"trial", "trial_id", "fold", "seed", "job", "job_id", "config", "variant", "setting"}
_MOST_RUNS = 1_000
_PHASES = {"split", "phase", "mode", "stage", "type", "kind", "prefix", "event", "subset", "set", "partition"}
_EVALUATIONS = {"eval", "val", "valid", "validation", "test", "dev", "evaluation", "evaluate", "validate"}


def is_run_name(column: str) -> bool:
    """Whether a column names runs, judged by its name: `run`, `Run ID`, `experiment-name`, `fold`."""
    return column.strip().lower().replace(" ", "_").replace("-", "_") in _NAMES


def is_phase_name(column: str) -> bool:
    """Whether a column may tell evaluation rows from training rows, judged by its name."""
    return column.strip().lower() in _PHASES


def is_evaluation(value: str) -> bool:
    """Whether a phase is an evaluation."""
    return value.strip().lower() in _EVALUATIONS


def several_runs(labels: Sequence[str]) -> bool:
    """Whether the values of such a column divide the rows into runs: several values, each with several rows."""
    kinds = len(set(labels))
    return 1 < kinds <= _MOST_RUNS and kinds * 2 <= len(labels)
