"""The command as a user types it: what goes to stdout, what to stderr, and the exit code."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from trainclinic.cli.app import app


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def write_run(folder: Path, losses: list[Any], name: str = "trainer_state.json") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    history = [{"loss": loss, "step": 10 * number} for number, loss in enumerate(losses, start=1)]
    (folder / name).write_text(json.dumps({"log_history": history}))
    return folder


@pytest.fixture
def healthy(tmp_path: Path) -> Path:
    return write_run(tmp_path / "healthy", [round(2.0 * 0.99**n + 1.0, 4) for n in range(120)])


@pytest.fixture
def sick(tmp_path: Path) -> Path:
    return write_run(tmp_path / "sick", [2.0, 1.9, float("nan"), float("nan"), float("nan")])


class TestDiagnose:
    def test_a_healthy_run_exits_with_0(self, healthy: Path) -> None:
        result = run("diagnose", healthy)
        assert result.exit_code == 0
        assert "HEALTHY" in result.stdout
        assert result.stderr == ""

    def test_a_sick_run_exits_with_1_and_names_the_line(self, sick: Path) -> None:
        result = run("diagnose", sick, "--format", "md")
        assert result.exit_code == 1
        assert "nan loss" in result.stdout.lower()
        assert "trainer_state.json:1" in result.stdout

    def test_nothing_readable_exits_with_2_and_a_hint(self, tmp_path: Path) -> None:
        result = run("diagnose", tmp_path)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr.startswith("error: `")
        assert "\n\nhint: " in result.stderr

    def test_a_missing_path_exits_with_2(self, tmp_path: Path) -> None:
        result = run("diagnose", tmp_path / "nowhere")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "does not exist" in result.stderr

    def test_json_is_json(self, sick: Path) -> None:
        report = json.loads(run("diagnose", sick, "--format", "json").stdout)
        assert report["schema"] == "trainclinic.diagnosis.v1"
        assert report["verdict"] == "sick"
        assert "nan-loss" in [finding["slug"] for finding in report["findings"]]

    @pytest.mark.parametrize(("name", "start"), [("r.html", "<!doctype html"), ("r.md", "#"), ("r.json", "{")])
    def test_the_ending_of_the_file_decides_the_format(self, sick: Path, tmp_path: Path, name: str, start: str) -> None:
        target = tmp_path / name
        result = run("diagnose", sick, "-o", target)
        assert result.exit_code == 1
        assert result.stdout == ""
        assert str(target) in result.stderr
        assert target.read_text(encoding="utf-8").lower().startswith(start)

    def test_a_file_that_cannot_be_written_is_an_error_with_a_hint(self, sick: Path, tmp_path: Path) -> None:
        result = run("diagnose", sick, "-o", tmp_path / "no" / "such" / "folder.html")
        assert result.exit_code == 2
        assert "cannot be written" in result.stderr

    def test_several_runs_give_a_table_and_the_worst_exit_code(self, healthy: Path, sick: Path) -> None:
        result = run("diagnose", healthy, sick)
        assert result.exit_code == 1
        assert "healthy" in result.stdout
        assert "sick" in result.stdout

    def test_files_that_were_not_read_are_told_beside_the_table(self, healthy: Path, sick: Path) -> None:
        for number in range(3):
            (sick / f"events.out.tfevents.{number}").write_bytes(b"x")
        result = run("diagnose", healthy, sick)
        assert "events.out.tfevents.0 and 2 more: the file does not begin with a TensorBoard record" in result.stderr

    @pytest.mark.usefixtures("sick")
    def test_one_of_several_runs_can_be_chosen(self, healthy: Path) -> None:
        result = run("diagnose", healthy.parent, "--run", "healthy")
        assert result.exit_code == 0
        assert "HEALTHY" in result.stdout

    @pytest.mark.usefixtures("sick")
    def test_a_part_of_a_name_is_enough_when_it_is_the_only_one(self, healthy: Path) -> None:
        result = run("diagnose", healthy.parent, "--run", "ealth")
        assert "HEALTHY" in result.stdout
        assert result.exit_code == 0

    @pytest.mark.usefixtures("sick")
    def test_a_part_of_several_names_is_not(self, healthy: Path) -> None:
        result = run("diagnose", healthy.parent, "--run", "")
        assert "is in the names of 2 runs" in result.stderr
        assert result.exit_code == 2

    @pytest.mark.usefixtures("sick")
    def test_an_unknown_run_names_the_runs_there_are(self, healthy: Path) -> None:
        result = run("diagnose", healthy.parent, "--run", "helthy")
        assert result.exit_code == 2
        assert "`healthy`" in result.stderr
        assert "`sick`" in result.stderr

    @pytest.mark.usefixtures("sick")
    def test_two_processes_answer_like_one(self, healthy: Path) -> None:
        command = [sys.executable, "-m", "trainclinic", "diagnose", str(healthy.parent), "--format", "json", "--jobs"]
        one, two = (subprocess.run([*command, jobs], capture_output=True, text=True, check=False) for jobs in "12")
        assert one.returncode == two.returncode == 1
        assert two.stdout == one.stdout
        assert two.stderr == ""

    @pytest.mark.parametrize("form", ["terminal", "md", "html", "json"])
    def test_no_format_shows_a_secret_or_obeys_the_log(self, sick: Path, form: str) -> None:
        token = "hf_" + "aBcD1234" * 4
        (sick / "training_args.json").write_text(
            json.dumps(
                {"output_dir": f"x/{token}", "hub_token": token, "model_name_or_path": f"{token}<script>alert(1)"}
            )
        )
        (sick / f"stderr {token}.log").write_text(
            f"\x1b]0;owned\x07RuntimeError: CUDA out of memory for {token} <img src=x onerror=alert(1)>\x1b[2J\n"
        )
        shown = run("diagnose", sick, "--format", form).stdout
        assert token not in shown
        assert "\x1b" not in shown
        if form in {"md", "html"}:
            unescaped = shown.replace("\\<", "")
            assert "<img src=x" not in unescaped
            assert "<script>alert" not in unescaped

    def test_no_path_is_a_usage_error(self) -> None:
        assert run("diagnose").exit_code == 2


class TestExplain:
    @pytest.mark.parametrize("name", ["NUM101", "num101", "nan-loss", "NAN_LOSS"])
    def test_a_page_is_found_by_code_and_by_slug(self, name: str) -> None:
        result = run("explain", name)
        assert result.exit_code == 0
        assert result.stdout.startswith("# NUM101 nan-loss\n")
        assert "## What it does not mean" in result.stdout

    def test_an_unknown_name_suggests_close_ones(self) -> None:
        result = run("explain", "nan-los")
        assert result.exit_code == 2
        assert "`nan-loss`" in result.stderr

    def test_the_list_has_every_symptom_circumstance_cause_and_fix_once(self) -> None:
        from trainclinic.causes.catalogue import all_causes
        from trainclinic.diagnosis.symptoms import all_symptoms
        from trainclinic.findings.circumstances import all_circumstances
        from trainclinic.fixes.catalogue import all_fixes

        lines = run("explain", "--list").stdout.splitlines()
        listed = [line.split()[0] for line in lines if line.startswith("  ")]
        assert sorted(listed) == sorted(
            [
                *all_symptoms(),
                *all_circumstances(),
                *all_causes(),
                *all_fixes(),
            ]
        )
        titles = [line.partition(":")[0] for line in lines if line and not line.startswith(" ")]
        assert titles == ["Symptoms", "Circumstances", "Causes", "Fixes"]

    def test_a_cause_says_what_it_shows_how_often_and_what_decides_it(self) -> None:
        result = run("explain", "DOUBLE_LABEL_SHIFT")
        assert result.exit_code == 0
        assert result.stdout.startswith("# double-label-shift\n")
        for heading in ("Mechanism", "What else looks like it", "Typical false diagnosis", "What it shows",
                        "What decides it", "Taken for each other", "References"):  # fmt: skip
            assert f"\n## {heading}\n" in result.stdout
        assert re.search(r"\| `initial-loss-too-high` \| \w+ \(0\.\d+\) \| 0\.\d\d \| [^|]+ \|", result.stdout)
        assert "`batch-size-too-small`" in result.stdout

    def test_what_excludes_a_cause_is_on_its_page(self) -> None:
        page = run("explain", "learning-rate-too-high").stdout
        assert "## What excludes it" in page
        assert re.search(r"- `[a-z-]+` (is seen|was looked for and not found): \w", page)

    def test_a_circumstance_has_a_short_page(self) -> None:
        by_code, by_slug = run("explain", "CIR901"), run("explain", "float16-training")
        assert by_code.exit_code == 0
        assert by_code.stdout == by_slug.stdout
        assert by_code.stdout.startswith("# CIR901 float16-training\n")
        assert "Why it is asked: " in by_code.stdout
        assert "`fp16-range-overflow`" in by_code.stdout

    def test_a_symptom_names_the_causes_that_show_it_and_those_it_excludes(self) -> None:
        page = run("explain", "wrong-value-before-first-update").stdout
        shown, _, excluded = page.partition("## Causes that it excludes")
        assert "`double-label-shift`" in shown.partition("## Causes that show it")[2]
        assert "`learning-rate-too-high`, when it is seen: " in excluded

    @pytest.mark.parametrize(
        ("name", "meant"),
        [("double", "double-label-shift"), ("flot16-training", "float16-training"), ("cir90", "CIR901")],
    )
    def test_a_beginning_or_a_slip_suggests_names_of_any_kind(self, name: str, meant: str) -> None:
        result = run("explain", name)
        assert result.exit_code == 2
        assert f"`{meant}`" in result.stderr

    def test_without_a_name_the_list_is_offered(self) -> None:
        result = run("explain")
        assert result.exit_code == 2
        assert "--list" in result.stderr


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """What the command writes when stdout is a terminal."""
    master, slave = pty.openpty()
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", **environment}
    env.pop("NO_COLOR" if "NO_COLOR" not in environment else "", None)
    with subprocess.Popen(
        [sys.executable, "-m", "trainclinic", *arguments], stdout=slave, stderr=slave, env=env
    ) as child:
        os.close(slave)
        parts = []
        while True:
            try:
                data = os.read(master, 65_536)
            except OSError:
                break
            if not data:
                break
            parts.append(data)
        child.wait()
    os.close(master)
    return b"".join(parts).decode()


class TestTerminal:
    def test_a_terminal_gets_colour_and_no_color_turns_it_off(self, sick: Path) -> None:
        assert "\x1b[" in on_a_terminal("diagnose", str(sick))
        assert "\x1b[" not in on_a_terminal("diagnose", str(sick), NO_COLOR="1")

    def test_a_pipe_gets_no_colour(self, sick: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "trainclinic", "diagnose", str(sick)], capture_output=True, text=True, check=False
        )
        assert "\x1b" not in done.stdout + done.stderr

    def test_html_is_not_poured_over_a_terminal(self, sick: Path) -> None:
        shown = on_a_terminal("diagnose", str(sick), "--format", "html")
        assert "-o report.html" in shown
        assert "<html" not in shown

    def test_a_reader_that_goes_away_is_no_error(self, sick: Path) -> None:
        command = f"'{sys.executable}' -m trainclinic diagnose '{sick}' --format html | head -c 10"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
        assert done.stderr == ""

    def test_a_terminal_without_unicode_gets_substitutes(self, sick: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "trainclinic", "diagnose", str(sick)],
            capture_output=True,
            env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
            check=False,
        )
        assert done.returncode == 1
        assert done.stderr == b""
