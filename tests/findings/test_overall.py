"""One word for a run: which findings make it sick, which leave it in doubt, and how much log a word needs."""

from __future__ import annotations

import math

import pytest
from tests.signals.run_builder import run_of

from trainclinic.catalogue.finding import Finding
from trainclinic.catalogue.verdict import Evidence, Present, Severity
from trainclinic.findings.examine import all_rules, examine
from trainclinic.findings.overall import overall_verdict
from trainclinic.signals.measured import Measured

LONG = [2.0, 1.9, 1.8, 1.7, 1.6]


def run(loss: list[float]) -> Measured:
    return run_of(range(1, len(loss) + 1), loss=loss)


def finding(code: str, severity: Severity | None = None) -> Finding:
    return Finding(all_rules()[code], Present((Evidence("seen"),), severity=severity))


@pytest.mark.parametrize(
    ("found", "word"),
    [
        ([], "healthy"),
        ([finding("NUM101")], "sick"),
        ([finding("NUM101", Severity.WARNING)], "undetermined"),
        ([finding("NUM101", Severity.NOTE)], "healthy"),
        ([finding("LOS205", Severity.WARNING)], "undetermined"),
        ([finding("SPD402", Severity.WARNING)], "healthy"),
        ([finding("SPD402", Severity.WARNING), finding("NUM101")], "sick"),
    ],
)
def test_the_severity_of_this_run_decides_and_lost_time_is_no_doubt(found: list[Finding], word: str) -> None:
    assert overall_verdict(run(LONG), found).word == word


@pytest.mark.parametrize("loss", [[2.0], LONG[:3], [2.0, 1.9, 1.8, math.nan, math.inf]])
def test_three_finite_rows_are_too_few_for_healthy(loss: list[float]) -> None:
    assert overall_verdict(run(loss), []).word == "undetermined"


def test_a_harmful_finding_needs_no_length() -> None:
    assert overall_verdict(run([2.0]), [finding("NUM101")]).word == "sick"


def test_present_findings_come_first_and_the_most_harmful_of_them_before() -> None:
    findings = examine(run([2.0, 0.0, math.nan, math.nan, math.nan]))
    order = [-1 if not one.is_present else int(one.severity) for one in findings]
    assert order.count(-1) < len(order) - 1
    assert len({rank for rank in order if rank >= 0}) > 1
    assert order == sorted((rank for rank in order if rank >= 0), reverse=True) + [-1] * order.count(-1)
