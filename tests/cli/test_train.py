"""`trainclinic train` as a user types it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

pytest.importorskip("transformers", reason="needs the training stack: pip install 'trainclinic[train]'")

from tests.fixes.conftest import world  # noqa: F401 - a fixture

from trainclinic.cli.app import app


@pytest.fixture
def train(world, tmp_path):  # noqa: F811
    """Run the command on the tiny gpt2 with 12 steps."""
    import torch

    torch.set_num_threads(1)

    def run(*arguments, form="messages", steps=12):
        command = ["train", "--model", str(world.gpt2), "--data", str(world.rows(form)), "--device", "cpu"]
        command += ["--max-steps", str(steps), "--learning-rate", "4e-3", "-o", str(tmp_path / "run")]
        return CliRunner().invoke(app, [*command, *map(str, arguments)])

    return run


def test_it_trains_says_what_was_chosen_and_saves_what_a_model_needs(train, tmp_path):
    ran = train()
    assert ran.exit_code == 0, ran.output
    assert "text.template" in ran.output
    assert "checks found nothing" in ran.output
    assert "held-out questions get an answer" in ran.output
    run = tmp_path / "run"
    saved = {path.name for path in run.iterdir()}
    assert saved >= {"adapter_model.safetensors", "recipe.yaml", "flight.jsonl", "training.json", "tokenizer.json"}
    assert json.loads((run / "training.json").read_text())["steps"] == 12
    steps = [json.loads(line) for line in (run / "flight.jsonl").read_text().splitlines()]
    assert [row["step"] for row in steps if row["kind"] == "step"] == list(range(1, 13))
    assert steps[-1]["reason"] == "finished"


def test_rows_are_shown_as_they_are_trained_on(train):
    ran = train("--show-batch", 1, "--check-only")
    assert ran.exit_code == 0, ran.output
    assert "Assistant:[[ It is" in ran.output
    assert "‹<|endoftext|>›" in ran.output


def test_a_failed_check_stops_before_the_first_step(train, tmp_path):
    ran = train("--set", "loss.shifted_by=both")
    assert ran.exit_code == 1
    assert "loss at another offset (PRB101)" in ran.output
    assert not (tmp_path / "run" / "flight.jsonl").exists()


def test_an_ignored_check_does_not_stop(train):
    ran = train("--set", "text.end_token=false", "--ignore", "PRB002", "--ignore", "TKN001", "--check-only")
    assert ran.exit_code == 0, ran.output
    assert "unscored end tokens (PRB002)" in ran.output


def test_a_run_goes_on_where_it_was_interrupted(train, tmp_path):
    whole = train(
        "--set", "checkpoints.every_steps=4", "--set", "evaluation.every_steps=4", "--set", "checkpoints.keep=9"
    )
    assert whole.exit_code == 0, whole.output
    run = tmp_path / "run"
    (run / "checkpoint-12" / "trainclinic.json").unlink()
    again = train("--resume", "--set", "checkpoints.every_steps=4", "--set", "evaluation.every_steps=4")
    assert again.exit_code == 0, again.output
    rows = [json.loads(line) for line in (run / "flight.jsonl").read_text().splitlines()]
    steps = [row["step"] for row in rows if row["kind"] == "step"]
    assert steps == [*range(1, 13), *range(9, 13)]
    losses = [row["loss"] for row in rows if row["kind"] == "step"]
    assert losses[12:] == pytest.approx(losses[8:12], rel=1e-5)


def test_another_run_is_not_written_over(train):
    assert train().exit_code == 0
    ran = train()
    assert ran.exit_code == 2
    assert "holds the checkpoints of an earlier run" in ran.output


def test_a_suspect_checkpoint_is_not_gone_on_from(train, tmp_path):
    from trainclinic.training.checkpoints import mark

    assert train().exit_code == 0
    folder = tmp_path / "run" / "checkpoint-12"
    mark(folder, state="suspect", step=12, why="a spike at step 11")
    ran = train("--from", folder)
    assert ran.exit_code == 2
    assert "is suspect: a spike at step 11" in ran.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--set", "optimizer.rate=1"), "is no key of a recipe"),
        (("--set", "adapter.rank"), "expected a key and a value"),
        (("--set", "adapter.rank=many"), "`adapter.rank` is `many`"),
        (("--ignore", "nothing-like-it"), "is no code or name of a check"),
        (("--resume",), "holds no whole checkpoint"),
        (("--set", "adapter.modules=[nope]"), "the model has no such modules"),
    ],
)
def test_wrong_input_is_told_in_a_line(train, arguments, says):
    ran = train(*arguments)
    assert ran.exit_code == 2
    assert says in ran.output
    assert "Traceback" not in ran.output


def test_a_folder_that_is_no_model_is_told(tmp_path):
    ran = CliRunner().invoke(app, ["train", "--model", str(tmp_path), "--data", "x.jsonl"])
    assert ran.exit_code == 2
    assert "holds no `config.json`" in ran.output


def test_a_guard_that_stops_leaves_the_good_checkpoint_and_no_model(train, tmp_path):
    """A learning rate that ruins the weights: the guard stops, nothing broken is saved as the result."""
    ran = train(
        "--learning-rate",
        "1e4",
        "--set",
        "optimizer.max_grad_norm=0",
        "--set",
        "optimizer.name=sgd",
        "--skip-checks",
        steps=60,
    )
    assert ran.exit_code == 1, ran.output
    assert "stopped" in ran.output
    assert not (tmp_path / "run" / "adapter_model.safetensors").exists()
