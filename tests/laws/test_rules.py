"""Laws of the rules that hold for every run."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from trainclinic.catalogue.verdict import Verdict
from trainclinic.findings.examine import all_rules, examine
from trainclinic.record.run import RunRecord
from trainclinic.record.series import make_series
from trainclinic.signals.measured import Measured

NAMES = ("train/loss", "eval/loss", "train/grad_norm", "train/learning_rate", "train/epoch", "time/elapsed")
numbers = st.floats(-1e6, 1e6) | st.sampled_from([0.0, float("nan"), float("inf"), 1e-9, 9.23, 0.6931])
rows = st.dictionaries(st.integers(0, 3000), numbers, min_size=1, max_size=30)
runs = st.dictionaries(st.sampled_from(NAMES), rows, max_size=len(NAMES))


def measured(columns: dict[str, list[tuple[int, float]]]) -> Measured:
    series = {name: make_series(name, *zip(*pairs, strict=True)) for name, pairs in columns.items()}
    return Measured(RunRecord(name="drawn", series=series))


def verdicts(columns: dict[str, list[tuple[int, float]]]) -> dict[str, Verdict]:
    return {finding.entry.rule.code: finding.verdict for finding in examine(measured(columns))}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(runs)
@example({"train/grad_norm": {0: 0.0}, "eval/loss": {1: 2.2250738585e-313, 2: 0.0}, "train/loss": {0: 1.0, 1: 1.0}})
@example({"eval/loss": {0: 0.015625, 1: 0.0, 2: 0.0}, "train/loss": {0: 1.0, 1: 1.0}})
def test_rules_never_raise_and_row_order_changes_no_verdict(run: dict[str, dict[int, float]]) -> None:
    forward = {name: sorted(rows.items()) for name, rows in run.items()}
    backward = {name: pairs[::-1] for name, pairs in forward.items()}
    assert set(verdicts(forward)) == set(all_rules())
    assert repr(verdicts(forward)) == repr(verdicts(backward))


@pytest.mark.parametrize("code", all_rules())
def test_a_slug_is_no_cause(code: str) -> None:
    causes = ("explosion", "bug", "defect", "mismatch", "misconfig", "too-small", "leak-", "overfit", "underfit")
    named = {"SET707": "defect", "SET714": "mismatch"}  # what a table of releases and what a warning say themselves
    assert not any(word in all_rules()[code].rule.slug for word in causes if word != named.get(code))
