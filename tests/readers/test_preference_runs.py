"""Preference and policy training: its columns have names and units, and language-model loss rules leave it alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainclinic.catalogue.verdict import Present
from trainclinic.diagnosis.diagnose import diagnose

HERE = Path(__file__).parent
RUNS = [
    f"{reader}/{name}" for reader in ("console_log", "hf_trainer_state") for name in ("trl_dpo", "trl_grpo", "trl_kto")
]
SILENT = {"EVA507", "LOS220"}
"""No evaluation, and a first loss at the objective's own baseline: true of all these runs, and no fault."""


@pytest.mark.parametrize("run", RUNS)
def test_a_preference_or_policy_run_is_not_judged_as_a_language_model(run: str) -> None:
    (one,) = diagnose(HERE / run, scripts=(), data=()).runs
    assert one.measured.objective.is_language_model is False
    present = {found.entry.rule.code for found in one.findings if isinstance(found.verdict, Present)}
    assert present <= SILENT
    assert "LOS220" in present
    assert one.verdict.word == "healthy"


@pytest.mark.parametrize(
    ("run", "units"),
    [
        (
            "trl_dpo",
            {"logps/chosen": "nats", "reward/margin": "1", "reward/accuracy": "1", "train/entropy": "nats/token"},
        ),
        ("trl_kto", {"logps/rejected": "nats", "policy/kl": "nats", "logits/chosen": "1"}),
        (
            "trl_grpo",
            {
                "completions/length": "tokens",
                "completions/cut": "1",
                "policy/clipped": "1",
                "reward/equal_groups": "1",
                "reward/std": "1",
            },
        ),
    ],
)
def test_columns_of_trl_have_canonical_names_with_units(run: str, units: dict[str, str]) -> None:
    for reader in ("console_log", "hf_trainer_state"):
        (one,) = diagnose(HERE / reader / run, scripts=(), data=()).runs
        assert {name: one.record.series[name].unit for name in units} == units
