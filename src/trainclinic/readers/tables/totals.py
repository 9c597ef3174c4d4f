"""Totals that a Trainer sends to a tracker when it ends, as if they were measurements at the last step.

In a tracker they stand among the metrics: `train/train_runtime`, `train/train_loss`, `train/total_flos` (TensorBoard,
W&B) or without the first part (MLflow).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def totals_among(rows: Mapping[str, int]) -> dict[str, str]:
    """Which metrics are totals of the run: the key of each by its name; none when the run did not end.

    Args:
        rows: Number of rows of each metric; a total has as many as the runtime (one, or one for each resume).
    """
    for prefix in ("train/", ""):
        if f"{prefix}train_runtime" in rows:
            most = rows[f"{prefix}train_runtime"]
            return dict(_named(rows, prefix, most))
    return {}


def _named(rows: Mapping[str, int], prefix: str, most: int) -> Iterable[tuple[str, str]]:
    for name, count in rows.items():
        key = name.removeprefix(prefix)
        if name.startswith(prefix) and (key.startswith("train_") or key == "total_flos") and count <= most:
            yield name, key
