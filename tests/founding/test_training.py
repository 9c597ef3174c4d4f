"""Both founding failures in the small: the faulty recipe is stopped before its first step, the prescribed one works."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("transformers", reason="needs the training stack: pip install 'trainclinic[train]'")

from tests.fixes.conftest import world  # noqa: F401 - a fixture
from trainclinic import diagnose
from trainclinic.diagnosis.training import check, train
from trainclinic.recipe.model import (
    Adapter,
    Batch,
    Data,
    Evaluation,
    Loss,
    Model,
    Optimizer,
    Precision,
    Recipe,
    Schedule,
    Text,
)
from trainclinic.training.job import build, plan

EXAMPLES = Path(__file__).parents[2] / "examples"
REPORT_A = {
    "adapter": Adapter(method="lora", rank=8, alpha=16.0, modules=("q_proj", "k_proj", "v_proj", "o_proj")),
    "precision": Precision(device="cpu", trained_weights="float16", frozen_weights="float16", compute="float32"),
    "text": Text(template="plain", end_token=False, pad_token="</s>"),
    "optimizer": Optimizer(learning_rate=2e-4),
    "batch": Batch(rows=2, accumulation=8),
}
REPORT_B = {
    "adapter": Adapter(method="lora", rank=16, alpha=32.0),
    "loss": Loss(shifted_by="both"),
    "optimizer": Optimizer(learning_rate=2e-5),
    "batch": Batch(rows=8, accumulation=1),
    "text": Text(max_length=64),
}


def slugs(checked) -> set[str]:
    return {finding.entry.rule.slug for finding in checked.stops}


def stopped(recipe: Recipe, folder: Path) -> set[str]:
    return slugs(check(build(plan(recipe), folder)))


def test_report_a_is_stopped_for_its_float16_adapters_and_its_untrained_end(world, tmp_path):  # noqa: F811
    recipe = Recipe(model=Model(name=str(world.llama)), data=Data(train=str(world.rows("question-answer"))), **REPORT_A)
    found = stopped(recipe, tmp_path)
    assert {"half-precision-trained-tensors", "non-finite-weights-after-one-step", "unscored-end-tokens"} <= found
    assert "loss-at-another-offset" not in found
    mended = replace(
        recipe, precision=Precision(device="cpu"), text=Text(template="plain"),
    )  # fmt: skip
    assert not stopped(mended, tmp_path) & {
        "half-precision-trained-tensors", "non-finite-weights-after-one-step", "unscored-end-tokens"
    }  # fmt: skip


def test_report_b_is_stopped_for_its_doubled_shift_and_for_nothing_else(world, tmp_path):  # noqa: F811
    recipe = Recipe(model=Model(name=str(world.gpt2)), data=Data(train=str(world.rows("text"))), **REPORT_B)
    found = stopped(recipe, tmp_path)
    assert "loss-at-another-offset" in found
    assert found <= {"loss-at-another-offset", "first-loss-outside-expectation"}
    assert not stopped(replace(recipe, loss=Loss()), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("report", "architecture", "form"), [("report-a", "llama", "messages"), ("report-b", "gpt2", "text")]
)
def test_the_prescribed_recipe_trains_and_answers(world, tmp_path, report, architecture, form):  # noqa: F811
    prescribed = diagnose(EXAMPLES / report).runs[0].prescription.recipe
    recipe = replace(
        prescribed,
        model=replace(prescribed.model, name=str(getattr(world, architecture)), tokenizer=""),
        data=replace(prescribed.data, train=str(world.rows(form)), form=None, question_field="", answer_field=""),
        precision=replace(prescribed.precision, device="cpu"),
        optimizer=replace(prescribed.optimizer, learning_rate=4e-3),
        schedule=Schedule(steps=120),
        guard=replace(prescribed.guard, first_loss=()),
        batch=Batch(rows=8, accumulation=1),
        evaluation=Evaluation(every_steps=40),
    )
    job = build(plan(recipe), tmp_path / "run")
    ignored = ("first-loss-outside-expectation",)  # the tiny llama has never seen the marks of its template
    checked = check(job, ignored=ignored)
    assert not checked.stops, slugs(checked)
    supervised = train(job)
    assert supervised.is_good
    assert supervised.outcome.last_loss < 0.7 * supervised.outcome.first_loss
    if report == "report-a":
        assert supervised.answers.startswith("3 of 3")
