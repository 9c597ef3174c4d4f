"""From folders to records: which files are one run, which are several, and what belongs to which."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainclinic.readers.collect import Collected, collect
from trainclinic.readers.folders.discover import discover
from trainclinic.record.errors import ReadError
from trainclinic.record.run import RunRecord

Rows = list[tuple[int, float]]


def curve(first: int, last: int, every: int = 10, start: float = 3.0, seed: int = 0) -> Rows:
    """Rows of a falling loss; the value depends on step and seed only, so that copies agree."""
    noise = np.random.default_rng(seed).normal(0, 0.05, last // every + 1)
    return [
        (step, round(start - 0.001 * step + float(noise[step // every]), 4)) for step in range(first, last + 1, every)
    ]


def state(path: Path, rows: Rows, **keys: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    history = [{"loss": loss, "learning_rate": 1e-5, "step": step} for step, loss in rows]
    path.write_text(json.dumps({"log_history": history, "global_step": rows[-1][0], **keys}, indent=2))
    return path


def table(path: Path, rows: Rows, column: str = "train_loss") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"step,{column}\n" + "".join(f"{step},{value}\n" for step, value in rows))
    return path


def only(collected: Collected) -> RunRecord:
    (record,) = collected.records
    return record


def steps_of(record: RunRecord, name: str = "train/loss") -> list[int]:
    return record.series[name].step.tolist()


class TestCheckpointFolders:
    def test_the_longest_history_wins_and_its_prefixes_add_nothing(self, tmp_path: Path) -> None:
        for step in (100, 200, 300):
            state(tmp_path / f"checkpoint-{step}/trainer_state.json", curve(10, step))
        record = only(collect(tmp_path))
        assert steps_of(record) == list(range(10, 301, 10))
        assert record.facts.number("final_step") == 300
        assert set(record.series["train/loss"].files) == {"checkpoint-300/trainer_state.json"}
        assert [c.step for c in record.checkpoints] == [100, 200, 300]
        assert all(c.exists for c in record.checkpoints)
        assert record.name == tmp_path.name

    def test_a_resume_that_took_another_course_is_kept_and_marked(self, tmp_path: Path) -> None:
        stale = curve(10, 400)
        resumed = curve(10, 200) + [(step, loss + 0.5) for step, loss in curve(210, 600, seed=1)]
        state(tmp_path / "checkpoint-400/trainer_state.json", stale)
        state(tmp_path / "checkpoint-600/trainer_state.json", resumed)
        record = only(collect(tmp_path))
        loss = record.series["train/loss"]
        assert steps_of(record) == [*range(10, 401, 10), *range(210, 601, 10)]
        assert loss.segment.tolist() == [0] * 40 + [1] * 40
        assert loss.final().value.tolist() == [value for _, value in resumed]

    def test_histories_that_differ_from_the_start_are_two_runs(self, tmp_path: Path) -> None:
        state(tmp_path / "checkpoint-100/trainer_state.json", curve(10, 100, seed=1))
        state(tmp_path / "checkpoint-300/trainer_state.json", curve(10, 300, seed=2))
        records = collect(tmp_path).records
        assert [len(steps_of(record)) for record in records] == [30, 10]

    def test_settings_of_a_checkpoint_count_for_its_run(self, tmp_path: Path) -> None:
        state(tmp_path / "trainer_state.json", curve(10, 100))
        folder = tmp_path / "checkpoint-100"
        folder.mkdir()
        (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 8, "lora_alpha": 16}')
        assert only(collect(tmp_path)).facts.number("lora_rank") == 8

    def test_a_checkpoint_folder_can_be_given_itself(self, tmp_path: Path) -> None:
        state(tmp_path / "checkpoint-100/trainer_state.json", curve(10, 100))
        record = only(collect(tmp_path / "checkpoint-100"))
        assert record.name == "checkpoint-100"
        assert len(steps_of(record)) == 10


class TestSiblingLogs:
    def test_different_quantities_are_one_run(self, tmp_path: Path) -> None:
        table(tmp_path / "train.csv", curve(10, 200))
        table(tmp_path / "eval.csv", curve(50, 200, 50, start=3.2), "eval_loss")
        record = only(collect(tmp_path))
        assert len(steps_of(record)) == 20
        assert len(steps_of(record, "eval/loss")) == 4
        assert record.series["eval/loss"].source(0).path == "eval.csv"

    def test_the_same_values_are_one_run_and_the_richer_file_wins(self, tmp_path: Path) -> None:
        rows = curve(10, 200)
        state(tmp_path / "trainer_state.json", rows)
        table(tmp_path / "copy.csv", [(step, round(loss, 2)) for step, loss in rows])
        record = only(collect(tmp_path))
        assert record.series["train/loss"].value.tolist() == [loss for _, loss in rows]
        assert not record.series["train/loss"].segment.any()
        assert set(record.files) == {"trainer_state.json", "copy.csv"}

    def test_different_values_at_the_same_steps_are_two_runs(self, tmp_path: Path) -> None:
        table(tmp_path / "train.csv", curve(10, 200, seed=1))
        table(tmp_path / "train_cpu.csv", curve(10, 200, seed=2))
        records = collect(tmp_path).records
        assert [record.name for record in records] == ["train.csv", "train_cpu.csv"]

    def test_parts_that_follow_each_other_are_one_run(self, tmp_path: Path) -> None:
        rows = curve(10, 400)
        table(tmp_path / "part2.csv", rows[20:])
        table(tmp_path / "part1.csv", rows[:20])
        record = only(collect(tmp_path))
        assert record.series["train/loss"].value.tolist() == [loss for _, loss in rows]
        assert not record.series["train/loss"].segment.any()
        assert record.series["train/loss"].source(-1).path == "part2.csv"

    def test_a_log_that_begins_in_the_middle_is_a_resume(self, tmp_path: Path) -> None:
        table(tmp_path / "first.csv", curve(10, 400))
        table(tmp_path / "second.csv", curve(310, 700, seed=1))
        record = only(collect(tmp_path))
        assert record.series["train/loss"].segment.tolist() == [0] * 40 + [1] * 40

    def test_a_short_trial_before_the_run_is_another_run(self, tmp_path: Path) -> None:
        table(tmp_path / "trial.csv", curve(1, 10, 1))
        table(tmp_path / "full.csv", curve(50, 1000, 50, seed=1))
        assert [record.name for record in collect(tmp_path).records] == ["full.csv", "trial.csv"]

    def test_the_longest_run_comes_first(self, tmp_path: Path) -> None:
        table(tmp_path / "a.csv", curve(10, 100, seed=1))
        table(tmp_path / "b.csv", curve(10, 300, seed=2))
        assert [record.name for record in collect(tmp_path).records] == ["b.csv", "a.csv"]


class TestRowsWithoutSteps:
    @staticmethod
    def console(path: Path, rows: list[tuple[float, float]]) -> None:
        lines = [f"{{'loss': {loss}, 'learning_rate': 1e-05, 'epoch': {epoch}}}\n" for epoch, loss in rows]
        path.write_text("".join(lines))

    def test_a_resumed_log_follows_the_first_one(self, tmp_path: Path) -> None:
        self.console(tmp_path / "train.log", [(0.1, 2.5), (0.2, 2.4), (0.3, 2.35), (0.4, 2.3)])
        self.console(tmp_path / "resume.log", [(0.43, 3.5), (0.5, 3.0)])
        record = only(collect(tmp_path))
        assert record.series["train/loss"].value.tolist() == [2.5, 2.4, 2.35, 2.3, 3.5, 3.0]
        assert record.series["train/loss"].source(-1).path == "resume.log"

    def test_the_logging_interval_of_the_settings_gives_them_steps(self, tmp_path: Path) -> None:
        self.console(tmp_path / "train.log", [(0.1, 2.5), (0.2, 2.4), (0.3, 2.3)])
        arguments = {"logging_steps": 25, "output_dir": "x", "learning_rate": 1e-4}
        (tmp_path / "training_args.json").write_text(json.dumps(arguments))
        record = only(collect(tmp_path))
        assert (record.axis, steps_of(record)) == ("step", [25, 50, 75])

    def test_without_settings_rows_stay_rows(self, tmp_path: Path) -> None:
        self.console(tmp_path / "train.log", [(0.1, 2.5), (0.2, 2.4), (0.3, 2.3)])
        record = only(collect(tmp_path))
        assert (record.axis, steps_of(record)) == ("row", [1, 2, 3])

    def test_the_console_of_a_run_and_its_trainer_state_are_one_run(self, tmp_path: Path) -> None:
        rows = curve(10, 100)
        self.console(tmp_path / "train.log", [(step / 100, loss) for step, loss in rows])
        state(tmp_path / "trainer_state.json", rows)
        record = only(collect(tmp_path))
        assert (record.axis, steps_of(record)) == ("step", [step for step, _ in rows])


class TestFolders:
    def test_each_folder_is_a_run_and_shared_settings_apply_to_all(self, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_text('{"model_type": "llama", "vocab_size": 32000, "hidden_size": 64}')
        state(tmp_path / "one/trainer_state.json", curve(10, 100, seed=1))
        state(tmp_path / "two/trainer_state.json", curve(10, 200, seed=2))
        records = {record.name: record for record in collect(tmp_path).records}
        assert set(records) == {"one", "two"}
        assert all(record.facts.number("vocabulary_size") == 32000 for record in records.values())

    def test_settings_of_one_run_say_nothing_about_its_neighbour(self, tmp_path: Path) -> None:
        state(tmp_path / "one/trainer_state.json", curve(10, 100, seed=1))
        (tmp_path / "one/config.json").write_text('{"model_type": "llama", "vocab_size": 32000, "hidden_size": 64}')
        state(tmp_path / "two/trainer_state.json", curve(10, 200, seed=2))
        records = {record.name: record for record in collect(tmp_path).records}
        assert records["one"].facts.number("vocabulary_size") == 32000
        assert records["two"].facts.number("vocabulary_size") is None

    def test_a_copy_in_a_folder_below_is_the_same_run(self, tmp_path: Path) -> None:
        rows = curve(10, 100)
        table(tmp_path / "metrics.csv", rows)
        state(tmp_path / "output/checkpoint-100/trainer_state.json", rows)
        record = only(collect(tmp_path))
        assert record.name == tmp_path.name
        assert record.facts.number("final_step") == 100
        assert [c.path for c in record.checkpoints] == ["output/checkpoint-100"]

    def test_several_targets_are_named_as_they_were_given(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        state(tmp_path / "runs/one/trainer_state.json", curve(10, 100, seed=1))
        state(tmp_path / "runs/two/trainer_state.json", curve(10, 100, seed=2))
        monkeypatch.chdir(tmp_path)
        assert {r.name for r in collect(["runs/one", "runs/two"]).records} == {"runs/one", "runs/two"}
        assert {r.name for r in collect("runs/*").records} == {"runs/one", "runs/two"}
        assert collect("runs/one").records[0].files == ("trainer_state.json",)

    def test_runs_come_in_the_order_in_which_they_were_given(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in (1, 2, 10):
            state(tmp_path / f"run{number}/trainer_state.json", curve(10, 100 * number, seed=number))
        monkeypatch.chdir(tmp_path)
        assert [r.name for r in collect(["run2", "run10", "run1"]).records] == ["run2", "run10", "run1"]
        assert [r.name for r in collect("run*").records] == ["run1", "run2", "run10"]
        assert [r.name for r in collect(".").records] == ["run10", "run2", "run1"]

    def test_two_processes_read_what_one_reads(self, tmp_path: Path) -> None:
        for number in range(4):
            state(tmp_path / f"run{number}/trainer_state.json", curve(10, 100, seed=number))
        (tmp_path / "broken.log").write_bytes(bytes(range(256)) * 10)
        (tmp_path / "run1/events.out.tfevents.1").write_bytes(b"x")
        one, two = (collect(tmp_path, jobs=jobs) for jobs in (1, 2))
        assert [record.name for record in two.records] == [record.name for record in one.records]
        assert [steps_of(record) for record in two.records] == [steps_of(record) for record in one.records]
        assert two.damage == one.damage

    def test_the_same_file_given_twice_is_read_once(self, tmp_path: Path) -> None:
        path = state(tmp_path / "trainer_state.json", curve(10, 100))
        assert len(collect([path, tmp_path, path]).records) == 1


class TestNestedRuns:
    """A run may live in a folder below another run's folder: what lies nearer to it is its own."""

    @pytest.fixture
    def records(self, tmp_path: Path) -> dict[str, RunRecord]:
        state(tmp_path / "outer/trainer_state.json", curve(10, 400))
        (tmp_path / "outer/checkpoint-100").mkdir()
        state(tmp_path / "outer/inner/trainer_state.json", curve(10, 200, start=5.0, seed=9))
        (tmp_path / "outer/inner/checkpoint-50").mkdir()
        (tmp_path / "outer/inner/events.out.tfevents.1").write_bytes(b"x")
        return {record.name: record for record in collect(tmp_path).records}

    def test_checkpoints_belong_to_the_nearest_run(self, records: dict[str, RunRecord]) -> None:
        assert [c.step for c in records["outer"].checkpoints] == [100]
        assert [c.step for c in records["outer/inner"].checkpoints] == [50]

    def test_files_that_were_not_read_are_told_with_the_nearest_run(self, records: dict[str, RunRecord]) -> None:
        assert not records["outer"].damage
        assert ["events.out.tfevents.1" in d.source.path for d in records["outer/inner"].damage] == [True]


