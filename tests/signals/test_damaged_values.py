"""Schedule, speed, position, arithmetic and resumes on values that no run could log: an answer or none, no failure."""

from __future__ import annotations

import numpy as np
import pytest

from trainclinic.findings.examine import all_rules
from trainclinic.record.facts import Fact, Facts
from trainclinic.record.run import RunRecord
from trainclinic.record.series import Printed, Series, make_series
from trainclinic.record.source import Source
from trainclinic.signals.measured import Measured

SERIES = [
    "train/loss",
    "eval/loss",
    "train/learning_rate",
    "train/epoch",
    "train/tokens",
    "time/elapsed",
    "time/remaining",
    "time/stamp",
    "speed/steps_per_second",
    "speed/seconds_per_step",
    "speed/samples_per_second",
    "memory/reserved",
    "memory/allocated",
    "train/perplexity",
]
FACTS = [
    "planned_steps",
    "planned_epochs",
    "learning_rate",
    "minimum_learning_rate",
    "warmup_steps",
    "warmup_ratio",
    "start_step",
    "micro_batch_size",
    "accumulation_steps",
    "world_size",
    "sequence_length",
    "dataset_rows",
    "dataset_tokens",
    "train_runtime",
]
ODD = [np.nan, np.inf, -np.inf, 0.0, -1.0, 1e300, -1e300, 5e-324, 1.0, 0.5]


def values(rng: np.random.Generator, count: int) -> np.ndarray:
    kind = rng.integers(4)
    if kind == 0:
        return np.sort(rng.gamma(2, 1, count))
    if kind == 1:
        return rng.choice(ODD, count)
    if kind == 2:
        return np.where(rng.random(count) < 0.1, np.nan, np.cumsum(rng.normal(1, 0.5, count)))
    return 1e-4 * np.clip(1 - np.arange(count) / max(count - 3, 1), 0, 1)


def steps(rng: np.random.Generator, count: int) -> np.ndarray:
    kinds = (
        np.arange(count) * int(rng.integers(1, 50)),
        rng.integers(-100, 100, count),
        rng.integers(-(2**62), 2**62, count),
        np.concatenate((np.arange(count), np.arange(count) + int(rng.integers(0, 20)))),
        np.zeros(count, int),
    )
    return kinds[rng.integers(len(kinds))]


def column(rng: np.random.Generator, name: str) -> Series:
    step = steps(rng, int(rng.integers(1, 60)))
    printed = (Printed(), Printed("fixed", int(rng.integers(-1, 6))), Printed("significant", 3), Printed("float32"))
    unit = ("", "s", "min", "ms")[rng.integers(4)]
    return make_series(name, step, values(rng, step.size), unit=unit, printed=printed[rng.integers(4)])


@pytest.mark.parametrize("seed", range(60))
def test_no_signal_and_no_rule_fails(seed):
    rng = np.random.default_rng(seed)
    series = {name: column(rng, name) for name in SERIES if rng.random() < 0.5}
    numbers = [0.0, 1.0, 3.0, 100.0, 5000.0, -1.0, 0.1, 1e-4, 1e300, 1e-300]
    facts = Facts(Fact(name, float(rng.choice(numbers)), Source("x")) for name in FACTS if rng.random() < 0.4)
    run = Measured(RunRecord("r", series, facts))
    for name in ("position", "schedule", "schedule_plan", "throughput", "arithmetic", "resume"):
        getattr(run, name)
    for code, entry in all_rules().items():
        if code.startswith(("SCH", "SPD")):
            entry.rule.check(run)
