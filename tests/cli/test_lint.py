"""`trainclinic lint` as a user types it: what goes to stdout, what to stderr, what is silent, and the exit code.

The rules are stand-ins that dislike calls by their name, so that these tests are about the command alone.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.report.lint.fixed_reports import entry

from trainclinic.catalogue.verdict import Severity
from trainclinic.cli.app import app
from trainclinic.diagnosis.lint import lint
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending, Safety
from trainclinic.script.preferences import Preferences


def calls_of(name: str, certainty: Certainty, safety: Safety | None = None) -> Callable[[Any], Iterator[Alarm]]:
    def find(program: Any) -> Iterator[Alarm]:
        for file in program.project.files:
            for node in ast.walk(file.tree) if file.tree is not None else ():
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                    place = file.place(node)
                    edits = (Edit("replace", place, code="mend()"),) if safety else ()
                    mending = Mending("call `mend`", safety or "unsafe", edits)
                    yield Alarm(place, f"`{name}` is called", certainty, mending=mending)

    return find


def breaks_off(_: Any) -> Iterator[Alarm]:
    yield from ()
    raise ZeroDivisionError


RULES = {
    "LBL001": entry("LBL001", "ruin-of-labels", find=calls_of("ruin", Certainty.PROOF, "safe"), fix="safe"),
    "LOP001": entry(
        "LOP001",
        "doubt-in-loops",
        Severity.WARNING,
        calls_of("doubt", Certainty.LIKELY, "unsafe"),
        group="loops",
        fix="unsafe",
    ),
    "LOP002": entry("LOP002", "hint-in-loops", find=calls_of("hint", Certainty.HINT), group="loops"),
}


@pytest.fixture(autouse=True)
def stand_in_rules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in ("script.examine", "diagnosis.lint"):
        monkeypatch.setattr(f"trainclinic.{module}.all_rules", lambda: RULES)
    monkeypatch.chdir(tmp_path)


def write(name: str, text: str) -> Path:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["lint", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def codes(*arguments: str) -> list[str]:
    """Codes of the alarms, in order."""
    return [alarm["code"] for alarm in json.loads(run(*arguments, "--format", "json").stdout)["alarms"]]


class TestExitCodes:
    @pytest.mark.parametrize(
        ("code", "options", "expected"),
        [
            ("x = 1\n", (), 0),
            ("ruin()\n", (), 1),
            ("doubt()\n", (), 0),
            ("doubt()\n", ("--fail-on", "warning"), 1),
            ("hint()\n", ("--certainty", "hint"), 0),
            ("ruin(\n", (), 2),
        ],
    )
    def test_the_exit_code_says_whether_something_harmful_was_found(
        self, code: str, options: tuple[str, ...], expected: int
    ) -> None:
        write("train.py", code)
        assert run("train.py", *options).exit_code == expected

    def test_a_file_that_is_no_python_does_not_hide_the_others(self) -> None:
        write("a/broken.py", "ruin(\n")
        write("a/train.py", "ruin()\n")
        result = run("a")
        assert result.exit_code == 1
        assert "a/train.py:1:1 LBL001" in result.stdout
        assert "trouble: a/broken.py:1: " in result.stdout

    def test_a_path_that_is_not_there_exits_with_2(self) -> None:
        assert run("nothing.py").exit_code == 2

    @pytest.mark.parametrize(
        "options",
        [("--unsafe-fixes",), ("--fix", "--diff"), ("--statistics", "--format", "sarif"), ("--select", "XYZ")],
    )
    def test_options_that_make_no_sense_exit_with_2(self, options: tuple[str, ...]) -> None:
        write("train.py", "x = 1\n")
        result = run("train.py", *options)
        assert result.exit_code == 2
        assert "rror: " in result.stderr


class TestWhatIsSilent:
    def test_a_comment_silences_its_line_and_is_counted(self) -> None:
        write("train.py", "ruin()  # trainclinic: ignore[LBL001] wanted\nruin()\n")
        result = run("train.py")
        assert "train.py:2:1" in result.stdout
        assert "train.py:1:1" not in result.stdout
        assert "1 suppressed" in result.stdout

    def test_options_select_and_ignore(self) -> None:
        write("train.py", "ruin()\ndoubt()\n")
        assert codes("train.py") == ["LBL001", "LOP001"]
        assert codes("train.py", "--select", "loops,LOP") == ["LOP001"]
        assert codes("train.py", "--ignore", "ruin-of-labels") == ["LOP001"]

    def test_less_certain_alarms_are_shown_on_request_and_counted_otherwise(self) -> None:
        write("train.py", "ruin()\ndoubt()\nhint()\n")
        assert codes("train.py", "--certainty", "hint") == ["LBL001", "LOP001", "LOP002"]
        assert codes("train.py", "--certainty", "proof") == ["LBL001"]
        assert "1 less certain not shown" in run("train.py").stdout

    def test_excluded_files_are_not_read(self) -> None:
        write("a/old/train.py", "ruin()\n")
        write("a/train.py", "x = 1\n")
        assert codes("a") == ["LBL001"]
        assert codes("a", "--exclude", "a/old") == []


class TestSettings:
    @pytest.fixture(autouse=True)
    def settings(self) -> None:
        pytest.importorskip("tomllib")
        write(
            "pyproject.toml",
            '[tool.trainclinic.lint]\nselect = ["LBL"]\nfail-on = "note"\n'
            '[tool.trainclinic.lint.per-file-ignores]\n"tests/*" = ["ALL"]\n',
        )

    def test_they_hold_where_no_option_says_otherwise(self) -> None:
        write("train.py", "ruin()\ndoubt()\n")
        assert codes("train.py") == ["LBL001"]
        assert codes("train.py", "--select", "LOP") == ["LOP001"]
        assert codes("train.py", "--no-config") == ["LBL001", "LOP001"]

    def test_files_of_a_glob_are_silent(self) -> None:
        write("tests/train.py", "ruin()\n")
        result = run("tests/train.py")
        assert result.exit_code == 0
        assert "1 suppressed" in result.stdout


class TestOutput:
    def test_the_result_goes_to_stdout_and_nothing_to_stderr(self) -> None:
        write("train.py", "ruin()\n")
        result = run("train.py")
        assert result.stdout.startswith("train.py:1:1 LBL001 ruin-of-labels (proof, harmful)")
        assert "    1 | ruin()\n      | ^^^^^^\n" in result.stdout
        assert result.stderr == ""

    @pytest.mark.parametrize(
        ("name", "begins"), [("a.json", '{\n  "schema"'), ("a.sarif", '{\n  "$schema"'), ("a.md", "# Scripts")]
    )
    def test_the_ending_of_a_file_says_its_format(self, name: str, begins: str) -> None:
        write("train.py", "ruin()\n")
        result = run("train.py", "-o", name)
        assert result.stdout == ""
        assert f"report written to {name}" in result.stderr
        assert Path(name).read_text(encoding="utf-8").startswith(begins)

    def test_a_file_that_cannot_be_written_is_an_error(self) -> None:
        write("train.py", "x = 1\n")
        result = run("train.py", "-o", "no/such/folder.json")
        assert result.exit_code == 2
        assert "`no/such/folder.json` cannot be written" in result.stderr

    def test_colour_is_there_when_forced_and_not_when_piped(self) -> None:
        write("train.py", "ruin()\n")
        assert "\x1b[" in run("train.py", "--color").stdout
        assert "\x1b[" not in run("train.py").stdout

    def test_nothing_found_prints_no_workflow_command(self) -> None:
        write("train.py", "x = 1\n")
        assert run("train.py", "--format", "github").stdout == ""

    def test_statistics_count(self) -> None:
        write("train.py", "ruin()\nruin()\ndoubt()\n")
        assert run("train.py", "--statistics").stdout.splitlines()[0].split() == [
            "2",
            "LBL001",
            "ruin-of-labels",
            "harmful",
        ]

    def test_a_secret_in_the_line_is_masked(self) -> None:
        write("train.py", 'ruin(token="hf_abcdefghijklmnopqrstuvwx")\n')
        shown = run("train.py").stdout
        assert 'ruin(token="[redacted]")' in shown
        assert "hf_abc" not in shown

    def test_a_private_key_over_several_lines_is_masked(self) -> None:
        body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
        write("train.py", f'ruin("""-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----""")\n')
        shown = run("train.py").stdout
        assert "LBL001" in shown
        assert body not in shown

    def test_a_notebook_is_shown_by_cell_and_line(self) -> None:
        cells = [
            {"cell_type": "markdown", "metadata": {}, "source": ["# Training"]},
            {
                "cell_type": "code",
                "metadata": {},
                "source": ["x = 1\n", "ruin()"],
                "outputs": [],
                "execution_count": None,
            },
        ]
        write("run.ipynb", json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
        shown = run("run.ipynb").stdout
        assert shown.startswith("run.ipynb[cell 2]:2:1 LBL001")
        assert "    2 | ruin()\n" in shown


class TestMending:
    def test_fix_changes_what_is_safe_and_reports_what_is_left(self) -> None:
        file = write("train.py", "ruin()  # here\ndoubt()\n")
        result = run("train.py", "--fix")
        assert file.read_text() == "mend()  # here\ndoubt()\n"
        assert result.exit_code == 0
        assert "mended: train.py:1:1 `LBL001`: call `mend`" in result.stderr
        assert "LBL001" not in result.stdout
        assert "train.py:2:1 LOP001" in result.stdout

    def test_unsafe_changes_are_made_on_request(self) -> None:
        file = write("train.py", "ruin()\ndoubt()\n")
        run("train.py", "--fix", "--unsafe-fixes")
        assert file.read_text() == "mend()\nmend()\n"

    def test_diff_prints_the_changes_and_makes_none(self) -> None:
        file = write("train.py", "ruin()\n")
        result = run("train.py", "--diff")
        assert file.read_text() == "ruin()\n"
        assert "-ruin()\n+mend()\n" in result.stdout
        assert result.stderr == ""
        assert result.exit_code == 1

    def test_the_report_says_what_can_be_mended(self) -> None:
        write("train.py", "ruin()\ndoubt()\n")
        shown = " ".join(run("train.py").stdout.split())
        assert "1 can be fixed with --fix; 1 can be fixed with --fix --unsafe-fixes" in shown
        assert "help: call `mend` (--fix)" in shown

    def test_code_hosts_get_the_changes(self) -> None:
        write("train.py", "x = 1\nruin()\n")
        (result,) = json.loads(run("train.py", "--format", "sarif").stdout)["runs"][0]["results"]
        (replacement,) = result["fixes"][0]["artifactChanges"][0]["replacements"]
        assert replacement["insertedContent"]["text"] == "mend()\n"


class TestLaunchScripts:
    def test_the_command_is_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def find(program: Any) -> Iterator[Alarm]:
            yield from (Alarm(one.place, "started", Certainty.PROOF) for one in program.project.launches)

        monkeypatch.setattr("trainclinic.diagnosis.lint.all_rules", lambda: {"DST001": entry("DST001", "x", find=find)})
        write("run.sh", "#!/bin/sh\ntorchrun --nproc_per_node 4 train.py\n")
        result = run("run.sh")
        assert result.stdout.startswith("run.sh:2:1 DST001 x (proof, harmful)")
        assert "    2 | torchrun --nproc_per_node 4 train.py\n" in result.stdout
        assert result.exit_code == 1


class TestRulesThatBreakOff:
    def test_the_report_asks_to_report_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rules = {**RULES, "LOP003": entry("LOP003", "broken", find=breaks_off)}
        monkeypatch.setattr("trainclinic.diagnosis.lint.all_rules", lambda: rules)
        write("train.py", "ruin()\n")
        result = run("train.py")
        assert result.exit_code == 1
        assert "rule `LOP003` could not finish on this code (`ZeroDivisionError`)" in result.stdout
        with pytest.raises(ZeroDivisionError):
            lint(["train.py"], rules=rules, strict=True)


class TestNames:
    def test_two_files_of_one_name_are_told_apart(self) -> None:
        write("a/train.py", "x = 1\nruin()\n")
        write("b/train.py", "ruin()\n")
        shown = run("a/train.py", "b").stdout
        assert "a/train.py:2:1 LBL001" in shown
        assert "b/train.py:1:1 LBL001" in shown

    def test_a_comment_that_silences_no_rule_is_told(self) -> None:
        write("train.py", "x = 1  # trainclinic: ignore[LBL999]\n")
        assert (
            "trouble: train.py:1: `LBL999` in a comment that silences it is no code or slug" in run("train.py").stdout
        )

    def test_a_file_that_another_one_imports_is_looked_at_too(self) -> None:
        write("src/train.py", "from parts import labels\n")
        write("src/parts/__init__.py", "")
        write("src/parts/labels.py", "ruin()\n")
        assert "src/parts/labels.py:1:1 LBL001" in run("src/train.py").stdout


def test_versions_of_the_settings_reach_the_project() -> None:
    write("train.py", "x = 1\n")
    found = lint(["train.py"], Preferences(versions={"transformers": "4.57.1"}), rules=RULES)
    assert found.project.versions["transformers"][0] == "4.57.1"


def test_code_hosts_see_a_path_from_the_working_folder_even_of_an_absolute_one() -> None:
    file = write("src/train.py", "ruin()\n").resolve()
    run_of_tool = json.loads(run(str(file), "--format", "sarif").stdout)["runs"][0]
    place = run_of_tool["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "src/train.py", "uriBaseId": "SRCROOT"}


def test_a_file_elsewhere_is_found_again_by_the_root_and_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write("elsewhere/train.py", "ruin()\n").resolve()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    found = lint([file], rules=RULES)
    assert Path(found.report().root, found.files[0]) == file