class TestFacts:
    def test_what_the_run_logged_beats_what_was_configured(self, tmp_path: Path) -> None:
        state(tmp_path / "trainer_state.json", curve(10, 100), max_steps=500)
        (tmp_path / "training_args.json").write_text('{"max_steps": 900, "learning_rate": 0.0001, "output_dir": "x"}')
        facts = only(collect(tmp_path)).facts
        assert facts.number("planned_steps") == 500
        assert [fact.value for fact in facts.rivals("planned_steps")] == [500, 900]

    def test_training_arguments_beat_a_yaml_file(self, tmp_path: Path) -> None:
        state(tmp_path / "trainer_state.json", curve(10, 100))
        (tmp_path / "a_config.yaml").write_text("base_model: x/y\nlearning_rate: 0.0002\nmicro_batch_size: 2\n")
        (tmp_path / "training_args.json").write_text('{"learning_rate": 0.0001, "output_dir": "x", "max_steps": 100}')
        assert only(collect(tmp_path)).facts.number("learning_rate") == 0.0001

    def test_a_collection_of_settings_below_a_run_says_nothing_about_it(self, tmp_path: Path) -> None:
        table(tmp_path / "metrics.csv", curve(10, 100))
        (tmp_path / "configs").mkdir()
        for name in ("small", "large"):
            (tmp_path / f"configs/{name}.yaml").write_text(f"base_model: x/{name}\nlearning_rate: 0.0002\n")
        assert only(collect(tmp_path)).facts.number("learning_rate") is None
        (tmp_path / "configs/large.yaml").unlink()
        assert only(collect(tmp_path)).facts.number("learning_rate") == 0.0002

    def test_settings_named_like_a_log_speak_of_that_run_alone(self, tmp_path: Path) -> None:
        for seed, (name, rate) in enumerate({"small": 1e-4, "large": 2e-4}.items()):
            table(tmp_path / f"train_{name}.csv", curve(10, 100, seed=seed))
            (tmp_path / f"{name}.yaml").write_text(f"base_model: x/y\nlearning_rate: {rate}\n")
        rates = {record.name: record.facts.number("learning_rate") for record in collect(tmp_path).records}
        assert rates == {"train_small.csv": 1e-4, "train_large.csv": 2e-4}


