"""`trainclinic data` as a user types it: what goes to stdout, what to stderr, which settings it states, exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from tests.encoding.tokenizers import llama3_like

import trainclinic
from trainclinic.cli.app import app
from trainclinic.cli.data import PLANNED, PREPARED, SECTIONS, command
from trainclinic.dataset.examine import all_rules


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["data", *arguments])


def write(name: str, rows: list[Any]) -> Path:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
GOOD = [
    {
        "prompt": f"What is {a} and {b} together?",
        "completion": f" Adding {b} to {a} gives {n + 5}, which is what we want.",
    }
    for n, (a, b) in enumerate((a, b) for a in NUMBERS for b in NUMBERS)
]
EMPTY = [{**row, "completion": ""} if at % 3 == 0 else row for at, row in enumerate(GOOD)]


def report_of(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*arguments, "--format", "json").stdout)
    return found


def settings_of(*arguments: str) -> dict[str, tuple[object, str]]:
    return {item["label"]: (item["value"], item["note"]) for item in report_of(*arguments)["settings"]}


def test_harmful_findings_exit_with_1_and_name_their_lines() -> None:
    write("train.jsonl", EMPTY)
    result = run("train.jsonl")
    assert result.exit_code == 1
    assert "empty answer rows  ANS001" in result.stdout
    assert "train.jsonl:1]" in result.stdout
    assert result.stderr == ""


def test_data_without_harm_exit_with_0() -> None:
    write("train.jsonl", GOOD)
    result = run("train.jsonl", "--select", "ANS001,DUP001")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(" CLEAN   train.jsonl\n")


def test_fail_on_names_the_mildest_severity_that_counts() -> None:
    write("train.jsonl", [{**row, "completion": ""} if at == 9 else row for at, row in enumerate(GOOD)])
    few = ("train.jsonl", "--select", "ANS001")
    assert run(*few).exit_code == 0
    assert run(*few, "--fail-on", "warning").exit_code == 1


def test_what_cannot_be_read_is_an_error_with_a_hint() -> None:
    Path("notes.log").write_text("nothing here\n", encoding="utf-8")
    for arguments in (["absent.jsonl"], ["."], ["train.jsonl", "--tokenizer", "absent"]):
        write("train.jsonl", GOOD) if "train.jsonl" in arguments else None
        result = run(*arguments)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert re.match(r"error: [^\n]+[^.\n]\n\nhint: ", result.stderr)


def test_a_file_without_a_usable_row_exits_with_2() -> None:
    Path("train.jsonl").write_text("{broken\n{broken\n", encoding="utf-8")
    assert run("train.jsonl").exit_code == 2


def test_select_and_ignore_take_codes_names_prefixes_and_groups() -> None:
    write("train.jsonl", EMPTY)

    def codes(*arguments: str) -> set[str]:
        report = report_of("train.jsonl", *arguments)
        return {one["code"] for part in ("findings", "absent", "not_evaluated") for one in report[part]}

    every = set(all_rules())
    assert codes() == every
    assert codes("--select", "empty-answer-rows,dup001") == {"ANS001", "DUP001"}
    assert codes("--select", "DUP") == codes("--select", "duplicates") == {one for one in every if one[:3] == "DUP"}
    assert codes("--ignore", "ANS001") == every - {"ANS001"}


def test_an_unknown_rule_is_a_usage_error() -> None:
    write("train.jsonl", GOOD)
    result = run("train.jsonl", "--select", "ANS999")
    assert result.exit_code == 2
    assert "`ANS999` is no code, name or group of a rule on data" in result.stderr


def test_every_option_is_in_one_section_of_the_help_and_those_of_settings_name_fields() -> None:
    named = [name for names in SECTIONS.values() for name in names]
    options = [param.name for param in command.params if isinstance(param, click.Option)]
    assert sorted(named) == sorted(options)
    assert set(PREPARED) | set(PLANNED) <= set(options)
    text = run("--help").stdout
    assert all(f"{title}:" in text for title in SECTIONS)


def test_every_option_that_a_message_of_a_rule_names_exists() -> None:
    folder = Path(trainclinic.__file__).parent / "dataset"
    asked = {
        name
        for file in folder.rglob("*.py")
        for name in re.findall(r"`(--[a-z][a-z-]+)", file.read_text(encoding="utf-8"))
    }
    known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    assert len(asked) > 10
    assert asked <= known


def test_settings_are_shown_with_the_option_that_states_them() -> None:
    write("train.jsonl", GOOD)
    settings = settings_of(
        "train.jsonl", "--max-length", "64", "--no-packing", "--end-token", "--collator", "lm", "--batch", "8"
    )  # fmt: skip
    assert settings["length limit"] == ("64", "--max-length")
    assert settings["packing"] == ("no", "--no-packing")
    assert settings["end token appended"] == ("yes", "--end-token")
    assert settings["padding taken out of the loss by its id"] == ("yes", "--collator lm")
    assert settings["batch"] == ("8", "--batch")
    assert settings["tokens in the loss"] == ("answers", "assumed")


def test_settings_come_from_a_run_and_options_replace_them() -> None:
    write("train.jsonl", GOOD)
    log = [{"step": step, "loss": 2.0 - step / 1_000} for step in range(10, 200, 10)]
    write("run/train_log.jsonl", log)
    Path("run/config.yaml").write_text(
        "cutoff_len: 512\nper_device_train_batch_size: 4\ngradient_accumulation_steps: 2\ntrain_on_inputs: true\n",
        encoding="utf-8",
    )
    settings = settings_of("train.jsonl", "--run", "run", "--accum", "16")
    assert settings["length limit"][0] == "512"
    assert "config.yaml" in settings["length limit"][1]
    assert settings["tokens in the loss"][0] == "all"
    assert settings["batch"][0] == "4"
    assert settings["accumulation"] == ("16", "--accum")


def test_rows_are_shown_under_the_tokenizer_that_was_given() -> None:
    write("train.jsonl", GOOD)
    tokenizer = llama3_like(Path("tokenizer"))
    result = run("train.jsonl", "--tokenizer", str(tokenizer), "--show", "1", "--loss-on", "answers")
    assert "<|begin_of_text|>What is one and one together?[[ Adding" in result.stdout
    assert "[[‹<|eot_id|>›]]" in result.stdout or "[[‹<|end_of_text|>›]]" in result.stdout
    assert "no tokenizer was given" not in result.stdout


def test_rows_of_a_step_are_named_with_how_sure_that_is() -> None:
    write("train.jsonl", GOOD)
    arguments = ("train.jsonl", "--at-step", "2", "--batch", "2", "--accum", "2", "--processes", "1")
    step = report_of(*arguments, "--order", "sequential")["steps"][0]
    assert step["certainty"] == "exact"
    assert [row["line"] for row in step["rows"]] == [5, 6, 7, 8]
    assert "the seed of the sampler" in report_of(*arguments, "--order", "shuffled")["steps"][0]["why"]


def test_columns_and_schema_name_fields_that_nobody_knows() -> None:
    write("train.jsonl", [{"frage": row["prompt"], "antwort": row["completion"]} for row in GOOD])
    assert run("train.jsonl").exit_code == 2
    report = report_of("train.jsonl", "--column", "prompt=frage", "--column", "completion=antwort")
    assert report["rows"] == len(GOOD)
    assert "expected a part and the field that plays it" in run("train.jsonl", "--column", "frage").stderr


def test_eval_makes_a_file_held_out_whatever_its_name() -> None:
    write("train.jsonl", GOOD)
    write("other.jsonl", GOOD[:9])
    report = report_of("train.jsonl", "--eval", "other.jsonl")
    assert (report["rows"], report["held_out_rows"]) == (len(GOOD), 9)


def test_the_ending_of_the_file_decides_the_format() -> None:
    write("train.jsonl", GOOD)
    for name, begin in (("a.html", "<!doctype html>"), ("a.md", "# "), ("a.json", "{"), ("a.txt", " ")):
        result = run("train.jsonl", "-o", name)
        assert result.stdout == ""
        assert result.stderr == f"report written to {name}\n"
        assert Path(name).read_text(encoding="utf-8").startswith(begin)


def test_repair_writes_a_cleaned_copy_and_leaves_the_data_alone() -> None:
    file = write("train.jsonl", EMPTY)
    before = file.read_bytes()
    result = run("train.jsonl", "--repair", "clean")
    assert file.read_bytes() == before
    kept = [json.loads(line) for line in Path("clean/train.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(kept) == sum(bool(row["completion"]) for row in EMPTY)
    assert f"wrote clean/train.jsonl: {len(kept):,} rows" in result.stderr
    assert f"left out: {len(EMPTY) - len(kept)} " in result.stderr
    assert "every changed row is listed in clean/changes.jsonl" in result.stderr


def test_an_interrupt_keeps_the_rows_that_were_seen_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainclinic.dataset import surveying

    monkeypatch.setattr(surveying, "BATCH_ROWS", 30)
    seen = 0
    digests = surveying._prints_of

    def interrupted(batch: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen == 3:
            raise KeyboardInterrupt
        return digests(batch)

    monkeypatch.setattr(surveying, "_prints_of", interrupted)
    write("train.jsonl", EMPTY)
    result = run("train.jsonl")
    assert result.exit_code == 1
    assert "interrupted after 60 rows" in result.stderr
    assert "Note: interrupted after 60 rows" in result.stdout
    assert "20 of 60 rows" in result.stdout


def test_several_processes_and_one_print_the_same() -> None:
    for part in range(3):
        write(f"data/part-{part}.jsonl", EMPTY[part::3])
    assert run("data", "-j", "2").stdout == run("data").stdout


def test_no_color_means_no_escape_sequence() -> None:
    write("train.jsonl", EMPTY)
    assert "\x1b" not in run("train.jsonl", "--show", "1").stdout
    assert "\x1b[" in run("train.jsonl", "--show", "1", "--color").stdout
