"""Bad input: a clear message or a counted warning, in bounded time and memory, and nothing executes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.hang import HANG_SECONDS

from trainclinic.readers.collect import collect
from trainclinic.readers.file import LogFile
from trainclinic.readers.fragment import Fragment
from trainclinic.record.errors import ReadError
from trainclinic.record.run import RunRecord

ROWS = "".join(f"step {10 * n}: loss {2.5 - n / 100:.4f}, lr 1.0e-05\n" for n in range(1, 20))
STATE = {"log_history": [{"step": 10 * n, "loss": 2.5 - n / 100} for n in range(1, 20)]}


def only(path: Path) -> RunRecord:
    (record,) = collect(path).records
    return record


def says(record: RunRecord) -> str:
    return "; ".join(damage.says for damage in record.damage)


def test_ten_thousand_unrelated_files_take_no_time_and_say_nothing(tmp_path: Path) -> None:
    for number in range(10_000):
        folder = tmp_path / f"d{number % 50}"
        folder.mkdir(exist_ok=True)
        suffix = (".txt", ".json", ".md", ".png", ".py", ".xml", "", ".dat", ".html", ".parquet")[number % 10]
        (folder / f"f{number}{suffix}").write_text(f'{{"id": {number}, "text": "lorem ipsum"}}\n')
    (tmp_path / "d7/trainer_state.json").write_text(json.dumps(STATE))
    begin = time.process_time()
    collected = collect(tmp_path)
    assert time.process_time() - begin < HANG_SECONDS
    assert len(collected.records) == 1
    assert collected.damage == ()
    assert collected.records[0].files == ("d7/trainer_state.json",)


@pytest.mark.parametrize("name", ["train.log", "metrics.csv", "metrics.jsonl", "trainer_state.json", "train.yaml"])
@pytest.mark.parametrize(
    "start", ["", "step 1: loss 2.5 ", '{"log_history": [{"step": 1, "loss": 2.5}, ', "step,loss\n1,2"]
)
def test_one_line_of_a_gigabyte_needs_neither_memory_nor_patience(tmp_path: Path, name: str, start: str) -> None:
    path = tmp_path / name
    with path.open("wb") as handle:
        handle.write(start.encode().ljust(70_000, b"x"))
        handle.truncate(1 << 30)
    program = (
        "import re, resource, sys\n"
        "from pathlib import Path\n"
        "from trainclinic.readers.collect import collect\n"
        "from trainclinic.record.errors import ReadError\n"
        "try:\n    collect(sys.argv[1])\nexcept ReadError as error:\n    print(error)\n"
        # On Linux `ru_maxrss` begins with the peak of the process that started this one: the whole test session.
        "status = Path('/proc/self/status')\n"
        "usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == 'darwin' else 1)\n"
        "print(re.search(r'VmHWM:\\s*(\\d+)', status.read_text())[1] if status.exists() else usage)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert int(done.stdout.split()[-1]) < 300_000, "kilobytes"


class TestEncodings:
    def test_windows_1252_is_read_and_said(self, tmp_path: Path) -> None:
        (tmp_path / "train.log").write_bytes(("Gerät: cuda, Überlauf möglich\n" + ROWS).encode("cp1252"))
        record = only(tmp_path)
        assert len(record.series["train/loss"]) == 19
        assert "not UTF-8" in says(record)

    def test_a_few_broken_bytes_are_counted(self, tmp_path: Path) -> None:
        (tmp_path / "train.log").write_bytes(ROWS.encode() * 1 + b"x" * 70_000 + b"\n\xff\xfe broken\n")
        record = only(tmp_path)
        assert len(record.series["train/loss"]) == 19
        assert "undecodable bytes were replaced" in says(record)


class TestSteps:
    @pytest.mark.parametrize("step", [-5, 10**30, -(10**30), 2**63])
    @pytest.mark.parametrize("name", ["trainer_state.json", "metrics.csv", "metrics.jsonl", "train.log"])
    def test_an_impossible_step_is_no_row(self, tmp_path: Path, name: str, step: int) -> None:
        steps = [10, 20, step, 40, 50]
        pairs = [(at, 2.5 - n / 100) for n, at in enumerate(steps)]
        text = {
            "trainer_state.json": json.dumps({"log_history": [{"step": at, "loss": loss} for at, loss in pairs]}),
            "metrics.csv": "step,train_loss\n" + "".join(f"{at},{loss}\n" for at, loss in pairs),
            "metrics.jsonl": "".join(json.dumps({"step": at, "loss": loss}) + "\n" for at, loss in pairs),
            "train.log": "".join(f"step {at}: loss {loss:.4f}\n" for at, loss in pairs),
        }[name]
        (tmp_path / name).write_text(text)
        record = only(tmp_path)
        assert record.series["train/loss"].step.tolist() == [10, 20, 40, 50]
        assert record.damage


class TestHostileText:
    def test_yaml_builds_no_objects(self, tmp_path: Path) -> None:
        (tmp_path / "trainer_state.json").write_text(json.dumps(STATE))
        target = tmp_path / "pwned"
        (tmp_path / "train.yaml").write_text(
            f"base_model: x/y\nlearning_rate: 1e-4\nevil: !!python/object/apply:os.system ['touch {target}']\n"
        )
        only(tmp_path)
        assert not target.exists()

    def test_a_pickle_runs_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "trainer_state.json").write_text(json.dumps(STATE))
        target = tmp_path / "pwned"
        (tmp_path / "training_args.bin").write_bytes(
            b"\x80\x02cposix\nsystem\nq\x00X"
            + len(f"touch {target}").to_bytes(4, "little")
            + f"touch {target}".encode()
            + b"q\x01\x85q\x02Rq\x03."
        )
        only(tmp_path)
        assert not target.exists()

    def test_an_exploding_yaml_does_not_explode(self, tmp_path: Path) -> None:
        (tmp_path / "trainer_state.json").write_text(json.dumps(STATE))
        levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
        (tmp_path / "train.yaml").write_text("base_model: x\nlearning_rate: *a11\n" + "\n".join(levels))
        begin = time.process_time()
        only(tmp_path)
        assert time.process_time() - begin < HANG_SECONDS

    def test_column_names_and_events_cannot_reach_the_terminal(self, tmp_path: Path) -> None:
        (tmp_path / "metrics.csv").write_text(
            "step,loss,\x1b[2Jevil,=cmd()\n" + "".join(f"{n},2.5,1,3\n" for n in range(9))
        )
        record = only(tmp_path)
        assert "\x1b" not in "".join(record.series)

    def test_secrets_do_not_enter_a_record(self, tmp_path: Path) -> None:
        token = "hf_" + "aBcD1234" * 4
        (tmp_path / "run.sh").write_text(f"HF_TOKEN={token} python train.py --hub_token {token} --learning_rate 1e-4\n")
        (tmp_path / "train.log").write_text(
            f"WARNING: token {token} is deprecated, nan loss\nhub_token = {token}\n{ROWS}RuntimeError: CUDA out of memory {token}\n"
        )
        (tmp_path / "training_args.json").write_text(
            json.dumps({"hub_token": token, "output_dir": "x", "max_steps": 9})
        )
        (tmp_path / "generations.txt").write_text(f"Prompt: what is the token\nOutput: it is {token}\n")
        record = only(tmp_path)
        told = [*record.facts, *record.other_facts, *record.events, *record.generations, *record.damage, record.files]
        assert token not in repr(told)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_counted(tmp_path: Path) -> None:
    (tmp_path / "trainer_state.json").write_text(json.dumps(STATE))
    (tmp_path / "secret.log").write_text(ROWS)
    (tmp_path / "secret.log").chmod(0)
    assert "cannot be read" in says(only(tmp_path))


def test_a_defect_of_one_reader_does_not_cost_the_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainclinic.readers.folders import reading

    (tmp_path / "trainer_state.json").write_text(json.dumps(STATE))
    (tmp_path / "metrics.csv").write_text("step,train_loss\n1,2.5\n")
    honest = reading.settle_rows

    def settle(fragment: Fragment, file: LogFile) -> None:
        if file.name == "metrics.csv":
            raise IndexError
        honest(fragment, file)

    monkeypatch.setattr(reading, "settle_rows", settle)
    record = only(tmp_path)
    assert record.files == ("trainer_state.json",)
    assert "failed on it with IndexError" in says(record)


def test_special_files_are_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.log")
    with pytest.raises(ReadError):
        collect(tmp_path)


def test_a_list_of_token_ids_that_is_cut_off_in_the_middle_is_passed_over_at_once(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    ids = ", ".join(str(number) for number in range(100, 400))
    path.write_text(f"tokenizer input_ids: [{ids}, ...\n{ROWS}")
    begin = time.monotonic()
    assert len(only(path).series["train/loss"]) == 19
    assert time.monotonic() - begin < HANG_SECONDS
