"""A rule of this room: it finds alarms, and answers like every other rule with one of three verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.script.alarm import Alarm, Certainty, Safety

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

Find = Callable[["Program"], Iterable[Alarm]]
Looked = Callable[["Program"], bool]


@dataclass(frozen=True, slots=True)
class ScriptRule(Rule["Program"]):
    """One kind of mistake. The docstring of its module is its page, whose example is a test.

    Attributes:
        certainty: The most that one of its alarms can claim.
        find: Yields one alarm per place; never raises on any program that can be parsed.
        fix: Whether `--fix` can mend it, and how safely; `None` when only a person can.
    """

    certainty: Certainty = Certainty.LIKELY
    find: Find = lambda _: ()
    fix: Safety | None = None


def script_rule(
    *,
    code: str,
    slug: str,
    severity: Severity,
    certainty: Certainty,
    needs: tuple[str, ...],
    find: Find,
    looked: Looked,
    missing: str,
    fix: Safety | None = None,
    thresholds: tuple[Threshold, ...] = (),
) -> ScriptRule:
    """Make a rule out of what it finds and of when its silence means something.

    Args:
        code: Three letters for the part of a script and three digits; never reused.
        slug: Noun phrase after "this script shows ...".
        severity: How harmful the mistake is if it is there.
        certainty: The most that one of its alarms can claim.
        needs: What in the code the rule looks at, for the generated reference.
        find: Yields one alarm per place.
        looked: Whether the program holds what the rule is about (a collator, an own loop), so that no alarm means that
            it is not there.
        missing: What a program lacks otherwise, as a noun phrase: "a training loop of its own".
        fix: Whether and how safely it can be mended.
        thresholds: The numbers it decides by.
    """

    def check(program: Program) -> Verdict:
        alarms = sorted(find(program), key=lambda alarm: (-alarm.certainty, alarm.place))
        certain = [alarm for alarm in alarms if alarm.certainty > Certainty.HINT]
        if certain:
            milder = None if certain[0].certainty is Certainty.PROOF else min(severity, Severity.WARNING)
            return Present(tuple(Evidence(said(alarm), alarm.place.source) for alarm in certain), severity=milder)
        if alarms:
            return NotEvaluated(f"what would turn a hint into evidence: {said(alarms[0])} ({alarms[0].place})")
        return Absent() if looked(program) else NotEvaluated(missing)

    return ScriptRule(code, slug, severity, needs, check, thresholds, "0.3", certainty, find, fix)


def said(alarm: Alarm) -> str:
    """What an alarm says, with its condition."""
    return f"{alarm.says}, when {alarm.when}" if alarm.when else alarm.says
