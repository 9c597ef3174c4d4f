"""Harmful is reserved for what is wrong beyond reasonable doubt: the same symptom, weighed by what stands around it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from tests.signals.run_builder import run_of

from trainclinic.catalogue.verdict import NotEvaluated, Present, Severity, Verdict
from trainclinic.findings.examine import all_rules
from trainclinic.record.parts import Event
from trainclinic.record.source import Source
from trainclinic.signals.measured import Measured

NAN, INF = math.nan, math.inf
FALLING = [2.0 - 0.1 * i for i in range(8)]


def severity(code: str, run: Measured) -> Severity:
    rule = all_rules()[code].rule
    verdict: Verdict = rule.check(run)
    assert isinstance(verdict, Present), verdict
    return rule.severity if verdict.severity is None else verdict.severity


def steps(**columns: Any) -> Measured:
    rows = max(len(v) for v in columns.values() if isinstance(v, list))
    return run_of(range(1, rows + 1), **columns)


@pytest.mark.parametrize(
    ("loss", "norm", "expected"),
    [
        (FALLING, [1.0] * 4 + [NAN] + [1.0] * 3, Severity.NOTE),
        (FALLING, [1.0] * 4 + [INF] + [1.0] * 3, Severity.NOTE),
        (FALLING, [1.0] * 7 + [NAN], Severity.NOTE),
        (FALLING, [NAN] * 8, Severity.WARNING),
        (FALLING, [1.0, NAN, NAN, 1.0, NAN, NAN, NAN, 1.0], Severity.WARNING),
        ([1.7] * 8, [NAN] * 8, Severity.HARMFUL),
        ([1.7] * 3, [NAN] * 3, Severity.WARNING),
        ([1.7] * 4 + [0.0] * 4, [1.0] * 4 + [NAN] * 4, Severity.HARMFUL),
        ([1.7] * 4 + [NAN] * 4, [1.0] * 4 + [NAN] * 4, Severity.HARMFUL),
    ],
)
def test_a_nan_norm_is_weighed_by_the_loss_beside_it(loss: list[float], norm: list[float], expected: Severity) -> None:
    assert severity("NUM102", steps(loss=loss, norm=norm)) is expected


@pytest.mark.parametrize(
    ("loss", "expected"),
    [([2.0, NAN, 1.9], Severity.WARNING), ([2.0, 1.9, NAN], Severity.HARMFUL), ([NAN, NAN, NAN], Severity.HARMFUL)],
)
def test_a_nan_loss_is_harmful_when_nothing_finite_follows(loss: list[float], expected: Severity) -> None:
    assert severity("NUM101", steps(loss=loss)) is expected


@pytest.mark.parametrize(
    ("loss", "norm", "expected"),
    [
        ([0.01, 0.002, 0.0, 0.0, 0.0001], [0.1] * 5, Severity.NOTE),
        ([2.0, 0.0, 0.0, 0.0], [1.0, NAN, NAN, NAN], Severity.HARMFUL),
        ([2.0, 0.0, 0.0, 1.9], [1.0, NAN, NAN, 1.0], Severity.WARNING),
        ([0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], Severity.HARMFUL),
    ],
)
def test_an_exact_zero_is_harmful_when_it_lasts_and_is_no_rounding(
    loss: list[float], norm: list[float], expected: Severity
) -> None:
    assert severity("NUM104", steps(loss=loss, norm=norm)) is expected


def test_hidden_nan_that_recovers_is_a_warning() -> None:
    assert severity("ART602", steps(loss=[2.0, 0.0, 1.9], norm=[1.0, NAN, 1.0])) is Severity.WARNING
    assert severity("ART602", steps(loss=[2.0, 0.0, 0.0], norm=[1.0, NAN, NAN])) is Severity.HARMFUL


def test_zero_norms_are_harmful_when_they_last_except_in_policy_training() -> None:
    assert severity("NUM105", steps(loss=[5.6] * 4, norm=[0.0] * 4)) is Severity.HARMFUL
    assert severity("NUM105", steps(loss=FALLING, norm=[1.0, 0.0] * 4)) is Severity.NOTE
    rewards = {"reward/std": [0.0] * 4}
    assert severity("NUM105", steps(loss=[0.0] * 4, norm=[0.0] * 4, extra=rewards)) is Severity.WARNING


def test_a_constant_norm_is_harmful_only_beside_hidden_nan() -> None:
    root = [math.sqrt(3)] * 4
    assert severity("NUM106", steps(loss=[21.0, 0.0, 0.0, 0.0], norm=root)) is Severity.HARMFUL
    assert severity("NUM106", steps(loss=FALLING[:4], norm=root)) is Severity.WARNING
    assert severity("NUM106", steps(loss=FALLING[:4], norm=[0.3] * 4, facts={"max_grad_norm": 0.3})) is Severity.NOTE
    assert severity("NUM106", steps(loss=FALLING[:4], norm=[1.0] * 4)) is Severity.NOTE


@pytest.mark.parametrize(
    ("skips", "last", "expected"),
    [
        (8, 1000, Severity.NOTE),
        (15, 20, Severity.HARMFUL),
        (60, 10000, Severity.NOTE),
        (300, 10000, Severity.WARNING),
        (900, 1000, Severity.HARMFUL),
    ],
)
def test_skipped_steps_are_weighed_by_their_share(skips: int, last: int, expected: Severity) -> None:
    event = Event("optimizer-step-skipped", "OVERFLOW! Skipping step", Source("train.log", 3), count=skips)
    assert severity("NUM110", run_of([1, last], loss=[2.0, 1.9], events=[event])) is expected


def test_nan_at_rate_0_is_a_note_when_the_scaler_only_searched() -> None:
    rate = [0.0, 1e-6, 2e-6, 3e-6]
    assert severity("NUM111", steps(loss=FALLING[:4], norm=[INF, 1.0, 1.0, 1.0], rate=rate)) is Severity.NOTE
    assert severity("NUM111", steps(loss=[1.08, 0.0, 0.0, 0.0], norm=[NAN] * 4, rate=rate)) is Severity.HARMFUL


def test_an_onset_that_is_only_inferred_is_a_warning() -> None:
    facts = {"accumulation_steps": 8.0, "warmup_steps": 10.0}
    run = run_of([10, 20], loss=[14577.9766, 0.0], norm=[NAN, NAN], facts=facts)
    assert severity("NUM112", run) is Severity.WARNING
    unsure = all_rules()["NUM111"].rule.check(run)
    assert isinstance(unsure, NotEvaluated), "a NaN inside step 2 would have come before any effective update"


def test_an_isolated_giant_is_a_warning_and_a_lasting_one_harmful() -> None:
    facts = {"accumulation_steps": 8.0}
    giant = 1.5 * 4 / 10 * (11 / 5) ** 8
    apart = run_of([10, 20, 30, 40], loss=[1.5, 1.5, giant, 1.5], norm=[1.0, 1.0, NAN, 1.0], facts=facts)
    assert severity("ART601", apart) is Severity.WARNING
    lasting = run_of([10, 20, 30, 40], loss=[1.5, 1.5, giant, 0.0], norm=[1.0, 1.0, NAN, NAN], facts=facts)
    assert severity("ART601", lasting) is Severity.HARMFUL