class TestSeveralProcesses:
    def test_rows_repeated_by_every_process_are_dropped_and_counted(self, tmp_path: Path) -> None:
        rows = [row for row in curve(10, 400) for _ in range(4)]
        record = only(collect(table(tmp_path / "metrics.csv", rows)))
        assert steps_of(record) == list(range(10, 401, 10))
        assert [(d.count, d.says) for d in record.damage] == [(120, "row that another process had written already")]

    def test_a_single_row_that_stands_twice_is_blamed_on_nobody(self, tmp_path: Path) -> None:
        rows = curve(10, 400)
        record = only(collect(table(tmp_path / "metrics.csv", [*rows, rows[-1]])))
        assert steps_of(record) == list(range(10, 401, 10))
        assert [(d.count, d.says) for d in record.damage] == [(1, "row that stands twice")]

    def test_rows_of_each_process_are_averaged(self, tmp_path: Path) -> None:
        rows = [(step, loss + rank) for step, loss in curve(10, 400) for rank in (0.0, 0.2)]
        record = only(collect(table(tmp_path / "metrics.csv", rows)))
        assert steps_of(record) == list(range(10, 401, 10))
        expected = [loss + 0.1 for _, loss in curve(10, 400)]
        assert record.series["train/loss"].value.tolist() == pytest.approx(expected)

    def test_a_second_evaluation_at_the_last_step_is_no_other_process(self, tmp_path: Path) -> None:
        rows = [*curve(10, 400), (400, 2.0)]
        record = only(collect(table(tmp_path / "metrics.csv", rows)))
        assert record.series["train/loss"].segment.tolist() == [0] * 40 + [1]


