"""Run every rule of this room over one program.

It knows how rules are found, asked and put in order. It does not know what the user wants to see: suppressions and
preferences are applied by whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, cast

from trainclinic.catalogue.finding import Finding, in_order
from trainclinic.catalogue.load import Entry, load_entries
from trainclinic.catalogue.verdict import NotEvaluated, Severity, Verdict
from trainclinic.record.parts import Damage
from trainclinic.record.source import Source
from trainclinic.script.alarm import Alarm
from trainclinic.script.garbage import garbage_stays
from trainclinic.script.places import Place
from trainclinic.script.rule import ScriptRule

if TYPE_CHECKING:
    from trainclinic.script.program.program import Program

CANNOT_FINISH = "a rule that can finish on this code: please report it"


@dataclass(frozen=True, slots=True)
class Found:
    """One alarm with the rule that raised it.

    Attributes:
        entry: The rule with its page.
        alarm: What it found, and where.
    """

    entry: Entry[Program]
    alarm: Alarm

    @property
    def rule(self) -> ScriptRule:
        """The rule as this room knows it, with its certainty and its way of mending."""
        return cast("ScriptRule", self.entry.rule)

    @property
    def severity(self) -> Severity:
        """How harmful the mistake is."""
        return self.entry.rule.severity


@dataclass(frozen=True, slots=True)
class Examined:
    """What all rules found in a program.

    Attributes:
        alarms: In order of file, line and code; one per code and place.
        troubles: Rules that broke off on this code; their source names no file, only the code of the rule as its key.
    """

    alarms: tuple[Found, ...]
    troubles: tuple[Damage, ...]


@cache
def all_rules() -> dict[str, Entry[Program]]:
    """Every rule of this room, by code."""
    from trainclinic.script import rules

    return load_entries(rules)


@garbage_stays()
def examine(program: Program, rules: Iterable[Entry[Program]] | None = None, *, strict: bool = False) -> Examined:
    """Let rules look for their mistake; one that breaks off takes no other down.

    Args:
        program: The code, as the parser and the data flow see it.
        rules: Which rules to ask; all of them by default.
        strict: Let the exception of a rule through instead of counting it: tests want to see it.
    """
    alarms: dict[tuple[str, Place], Found] = {}
    troubles: list[Damage] = []
    for entry in all_rules().values() if rules is None else rules:
        try:
            found = [Found(entry, alarm) for alarm in cast("ScriptRule", entry.rule).find(program)]
        except Exception as error:
            if strict:
                raise
            troubles.append(_broke_off(entry.rule.code, error))
            continue
        for one in found:
            key = (entry.rule.code, one.alarm.place)
            if key not in alarms or one.alarm.certainty > alarms[key].alarm.certainty:
                alarms[key] = one
    return Examined(tuple(sorted(alarms.values(), key=_in_order)), tuple(troubles))


def alarms_of(
    program: Program, rules: Iterable[Entry[Program]] | None = None, *, strict: bool = False
) -> tuple[Found, ...]:
    """The alarms of `examine` alone, in order of file, line and code."""
    return examine(program, rules, strict=strict).alarms


def verdicts_of(program: Program, *, strict: bool = False) -> tuple[Finding, ...]:
    """Every rule's verdict, for a diagnosis; a suppression hides an alarm from the eye and never from a diagnosis.

    Args:
        program: The code, as the parser and the data flow see it.
        strict: Let the exception of a rule through instead of answering "not evaluated".

    Returns:
        Present findings first, the most harmful first, then by code.
    """
    with garbage_stays():
        answers = [Finding(entry, _verdict(entry, program, strict=strict)) for entry in all_rules().values()]
    return tuple(sorted(answers, key=in_order))


def _verdict(entry: Entry[Program], program: Program, *, strict: bool) -> Verdict:
    try:
        return entry.rule.check(program)
    except Exception:
        if strict:
            raise
        return NotEvaluated(CANNOT_FINISH)


def _broke_off(code: str, error: Exception) -> Damage:
    says = f"rule `{code}` could not finish on this code (`{type(error).__name__}`): please report it"
    return Damage(says, Source("", key=code))


def _in_order(found: Found) -> tuple[str, int, int, int, str]:
    place = found.alarm.place
    return place.path, place.cell, place.line, place.column, found.entry.rule.code
