"""Asking all rules: what is kept, in which order, and what happens when one of them breaks off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from tests.report.lint.fixed_reports import entry

from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present, Severity
from trainclinic.script import examine as room
from trainclinic.script.alarm import Alarm, Certainty
from trainclinic.script.examine import alarms_of, all_rules, examine, verdicts_of
from trainclinic.script.places import Place
from trainclinic.script.rule import ScriptRule

PROGRAM: Any = object()
"""The stand-in rules look at no program."""


def alarm(
    path: str = "a.py", line: int = 1, certainty: Certainty = Certainty.LIKELY, says: str = "it is wrong"
) -> Alarm:
    return Alarm(Place(path, line, 1, line, 9), says, certainty)


def finding(*alarms: Alarm) -> Any:
    return lambda _: iter(alarms)


def breaks_off(_: Any) -> Iterable[Alarm]:
    yield alarm()
    message = "labels"
    raise KeyError(message)


class TestAlarms:
    def test_they_are_ordered_by_file_line_and_code(self) -> None:
        rules = [
            entry("TOK002", "second", find=finding(alarm("b.py", 1), alarm("a.py", 20))),
            entry("LBL001", "first", find=finding(alarm("a.py", 20), alarm("a.py", 3))),
        ]
        found = [(one.alarm.place.path, one.alarm.place.line, one.rule.code) for one in alarms_of(PROGRAM, rules)]
        assert found == [("a.py", 3, "LBL001"), ("a.py", 20, "LBL001"), ("a.py", 20, "TOK002"), ("b.py", 1, "TOK002")]

    def test_of_several_at_one_place_the_most_certain_is_kept(self) -> None:
        found = (
            alarm(certainty=Certainty.LIKELY, says="likely"),
            alarm(certainty=Certainty.PROOF, says="proof"),
            alarm(certainty=Certainty.HINT, says="hint"),
        )
        (only,) = alarms_of(PROGRAM, [entry("LBL001", "first", find=finding(*found))])
        assert only.alarm.says == "proof"

    def test_two_rules_may_say_something_about_one_place(self) -> None:
        rules = [entry(code, code.lower(), find=finding(alarm())) for code in ("LBL001", "LBL002")]
        assert len(alarms_of(PROGRAM, rules)) == 2

    def test_their_severity_is_that_of_the_rule(self) -> None:
        (only,) = alarms_of(PROGRAM, [entry("LBL001", "first", Severity.WARNING, finding(alarm()))])
        assert only.severity is Severity.WARNING


class TestRulesThatBreakOff:
    RULES = (entry("LBL001", "first", find=breaks_off), entry("LBL002", "second", find=finding(alarm())))

    def test_the_others_still_answer_and_the_trouble_is_told(self) -> None:
        examined = examine(PROGRAM, self.RULES)
        assert [one.rule.code for one in examined.alarms] == ["LBL002"]
        (trouble,) = examined.troubles
        assert trouble.says == "rule `LBL001` could not finish on this code (`KeyError`): please report it"

    def test_a_test_can_ask_to_see_the_exception(self) -> None:
        with pytest.raises(KeyError, match="labels"):
            examine(PROGRAM, self.RULES, strict=True)


class TestVerdicts:
    @pytest.fixture
    def verdicts(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        def answer(*entries: Any, **options: Any) -> Any:
            rules = {one.rule.code: one for one in entries}
            monkeypatch.setattr(room, "all_rules", lambda: rules)
            return verdicts_of(PROGRAM, **options)

        return answer

    def test_present_ones_come_first_and_the_most_harmful_before_them(self, verdicts: Any) -> None:
        found = verdicts(
            entry("LBL001", "first"),
            entry("LBL002", "second", Severity.WARNING, finding(alarm(certainty=Certainty.PROOF))),
            entry("LBL003", "third", Severity.HARMFUL, finding(alarm(certainty=Certainty.PROOF))),
        )
        assert [one.entry.rule.code for one in found] == ["LBL003", "LBL002", "LBL001"]
        assert [one.is_present for one in found] == [True, True, False]
        assert found[1].severity is Severity.WARNING

    def test_no_alarm_is_an_answer_only_where_there_was_something_to_look_at(self, verdicts: Any) -> None:
        looked, blind = verdicts(entry("LBL001", "first"), entry("LBL002", "second", looked=False))
        assert isinstance(looked.verdict, Absent)
        assert blind.verdict == NotEvaluated("a call")

    def test_a_hint_is_evidence_neither_way_and_says_what_it_is(self, verdicts: Any) -> None:
        (only,) = verdicts(entry("LBL001", "first", find=finding(alarm(certainty=Certainty.HINT))))
        assert isinstance(only.verdict, NotEvaluated)
        assert "it is wrong (a.py:" in only.verdict.missing

    def test_what_is_only_likely_is_a_milder_finding(self, verdicts: Any) -> None:
        (only,) = verdicts(entry("LBL001", "first", find=finding(alarm(certainty=Certainty.LIKELY))))
        assert only.severity is Severity.WARNING

    def test_the_evidence_says_the_condition_and_the_place(self, verdicts: Any) -> None:
        (only,) = verdicts(entry("LBL001", "first", find=finding(replace(alarm(line=7), when="`fp16` is `True`"))))
        assert isinstance(only.verdict, Present)
        (evidence,) = only.verdict.evidence
        assert evidence.says == "it is wrong, when `fp16` is `True`"
        assert str(evidence.source) == "a.py:7"

    def test_each_rule_looks_once(self, verdicts: Any) -> None:
        looks: list[int] = []
        verdicts(entry("LBL001", "first", find=lambda _: looks.append(1) or [alarm()]))
        assert looks == [1]

    def test_a_rule_that_breaks_off_counts_neither_way(self, verdicts: Any) -> None:
        (only,) = verdicts(entry("LBL001", "first", find=breaks_off))
        assert isinstance(only.verdict, NotEvaluated)
        with pytest.raises(KeyError):
            verdicts(entry("LBL001", "first", find=breaks_off), strict=True)


def test_every_rule_of_the_room_can_say_how_certain_it_is() -> None:
    assert all(isinstance(one.rule, ScriptRule) for one in all_rules().values())
