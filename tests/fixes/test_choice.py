"""Which fixes are chosen: cures of what is likely, conditions for what is possible, nothing for what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from trainclinic.causes.catalogue import all_causes
from trainclinic.fixes.case import Case, OpenTest, Refuted, Suspect, Weights
from trainclinic.fixes.catalogue import all_fixes
from trainclinic.fixes.choice import choose
from trainclinic.fixes.files.plan import plan
from trainclinic.fixes.files.write import files_of
from trainclinic.fixes.prescription import numbers_after, prescribe
from trainclinic.recipe.model import Adapter, Batch, Optimizer, Recipe

FAULTS = sorted(
    slug for slug, file in all_causes().items() if file.cause.family not in {"healthy-explanation", "undetermined"}
)


def suspect(slug: str, probability: float = 0.9) -> Suspect:
    cause = all_causes()[slug].cause
    return Suspect(slug, cause.title, cause.family, probability)


def slugs(chosen):
    return [one.fix.slug for one in chosen]


def sick(*suspects, **more) -> Case:
    return Case("a-run", "sick", "something is wrong", suspects=suspects, **more)


@pytest.mark.parametrize("cause", FAULTS)
def test_every_likely_fault_is_treated_and_its_files_are_written(cause):
    prescription = prescribe(sick(suspect(cause)))
    assert prescription.state == "treat"
    treated = [one for one in prescription.choice.immediate if cause in {s.slug for s in one.treats}]
    assert treated
    assert all(prescription.expectations(one) for one in treated)
    texts = files_of(prescription)
    assert "## What to change now\n" in texts["PLAN.md"]
    assert ("finetune_fixed.py" in texts) == prescription.changes_training
    assert ("finetune_fixed.py" in texts) == ("colab.ipynb" in texts)


def test_one_cure_is_enough():
    chosen = choose([suspect("double-label-shift")]).immediate
    assert slugs(chosen) == ["pass-unshifted-labels"]


def test_two_faults_get_a_cure_each():
    chosen = choose([suspect("double-label-shift"), suspect("missing-eos-in-targets", 0.8)]).immediate
    assert {"pass-unshifted-labels", "append-end-token"} <= set(slugs(chosen))
    assert [one.priority for one in chosen] == list(range(1, len(chosen) + 1))


def test_a_way_round_is_taken_only_where_nothing_repairs():
    assert "run-on-cpu" not in slugs(choose([suspect("half-precision-adapter-weights")]).immediate)
    assert slugs(choose([suspect("mps-instability")]).immediate)


def test_a_possible_cause_is_a_condition_and_changes_nothing():
    case = sick(suspect("double-label-shift"), suspect("learning-rate-too-high", 0.3))
    prescription = prescribe(case)
    assert "lower-learning-rate" in slugs(prescription.choice.conditional)
    assert all(change.key != "optimizer.learning_rate" for change in prescription.changes)


def test_precautions_guard_against_unlikely_faults_and_are_applied():
    prescription = prescribe(sick(suspect("double-label-shift"), suspect("missing-eos-in-targets", 0.04)))
    assert "append-end-token" in slugs(prescription.choice.precautions)
    assert choose([suspect("missing-eos-in-targets", 0.01)]).precautions == ()


def test_an_undecided_run_gets_a_test_and_no_change():
    test = OpenTest("Is it so?", "print(1)", is_code=True, minutes=2, yes=("Labels shifted twice",))
    case = sick(suspect("double-label-shift", 0.4), suspect("learning-rate-too-high", 0.35), tests=(test,))
    prescription = prescribe(case)
    assert prescription.state == "test first"
    assert prescription.changes == ()
    texts = files_of(prescription)
    assert set(texts) == {"PLAN.md", "recipe.yaml", "validate_model.py"}
    assert "No change is prescribed" in texts["PLAN.md"]
    assert "**Is it so?**" in texts["PLAN.md"]
    assert "## What to change now" not in texts["PLAN.md"]


def test_a_healthy_run_gets_nothing():
    prescription = prescribe(Case("a-run", "healthy", "it falls", suspects=(suspect("normal-convergence"),)))
    assert prescription.state == "nothing to fix"
    assert "Nothing is prescribed" in files_of(prescription)["PLAN.md"]


def test_an_uncertain_cause_is_tested_before_the_change():
    test = OpenTest("Is it so?", "print(1)", is_code=True, minutes=2)
    text = files_of(prescribe(sick(suspect("double-label-shift", 0.9), tests=(test,))))["PLAN.md"]
    assert text.index("## Settle this first") < text.index("## What to change now")
    assert "probable (90%) and not proved" in text
    proved = files_of(prescribe(sick(suspect("double-label-shift", 0.99), tests=(test,))))["PLAN.md"]
    assert "Settle this first" not in proved


def test_the_strictest_way_of_going_on_wins():
    both = prescribe(sick(suspect("double-label-shift"), suspect("machine-sleep", 0.7)))
    assert both.restart == "nothing"
    assert prescribe(sick(suspect("low-bit-merge-rounding"))).restart == "no training"


def test_all_checkpoints_are_ignored_when_the_target_was_wrong():
    best = Weights(1000, "out/checkpoint-1000", "lowest evaluation loss")
    text = files_of(prescribe(sick(suspect("double-label-shift"), saved=5, best=best)))["PLAN.md"]
    assert "Ignore all 5 checkpoints" in text
    assert "checkpoint-1000" not in text


def test_a_good_checkpoint_is_gone_on_from():
    best = Weights(1000, "out/checkpoint-1000", "lowest evaluation loss")
    bad = Weights(1500, "out/checkpoint-1500", "the loss had doubled")
    text = files_of(prescribe(sick(suspect("overfitting"), saved=3, best=best, distrusted=(bad,))))["PLAN.md"]
    assert "best: `out/checkpoint-1000`" in text
    assert "ignore `out/checkpoint-1500`: the loss had doubled" in text


def test_what_is_ruled_out_leaves_its_settings_alone():
    refuted = Refuted("learning-rate-too-low", "Learning rate too low", "the loss was wrong before the first update")
    recipe = Recipe(optimizer=Optimizer(learning_rate=2e-5))
    prescription = prescribe(sick(suspect("double-label-shift"), refuted=(refuted,), recipe=recipe))
    text = files_of(prescription)["PLAN.md"]
    assert "- `optimizer.learning_rate` (`2.0e-05`)\n  - ruled out: learning rate too low" in text


def test_a_setting_that_is_changed_is_not_said_to_stay():
    refuted = Refuted("learning-rate-too-low", "Learning rate too low", "it diverged")
    prescription = prescribe(sick(suspect("learning-rate-too-high"), refuted=(refuted,)))
    assert any(change.key == "optimizer.learning_rate" for change in prescription.changes)
    assert prescription.stays == ()


def test_expectations_have_the_numbers_of_the_run():
    numbers = {"logged_first_loss": "9.227", "expected_first_loss": "3.3-4.0"}
    prescription = prescribe(sick(suspect("double-label-shift"), numbers=numbers))
    told = prescription.expectations(prescription.choice.immediate[0])
    assert told[0] == "the first loss lies in 3.3-4.0 instead of 9.227, within the first 10 steps"
    without = prescribe(sick(suspect("double-label-shift")))
    assert "range of the pretrained model" in without.expectations(without.choice.immediate[0])[0]


def test_numbers_after_the_change_come_from_the_new_recipe():
    recipe = Recipe(batch=Batch(rows=2, accumulation=8), adapter=Adapter(method="lora", rank=8, alpha=16.0))
    numbers = numbers_after(sick(), recipe)
    assert numbers["new_batch"] == "16"
    assert numbers["new_lora_scale"] == "2"
    assert "new_lora_scale" not in numbers_after(sick(), replace(recipe, adapter=Adapter(method="full")))


def test_the_expected_first_loss_goes_into_the_recipe():
    prescription = prescribe(sick(suspect("double-label-shift"), first_loss=(3.3, 4.0, "GPT-2 124M")))
    assert prescription.recipe.guard.first_loss == (3.3, 4.0)
    assert "EXPECTED_FIRST_LOSS = [3.3, 4.0]" in files_of(prescription)["finetune_fixed.py"]


def test_the_recipe_says_what_is_known_assumed_and_changed():
    recipe = Recipe(optimizer=Optimizer(learning_rate=2e-5))
    places = {"optimizer.learning_rate": "train.log:3"}
    text = files_of(prescribe(sick(suspect("double-label-shift"), recipe=recipe, places=places)))["recipe.yaml"]
    assert "learning_rate: 2.0e-05" in text
    assert "# train.log:3" in text
    assert "weight_decay: unknown" in text
    assert "the files do not say it; `0` is used" in text
    assert "shifted_by: model" in text


def test_runs_on_preferences_get_a_plan_and_no_script():
    recipe = Recipe(objective="other")
    texts = files_of(prescribe(sick(suspect("double-label-shift"), recipe=recipe)))
    assert "finetune_fixed.py" not in texts
    assert "There is no `finetune_fixed.py`" in texts["PLAN.md"]


def test_every_fix_can_be_told_in_a_plan():
    for slug, file in all_fixes().items():
        cause = file.fix.treats[0].cause
        prescription = prescribe(sick(suspect(cause)))
        one = prescription.choice.immediate[0]
        told = replace(prescription, choice=replace(prescription.choice, immediate=(replace(one, fix=file.fix),)))
        assert file.fix.change in plan(told, ()), slug