class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "content", "words"),
        [
            ("events.out.tfevents.1.host", b"\x18\x00\x00", "does not begin with a TensorBoard record"),
            ("run-1.wandb", b":W&B\xe1", "does not begin like a W&B run"),
            ("train.ipynb", b"{}", "no output that shows anything of a training run"),
            ("train.log.7z", b"7z\xbc\xaf", "archives of this kind are not read"),
            ("trainer_state.json", b"version https://git-lfs.github.com/spec/v1\noid x\n", "Git LFS pointer"),
            ("train.log", b"", "the file is empty"),
            ("train.log", bytes(range(256)) * 10, "binary"),
            ("notes.txt", b"hello world\n", "no row of a training log was recognised"),
        ],
    )
    def test_a_single_file_is_refused_with_its_reason(
        self, tmp_path: Path, name: str, content: bytes, words: str
    ) -> None:
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ReadError, match=words) as caught:
            collect(path)
        assert f"`{name}`" in caught.value.message
        assert caught.value.hint

    def test_files_that_are_not_read_are_counted_beside_those_that_are(self, tmp_path: Path) -> None:
        state(tmp_path / "trainer_state.json", curve(10, 100))
        for number in range(3):
            (tmp_path / f"events.out.tfevents.{number}").write_bytes(b"x")
        collected = collect(tmp_path)
        (damage,) = collected.damage
        assert (damage.says, damage.count) == ("the file does not begin with a TensorBoard record", 3)
        assert damage in only(collected).damage

    def test_a_folder_with_nothing_to_read_says_what_was_looked_at(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("hello\n")
        (tmp_path / "model.safetensors").write_bytes(b"x")
        with pytest.raises(ReadError, match="1 file looked at, 1 left alone"):
            collect(tmp_path)

    def test_a_missing_path_suggests_its_neighbour(self, tmp_path: Path) -> None:
        (tmp_path / "my-finetune").mkdir()
        with pytest.raises(ReadError, match="does not exist") as caught:
            collect(tmp_path / "my-finetun")
        assert "my-finetune" in caught.value.hint

    def test_a_pattern_without_match_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(ReadError, match="matches no file"):
            collect(tmp_path / "*.log")


class TestDiscovery:
    def test_weights_code_and_hidden_folders_are_left_alone(self, tmp_path: Path) -> None:
        for name in ("model.safetensors", "train.pyc", ".git/train.log", "__pycache__/a.log", "pytorch_model.bin"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("x")
        (tmp_path / "training_args.bin").write_text("x")
        (tmp_path / "train.log").write_text("x")
        (tmp_path / "myenv").mkdir()
        (tmp_path / "myenv/pyvenv.cfg").write_text("x")
        (tmp_path / "myenv/other.log").write_text("x")
        assert [found.name for found in discover([tmp_path]).files] == ["train.log", "training_args.bin"]

    def test_loops_of_links_end(self, tmp_path: Path) -> None:
        (tmp_path / "a/b").mkdir(parents=True)
        (tmp_path / "a/b/train.log").write_text("x")
        (tmp_path / "a/b/up").symlink_to(tmp_path)
        (tmp_path / "a/b/self").symlink_to(tmp_path / "a/b")
        (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
        assert [found.name for found in discover([tmp_path]).files] == ["a/b/train.log"]

    def test_a_link_that_leads_elsewhere_is_followed_once(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere/train.log").write_text("x")
        run = tmp_path / "run"
        run.mkdir()
        (run / "logs").symlink_to(tmp_path / "elsewhere")
        (run / "again").symlink_to(tmp_path / "elsewhere")
        assert [found.name for found in discover([run]).files] == ["again/train.log"]

    def test_a_file_name_cannot_write_to_the_terminal(self, tmp_path: Path) -> None:
        (tmp_path / "evil\x1b[2J.log").write_text("x")
        assert [found.name for found in discover([tmp_path]).files] == ["evil.log"]


def test_equal_losses_with_other_gradient_norms_are_two_runs(tmp_path: Path) -> None:
    rows = [(10 * i, 2.0 - 0.1 * i, 4.0 + i % 3) for i in range(1, 9)]
    text = "\n".join(f"step {step}: loss {loss:.3f} grad_norm {norm:.3f}" for step, loss, norm in rows)
    (tmp_path / "old.log").write_text(text)
    (tmp_path / "copy.log").write_text(text)
    assert len(collect(tmp_path).records) == 1
    text = "\n".join(f"step {step}: loss {loss:.3f} grad_norm {norm / 50:.3f}" for step, loss, norm in rows)
    (tmp_path / "copy.log").write_text(text)
    assert len(collect(tmp_path).records) == 2


def test_a_report_line_that_begins_with_after_is_still_read(tmp_path: Path) -> None:
    (tmp_path / "weights_report.txt").write_text("after 300 updates: 0 of 148 parameters changed\n")
    (tmp_path / "train.log").write_text("step 10: loss 2.0\nstep 20: loss 1.9\nstep 30: loss 1.8\n")
    record = collect(tmp_path).records[0]
    assert [event.kind for event in record.events_of("weights-unchanged")] == ["weights-unchanged"]


def test_a_launch_config_belongs_to_every_log_of_its_folder(tmp_path: Path) -> None:
    for name, start in (("train.log", 2.0), ("one_gpu.log", 5.0)):
        (tmp_path / name).write_text("\n".join(f"step {10 * i}: loss {start - 0.1 * i:.3f}" for i in range(1, 9)))
    (tmp_path / "train.yaml").write_text("learning_rate: 2.0e-5\nbf16: true\n")
    (tmp_path / "accelerate_config.yaml").write_text("distributed_type: FSDP\nnum_processes: 8\n")
    records = {record.name: record for record in collect(tmp_path).records}
    assert {name: record.facts.number("world_size") for name, record in records.items()} == dict.fromkeys(records, 8.0)


def test_epoch_rows_of_mmengine_are_read(tmp_path: Path) -> None:
    rows = [
        f"Epoch(train)  [1][{50 * i:4d}/5000]  lr: 1.0000e-04  eta: 1 day, 2:11:00  time: 1.9000  data_time: 1.6000  "
        f"loss: {2 - 0.1 * i:.4f}"
        for i in range(1, 7)
    ]
    (tmp_path / "train.log").write_text("\n".join(rows))
    (record,) = collect(tmp_path).records
    assert list(record.series["train/loss"].step) == [50, 100, 150, 200, 250, 300]
    assert set(record.series) >= {"speed/data_seconds", "speed/seconds_per_step", "train/learning_rate"}


@pytest.mark.parametrize(
    "message",
    [
        "Restoring states from the checkpoint path at version_0/checkpoints/epoch=3-step=40.ckpt",
        "Loading checkpoint @ batch=0 and epoch=4",
    ],
)
def test_messages_of_a_resume(tmp_path: Path, message: str) -> None:
    before, after = (
        "\n".join(f"step {s}: loss 1.{s}" for s in part) for part in (range(10, 50, 10), range(50, 90, 10))
    )
    (tmp_path / "train.log").write_text(f"{before}\n{message}\n{after}\n")
    assert len(collect(tmp_path).records[0].events_of("resume")) == 1


class TestSourcesOfOneRun:
    STATE = """{"log_history": [{"step": 10, "loss": 2.5, "learning_rate": 2e-05},
        {"step": 20, "loss": 2.25, "learning_rate": 1.5e-05}, {"step": 30, "loss": 2.125, "learning_rate": 1e-05}]}"""

    def test_agreeing_values_are_one_value_with_two_sources(self, tmp_path: Path) -> None:
        (tmp_path / "trainer_state.json").write_text(self.STATE)
        rows = [(10, "2.50", "2e-05"), (20, "2.25", "1.5e-05"), (30, "2.12", "1e-05")]
        (tmp_path / "train.log").write_text("".join(f"step {step}: loss {a} lr {b}\n" for step, a, b in rows))
        record = only(collect(tmp_path))
        assert len(record.series["train/loss"]) == 3
        assert [str(fact.value) for fact in record.other_facts if fact.name == "agrees_with"] == [
            "6 values, `trainer_state.json`"
        ]
        assert not [fact for fact in record.other_facts if fact.name == "disagrees_with"]

    def test_values_that_differ_between_two_logs_are_told_with_both_places(self, tmp_path: Path) -> None:
        (tmp_path / "trainer_state.json").write_text(self.STATE)
        rows = [(10, "2.50", "2e-05"), (20, "2.25", "9e-05"), (30, "2.12", "1e-05")]
        (tmp_path / "train.log").write_text("".join(f"step {step}: loss {a} lr {b}\n" for step, a, b in rows))
        (fact,) = (fact for fact in only(collect(tmp_path)).other_facts if fact.name == "disagrees_with")
        assert fact.value == (
            "`train/learning_rate` at step 20 is 9e-05 in `train.log` and 1.5e-05 in `trainer_state.json`; "
            "1 of 3 shared values differ"
        )
        assert str(fact.source) == "trainer_state.json:2"
