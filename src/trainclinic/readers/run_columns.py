"""Columns that say which run a row belongs to."""

from __future__ import annotations

from collections.abc import Sequence

_NAMES = {"run", "run_name", "run_id", "run_uuid", "experiment", "experiment_name", "experiment_id", "exp", "exp_name"}
_NAMES |= {"trial", "trial_id", "fold", "seed", "job", "job_id", "config", "variant", "setting"}
_MOST_RUNS = 1_000


def is_run_name(column: str) -> bool:
    """Whether a column names runs, judged by its name: `run`, `Run ID`, `experiment-name`, `fold`."""
    return column.strip().lower().replace(" ", "_").replace("-", "_") in _NAMES


def several_runs(labels: Sequence[str]) -> bool:
    """Whether the values of such a column divide the rows into runs: several values, each with several rows."""
    kinds = len(set(labels))
    return 1 < kinds <= _MOST_RUNS and kinds * 2 <= len(labels)
