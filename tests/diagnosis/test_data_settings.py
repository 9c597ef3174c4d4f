"""Facts of a run as settings of the data room; numbers that only say "not set" are none."""

from __future__ import annotations

import pytest

from trainclinic.diagnosis.data_settings import settings_of
from trainclinic.record.facts import Fact, Facts
from trainclinic.record.source import Source

HERE = Source("config.yaml", 3, "key")


def facts(**values: float | str | bool) -> Facts:
    return Facts([Fact(name, value, HERE) for name, value in values.items()])


def test_a_number_becomes_a_setting_with_its_place() -> None:
    preparation, plan = settings_of(facts(sequence_length=512.0, micro_batch_size=4.0, warmup_steps=0.0, seed=0.0))
    assert (preparation.max_length.value, preparation.max_length.by) == (512, str(HERE))
    assert (plan.micro_batch.value, plan.warmup_steps.value, plan.seed.value) == (4, 0, 0)


@pytest.mark.parametrize("value", [-1.0, 0.0, float("inf"), float("nan")])
def test_a_number_that_says_not_set_is_no_setting(value: float) -> None:
    preparation, plan = settings_of(facts(sequence_length=value, planned_steps=value, accumulation_steps=value))
    assert preparation.max_length.is_assumed
    assert plan.steps.is_assumed
    assert plan.accumulation.is_assumed


def test_training_on_inputs_decides_what_is_scored() -> None:
    assert settings_of(facts(train_on_inputs=True))[0].scored.value == "all"
    assert settings_of(facts(train_on_inputs=False))[0].scored.value == "answers"
