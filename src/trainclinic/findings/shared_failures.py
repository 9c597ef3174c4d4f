"""Runs that differ in one thing and fail alike: what rules about excluded explanations have in common.

A failure here is a loss that is not valid: not finite, or exactly 0. Slower failures are left to rules of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Verdict
from trainclinic.findings.check_reports import told

if TYPE_CHECKING:
    from trainclinic.signals.comparisons import Arm
    from trainclinic.signals.measured import Measured


def fails_alike(run: Measured, factor: str, event: str, missing: str) -> Verdict:
    """Whether every run that differs from this one in a factor fails as it does.

    Args:
        run: The run with its companions.
        factor: What differs.
        event: Kind of event with which a note says so.
        missing: What to provide when nothing can be compared.
    """
    noted = run.record.events_of(event)
    if noted:
        return Present(told(noted))
    pairs = [pair for pair in run.pairs if factor in pair.factors and not pair.conflict]
    if not pairs or not any(arm.is_broken for pair in pairs for arm in (pair.one, pair.other)):
        return NotEvaluated(missing=missing)
    arms = [pairs[0].one, *(pair.other for pair in pairs)]
    values = [pairs[0].factors[factor][0], *(pair.factors[factor][1] for pair in pairs)]
    evidence = tuple(_arm(arm, value) for arm, value in zip(arms, values, strict=True))
    return Present(evidence[:4]) if all(arm.is_broken for arm in arms) else Absent(evidence[:4])


def _arm(arm: Arm, value: str) -> Evidence:
    what = f"no valid loss from step {arm.onset} on" if arm.is_broken else "its losses stay valid"
    return Evidence(f"`{arm.name}`{f' ({value})' if value else ''}: {what}", arm.loss.source(0))
