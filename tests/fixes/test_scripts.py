"""Generated scripts are executed: on a tiny model and a few rows, on the CPU, in seconds."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace

import pytest

from trainclinic.diagnosis.lint import lint
from trainclinic.fixes.catalogue import all_fixes
from trainclinic.fixes.files.script import Header, training_script, validation_script
from trainclinic.recipe.model import Adapter, Batch, Data, Model, Recipe
from trainclinic.recipe.patch import apply
from trainclinic.script.preferences import Preferences

from .conftest import FORMS

PATCHED = [slug for slug, file in all_fixes().items() if file.fix.patches]
LEARNS = ("--max-steps", "120", "--learning-rate", "4e-3")
"""A tiny model needs a larger rate than a real one, and few steps."""


def script_for(recipe: Recipe, folder, name="finetune_fixed.py"):
    path = folder / name
    path.write_text(training_script(recipe, Header("A run of the tests.")))
    (folder / "validate_model.py").write_text(validation_script(recipe, "a run of the tests"))
    return path


def recipe_for(world, form="messages", **parts) -> Recipe:
    return Recipe(model=Model(name=str(world.llama)), data=Data(train=str(world.rows(form)), form=form), **parts)


def losses(folder):
    rows = [json.loads(line) for line in (folder / "fixed-model.log.jsonl").read_text().splitlines()]
    return [row["loss"] for row in rows if "loss" in row], rows


@pytest.mark.slow
@pytest.mark.parametrize("slug", PATCHED)
def test_the_script_after_every_fix_that_changes_it_trains(slug, world, tmp_path, run_script):
    faulty = recipe_for(world)
    fixed, changes = apply(faulty, [(slug, patch) for patch in all_fixes()[slug].fix.patches])
    assert changes
    ran = run_script(script_for(fixed, tmp_path), *LEARNS)
    assert ran.status == 0, ran.text
    assert "answers are not empty and end by themselves" in ran.text
    seen, rows = losses(tmp_path)
    assert seen[-1] < 0.6 * seen[0], "the loss falls"
    assert all(row["grad_norm"] > 0 for row in rows if "grad_norm" in row)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_every_way_of_writing_rows_trains_and_validates(form, architecture, world, tmp_path, run_script):
    recipe = replace(recipe_for(world, form), model=Model(name=str(getattr(world, architecture))))
    ran = run_script(script_for(recipe, tmp_path), *LEARNS)
    assert ran.status == 0, ran.text
    seen, _ = losses(tmp_path)
    assert seen[-1] < 0.6 * seen[0]
    if form != "text":
        assert "result: 3 of 3 answers are not empty and end by themselves" in ran.text
        validated = run_script(tmp_path / "validate_model.py", "fixed-model")
        assert validated.status == 0, validated.text
        assert "the model works: 6 of 6" in validated.text


@pytest.mark.slow
@pytest.mark.parametrize(
    "parts",
    [
        {"adapter": Adapter(method="full")},
        {"adapter": Adapter(in_full=("embed_tokens", "lm_head"), rank_stabilised=True)},
        {"batch": Batch(checkpointing=True, by_length=True, accumulation=2)},
        {"model": Model(new_tokens=("<|ask|>",))},
    ],
    ids=["full", "embeddings", "checkpointing", "new-token"],
)
def test_every_optional_part_of_the_script_trains(parts, world, tmp_path, run_script):
    recipe = recipe_for(world, **{name: part for name, part in parts.items() if name != "model"})
    if "model" in parts:
        recipe = replace(recipe, model=replace(parts["model"], name=str(world.llama)))
    ran = run_script(script_for(recipe, tmp_path), *LEARNS)
    assert ran.status == 0, ran.text
    seen, _ = losses(tmp_path)
    assert seen[-1] < 0.6 * seen[0]
    validated = run_script(tmp_path / "validate_model.py", "fixed-model")
    assert "passed  answers end" in validated.text, validated.text


def test_the_quick_test_saves_nothing_and_says_what_it_saw(world, tmp_path, run_script):
    ran = run_script(script_for(recipe_for(world), tmp_path), "--quick-test")
    assert ran.status == 0, ran.text
    assert "quick test: PASSED" in ran.text
    assert "check: ok     labels are shifted once" in ran.text
    assert not (tmp_path / "fixed-model" / "adapter_model.safetensors").exists()


def test_a_first_loss_where_the_fault_had_it_fails_the_quick_test(world, tmp_path, run_script):
    recipe = recipe_for(world)
    recipe = replace(recipe, guard=replace(recipe.guard, first_loss=(0.1, 0.2)))
    path = tmp_path / "finetune_fixed.py"
    path.write_text(training_script(recipe, Header("A run of the tests.", faulty_loss=6.0)))
    ran = run_script(path, "--quick-test")
    assert ran.status == 1
    assert "quick test: FAILED, the fault is still there" in ran.text


def test_non_finite_gradients_stop_the_script_before_they_reach_the_weights(world, tmp_path, run_script):
    recipe = recipe_for(world)
    path = script_for(recipe, tmp_path)
    text = path.read_text()
    broken = text.replace(
        "    trainer.train(resume_from_checkpoint",
        "    last = [p for p in model.parameters() if p.requires_grad][-1]\n"
        "    last.register_hook(lambda grad: grad * float('nan') if trainer.state.global_step == 3 else grad)\n"
        "    trainer.train(resume_from_checkpoint",
    )
    assert broken != text
    path.write_text(broken)
    ran = run_script(path, *LEARNS)
    assert ran.status == 1
    assert "is not finite in step 4" in ran.text


def test_a_half_precision_adapter_is_refused_before_training(world, tmp_path, run_script):
    path = script_for(recipe_for(world), tmp_path)
    text = path.read_text()
    path.write_text(text.replace("parameter.data = parameter.data.float()", "parameter.data = parameter.data.half()"))
    ran = run_script(path, *LEARNS)
    assert ran.status == 1
    assert "check: FAILED everything that is trained is float32, found torch.float16" in ran.text


def test_labels_that_are_shifted_by_the_loader_are_refused_before_training(world, tmp_path, run_script):
    path = script_for(recipe_for(world), tmp_path)
    text = path.read_text()
    path.write_text(text.replace('return {"input_ids": ids, "labels": labels}',
                                 'return {"input_ids": ids, "labels": [*labels[1:], IGNORED]}'))  # fmt: skip
    ran = run_script(path, *LEARNS)
    assert ran.status == 1
    assert "check: FAILED labels are shifted once" in ran.text


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", ["lora", "full"])
def test_scripts_are_formatted_clean_and_free_of_alarms(form, method, tmp_path):
    recipe = Recipe(data=Data(form=form), adapter=Adapter(method=method))
    path = script_for(recipe, tmp_path)
    ast.parse(path.read_text())
    ruff = [sys.executable, "-m", "ruff"]
    rules = ["--isolated", "--line-length", "120"]
    done = [
        subprocess.run([*ruff, "format", "--check", *rules, str(tmp_path)], capture_output=True, text=True, check=False),
        subprocess.run([*ruff, "check", "--select", "E,F,I,W,B", "--ignore", "B905", *rules, str(tmp_path)],
                       capture_output=True, text=True, check=False),
    ]  # fmt: skip
    assert [one.returncode for one in done] == [0, 0], [one.stdout for one in done]
    assert [alarm.says for alarm in lint([tmp_path], Preferences()).alarms] == []


@pytest.mark.usefixtures("world")
def test_a_script_without_model_and_data_says_what_to_pass(tmp_path, run_script):
    ran = run_script(script_for(Recipe(), tmp_path))
    assert ran.status == 2
    assert "do not name the model and the data: pass --model and --data" in ran.text
