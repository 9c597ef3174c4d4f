"""Totals that trainers write when a run ends: `train_runtime`, the mean `train_loss`, samples per second, FLOPs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trainclinic.record.facts import Fact, coerce_fact_value
from trainclinic.record.source import Source

_FACTS = {
    "train_runtime": "train_runtime",
    "train_loss": "final_train_loss",
    "train_samples": "dataset_rows",
    "eval_samples": "evaluation_rows",
}


def is_summary(keys: Iterable[str]) -> bool:
    """Whether a row with these keys holds totals of the run and no measurement at a step."""
    known = set(keys)
    return "train_runtime" in known and "loss" not in known


def summary_facts(values: Iterable[tuple[str, Any, Source]]) -> tuple[list[Fact], list[Fact]]:
    """Facts, and facts under their own names, of a summary.

    Args:
        values: Key, value and place of each entry.
    """
    facts: list[Fact] = []
    others: list[Fact] = []
    for key, value, source in values:
        number = coerce_fact_value("train_runtime", value)
        if not isinstance(number, float) or key in {"step", "epoch"}:
            continue
        name = _FACTS.get(key)
        (facts if name else others).append(Fact(name or key, number, source, "log"))
    return facts, others
