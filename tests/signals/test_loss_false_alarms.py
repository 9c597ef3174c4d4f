"""Healthy runs must not alarm: what is said about the loss of synthetic fine-tunes of many kinds.

The generator is harsher than life (t5 noise of up to 0.26 nats a row, data that gets harder by 0.15 nats half-way), so a
few warnings are allowed; nothing harmful is.
"""

from __future__ import annotations

import pytest
from tests.signals.healthy_runs import healthy_run

from trainclinic.catalogue.verdict import Present, Severity
from trainclinic.findings.examine import all_rules

RULES = {code: entry.rule for code, entry in all_rules().items() if code.startswith("LOS")}


def severest(seed: int) -> Severity:
    run = healthy_run(seed)
    worst = Severity.NOTE
    for rule in RULES.values():
        verdict = rule.check(run)
        if isinstance(verdict, Present):
            worst = max(worst, rule.severity if verdict.severity is None else verdict.severity)
    return worst


def test_healthy_runs_are_never_harmful_and_seldom_warned_about() -> None:
    found = [severest(seed) for seed in range(40)]
    assert Severity.HARMFUL not in found
    assert sum(severity is Severity.WARNING for severity in found) <= 3


@pytest.mark.slow
def test_three_hundred_healthy_runs_are_warned_about_in_two_of_a_hundred() -> None:
    found = [severest(seed) for seed in range(1000, 1300)]
    assert Severity.HARMFUL not in found
    assert sum(severity is Severity.WARNING for severity in found) <= 6
