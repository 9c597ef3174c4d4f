"""What rules about arguments and overrides offer to change, and what they leave to a person."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.script.programs import program_of

from trainclinic.script.alarm import Alarm
from trainclinic.script.examine import all_rules
from trainclinic.script.rule import ScriptRule


def the_alarm(folder: Path, code: str, text: str) -> Alarm:
    rule = all_rules()[code].rule
    assert isinstance(rule, ScriptRule)
    (alarm,) = rule.find(program_of(folder, text))
    return alarm


def offered(alarm: Alarm) -> list[tuple[str, str, str, str]]:
    assert alarm.mending is not None
    return [(alarm.mending.safety, edit.kind, edit.name, edit.new_name or edit.code) for edit in alarm.mending.edits]


@pytest.mark.parametrize(
    ("call", "edits"),
    [
        ('TrainingArguments("out", no_cuda=True)', [("safe", "rename_argument", "no_cuda", "use_cpu")]),
        ('TrainingArguments("out", no_cuda=True, use_cpu=True)', []),
        ('TrainingArguments("out", **{"no_cuda": True})', []),
        ('TrainingArguments("out", group_by_length=True)', []),
        (
            'TrainingArguments("out", overwrite_output_dir=True)',
            [("unsafe", "remove_argument", "overwrite_output_dir", "")],
        ),
        ('TrainingArguments("out", **{"overwrite_output_dir": True})', []),
    ],
)
def test_an_argument_that_went_is_renamed_only_where_the_new_name_means_the_same(
    tmp_path: Path, call: str, edits: list[tuple[str, str, str, str]]
) -> None:
    alarm = the_alarm(tmp_path, "API002", f"from transformers import TrainingArguments\nargs = {call}\n")
    assert offered(alarm) == edits


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("group_by_length", 'use `train_sampling_strategy="group_by_length"`'),
        ("use_mps_device", "use use_cpu=False, because the device is found by itself"),
    ],
)
def test_what_stands_in_place_of_an_argument_is_said(tmp_path: Path, name: str, says: str) -> None:
    text = f'from transformers import TrainingArguments\nargs = TrainingArguments("out", {name}=True)\n'
    alarm = the_alarm(tmp_path, "API002", text)
    assert alarm.mending is not None
    assert alarm.mending.says == says


@pytest.mark.parametrize(
    ("name", "says"),
    [("transformers.AdamW", "use torch.optim.AdamW"), ("trl.PPOTrainer", "pin trl to 0.28.0")],
)
def test_what_stands_in_place_of_a_class_is_said(tmp_path: Path, name: str, says: str) -> None:
    library, _, short = name.partition(".")
    alarm = the_alarm(tmp_path, "API002", f"from {library} import {short}\n")
    assert alarm.mending is not None
    assert alarm.mending.says == says


@pytest.mark.parametrize(
    ("call", "edits"),
    [
        ('TrainingArguments("out", sead=1)', [("unsafe", "rename_argument", "sead", "seed")]),
        ('TrainingArguments("out", sead=1, seed=2)', []),
        ('TrainingArguments("out", **{"sead": 1})', []),
    ],
)
def test_a_mistyped_argument_is_renamed_where_the_name_is_free(
    tmp_path: Path, call: str, edits: list[tuple[str, str, str, str]]
) -> None:
    alarm = the_alarm(tmp_path, "API004", f"from transformers import TrainingArguments\nargs = {call}\n")
    assert offered(alarm) == edits


@pytest.mark.parametrize(
    ("parameters", "edits"),
    [
        ("model, inputs", ["num_items_in_batch=None"]),
        ("model", ["inputs=None", "num_items_in_batch=None"]),
        ("model, inputs, *, scale=1.0", None),
        ("model, inputs, num_items_in_batch, scale", None),
    ],
)
def test_an_override_gets_the_parameters_that_it_lacks(
    tmp_path: Path, parameters: str, edits: list[str] | None
) -> None:
    text = f"""
    from transformers import Trainer

    class Own(Trainer):
        def training_step(self, {parameters}):
            return 0.0
    """
    alarm = the_alarm(tmp_path, "API001", text)
    found = [edit.code for edit in alarm.mending.edits] if alarm.mending is not None else None
    assert found == edits


@pytest.mark.parametrize(
    ("use", "safety"),
    [
        ('net.load_state_dict(torch.load("a.pt"))', "safe"),
        ('state = torch.load("a.pt")\nnet.load_state_dict(state["net"])', "safe"),
        ('state = torch.load("a.pt")\nnet.load_state_dict(state["net"])\nepoch = state["epoch"]', "unsafe"),
        ('state = torch.load("a.pt")\nnet.load_state_dict(state)\nprint(state)', "unsafe"),
        ('rows = torch.load("a.pt")', "unsafe"),
    ],
)
def test_loading_weights_alone_is_safe_where_nothing_but_weights_is_read(tmp_path: Path, use: str, safety: str) -> None:
    alarm = the_alarm(tmp_path, "SEC002", f"import torch\nnet = torch.nn.Linear(2, 2)\n{use}\n")
    assert alarm.mending is not None
    assert alarm.mending.safety == safety


@pytest.mark.parametrize(("last", "count"), [("print(error)", 1), ("continue", 0)])
def test_an_error_is_raised_again_behind_the_last_statement_that_is_reached(
    tmp_path: Path, last: str, count: int
) -> None:
    text = f"""
    def epoch(model, batches):
        for batch in batches:
            try:
                model(**batch).loss.backward()
            except Exception as error:
                print(batch)
                {last}
    """
    alarm = the_alarm(tmp_path, "RUN002", text)
    assert alarm.mending is not None
    assert len(alarm.mending.edits) == count


@pytest.mark.parametrize(("call", "count"), [("max_steps=9, num_train_epochs=3", 1), ("max_steps=9, **more", 0)])
def test_the_number_of_epochs_is_dropped_where_it_stands_in_the_call(tmp_path: Path, call: str, count: int) -> None:
    text = f"""
    from transformers import TrainingArguments

    more = {{"num_train_epochs": 3}}
    args = TrainingArguments("out", {call})
    """
    alarm = the_alarm(tmp_path, "RUN001", text)
    assert alarm.mending is not None
    assert len(alarm.mending.edits) == count


def test_what_is_lost_says_where_the_object_is_made(tmp_path: Path) -> None:
    text = """
    def settings():
        return {"lr": 1e-4}

    settings()["lr"] = 1e-3
    """
    alarm = the_alarm(tmp_path, "RUN005", text)
    assert [step.place.line for step in alarm.flow] == [3, 5]
    assert alarm.mending is not None
    assert "`settings`" in alarm.mending.says


def test_a_lost_copy_has_no_origin_and_a_long_target_is_shortened(tmp_path: Path) -> None:
    text = """
    def run(model):
        model.language_model.transformer.configuration.to_dict()[model.key()] = 1
    """
    alarm = the_alarm(tmp_path, "RUN005", text)
    assert alarm.says.startswith("what is put into `model.language_model.transformer.conf...`, a copy")
    assert alarm.flow == ()
    assert alarm.mending is not None
    assert "keep the copy" in alarm.mending.says
