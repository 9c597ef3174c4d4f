"""A run is what a plain loop with the same settings would be, however it is cut into micro-batches and pieces."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace

import pytest
import torch

from trainclinic.encoding.encoded import IGNORED
from trainclinic.recipe.model import Adapter, Batch, Checkpoints, Data, Evaluation, Guard, Loss, Schedule, Text
from trainclinic.training import checkpoints
from trainclinic.training.job import build, plan, run, save

NOTHING_HELD_OUT = Evaluation(every_steps=8, generations=0)


def losses(outcome) -> list[float]:
    return [row["loss"] for row in outcome.rows if "loss" in row]


def trained(recipe, folder, **named):
    job = build(plan(recipe), folder)
    return job, run(job, **named)


def weights(job) -> dict[str, torch.Tensor]:
    return {name: one.detach().clone() for name, one in job.model.named_parameters() if one.requires_grad}


def apart(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """Largest difference between two sets of weights, relative to the largest weight of each tensor."""
    pairs = [(one[name].detach(), other[name].detach()) for name in one]
    return max(float((a - b).abs().max() / a.abs().max().clamp(min=1e-8)) for a, b in pairs)


@pytest.fixture
def full(recipe):
    """A recipe without dropout or held-out rows that logs every step."""

    def made(**sections):
        base = recipe(
            adapter=Adapter(method="full"), data=Data(train=recipe().data.train, held_out=0.0),
            guard=Guard(log_every_steps=1), batch=Batch(rows=8, accumulation=1), schedule=Schedule(steps=12),
        )  # fmt: skip
        return replace(base, optimizer=replace(base.optimizer, learning_rate=1e-3), **sections)

    return made


def test_losses_and_weights_are_those_of_a_plain_pytorch_loop(full, tmp_path):
    from torch.nn import functional
    from transformers import AutoModelForCausalLM, get_cosine_schedule_with_warmup, set_seed

    recipe = full()
    job, outcome = trained(recipe, tmp_path)
    planned = job.planned
    set_seed(planned.recipe.seed)
    model = AutoModelForCausalLM.from_pretrained(recipe.model.name, dtype=torch.float32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
    schedule = get_cosine_schedule_with_warmup(optimizer, planned.recipe.schedule.warmup_steps, 12)
    order, expected = [], []
    rows, epoch = planned.rows.training, 0
    model.train()
    while len(expected) < 12:
        if not order:
            drawn = torch.randperm(len(rows), generator=torch.Generator().manual_seed(planned.recipe.seed + epoch))
            order, epoch = drawn.tolist(), epoch + 1
        chosen, order = order[:8], order[8:]
        batch = job.collator([{"input_ids": rows[at].ids, "labels": rows[at].labels} for at in chosen])
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        loss = functional.cross_entropy(
            logits[:, :-1].flatten(0, 1), batch["labels"][:, 1:].flatten(), ignore_index=IGNORED
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        expected.append(loss.item())
    assert losses(outcome) == pytest.approx(expected, rel=1e-4)
    assert apart(weights(job), dict(model.named_parameters())) < 1e-3


def test_eight_rows_at_once_are_one_row_eight_times(full, tmp_path):
    whole, first = trained(full(batch=Batch(rows=8, accumulation=1)), tmp_path / "whole")
    parts, second = trained(full(batch=Batch(rows=1, accumulation=8)), tmp_path / "parts")
    assert losses(second) == pytest.approx(losses(first), rel=2e-3)
    assert apart(weights(whole), weights(parts)) < 0.02


def test_a_loss_that_nobody_divides_is_larger_by_the_number_of_micro_batches(full, tmp_path):
    right = trained(full(batch=Batch(rows=2, accumulation=4)), tmp_path / "right")[1]
    wrong = trained(full(batch=Batch(rows=2, accumulation=4), loss=Loss(normalised_by="nothing")), tmp_path / "wrong")[
        1
    ]
    assert losses(wrong)[0] == pytest.approx(4 * losses(right)[0], rel=0.05)


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_interrupted_and_resumed_is_uninterrupted(recipe, tmp_path, dropout):
    asked = recipe(
        adapter=Adapter(dropout=dropout), guard=Guard(log_every_steps=1), evaluation=NOTHING_HELD_OUT,
        checkpoints=Checkpoints(every_steps=8, keep=4), batch=Batch(rows=4, accumulation=2),
    )  # fmt: skip
    whole, expected = trained(asked, tmp_path / "run")
    kept = tmp_path / "run" / "checkpoint-8"
    job, outcome = trained(asked, tmp_path / "again", resume=kept)
    assert losses(outcome)[-16:] == pytest.approx(losses(expected)[-16:], rel=1e-5)
    assert apart(weights(job), weights(whole)) < 1e-5


def test_a_resume_that_starts_the_schedule_again_would_be_seen(recipe, tmp_path):
    asked = recipe(
        guard=Guard(log_every_steps=1), evaluation=NOTHING_HELD_OUT, checkpoints=Checkpoints(every_steps=8, keep=4)
    )
    whole, _ = trained(asked, tmp_path / "run")
    folder = tmp_path / "run" / "checkpoint-8"
    (folder / "optimizer.pt").unlink()  # the library then starts optimizer and schedule again
    job, _ = trained(asked, tmp_path / "again", resume=folder)
    assert apart(weights(job), weights(whole)) > 1e-3


def test_checkpoints_are_sealed_with_their_losses_and_old_ones_go(recipe, tmp_path):
    asked = recipe(evaluation=Evaluation(every_steps=4), checkpoints=Checkpoints(keep=1))
    _, outcome = trained(asked, tmp_path)
    saved = checkpoints.whole_checkpoints(tmp_path)
    assert saved[-1].step == 24
    assert all(one.loss is not None for one in saved)
    assert len(saved) <= 2
    assert outcome.best == checkpoints.best(saved).folder
    assert outcome.best_loss == pytest.approx(checkpoints.best(saved).loss)


def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(recipe, tmp_path):
    asked = recipe(
        guard=Guard(log_every_steps=1), evaluation=NOTHING_HELD_OUT, checkpoints=Checkpoints(every_steps=8, keep=4)
    )
    trained(asked, tmp_path)
    (tmp_path / "checkpoint-24" / checkpoints.SEAL).unlink()
    assert checkpoints.last_good(tmp_path).step == 16
    assert checkpoints.discard_torn(tmp_path) == ["checkpoint-24"]


def test_what_is_saved_answers_with_the_template_it_was_trained_with(recipe, tmp_path):
    from peft import AutoPeftModelForCausalLM
    from transformers import AutoTokenizer

    asked = recipe(schedule=Schedule(steps=120), evaluation=Evaluation(every_steps=60))
    job, outcome = trained(asked, tmp_path)
    save(job, outcome)
    model = AutoPeftModelForCausalLM.from_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert model.get_base_model().generation_config.eos_token_id in (2, [2])
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What colour is the kite?"}], add_generation_prompt=True, return_tensors="pt"
    )
    out = model.generate(**asked, max_new_tokens=30, do_sample=False)
    new = out[0, asked["input_ids"].shape[1] :]
    assert tokenizer.decode(new, skip_special_tokens=True).startswith("It is ")
    assert int(new[-1]) == 2


@pytest.mark.parametrize("form", ["messages", "text"])
@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_every_form_learns_on_both_architectures(recipe, tmp_path, form, architecture):
    asked = recipe(form, architecture, schedule=Schedule(steps=60), guard=Guard(log_every_steps=1))
    _, outcome = trained(asked, tmp_path)
    assert all(map(math.isfinite, losses(outcome)))
    assert outcome.last_loss < (0.6 if form == "messages" else 0.95) * losses(outcome)[0]


def test_packed_rows_learn_as_well(recipe, tmp_path):
    asked = recipe(
        text=Text(packing=True, max_length=128), batch=Batch(rows=2, accumulation=1), schedule=Schedule(steps=60)
    )
    job, outcome = trained(asked, tmp_path)
    assert len(job.trainer.train_dataset) < len(job.planned.rows.training) / 3
    assert outcome.last_loss < 0.6 * losses(outcome)[0]


def test_rows_of_a_step_can_be_named(recipe, tmp_path):
    job, _ = trained(recipe(schedule=Schedule(steps=2), batch=Batch(rows=4, accumulation=2)), tmp_path)
    seen = [int(row) for rows in job.trainer.rows_of_step for row in rows]
    order = torch.randperm(len(job.planned.rows.training), generator=torch.Generator().manual_seed(42)).tolist()
    assert seen == order[:16]


def test_the_plan_that_was_trained_is_saved_and_plans_the_same_again(recipe, tmp_path):
    from trainclinic.recipe.read import read_recipe

    asked = recipe(schedule=Schedule(steps=2))
    job, _ = trained(asked, tmp_path)
    again = plan(read_recipe(tmp_path / "recipe.yaml"))
    assert again.recipe == job.planned.recipe
    assert not again.choices


def test_the_output_folder_can_be_moved(recipe, tmp_path):
    asked = recipe(evaluation=NOTHING_HELD_OUT, checkpoints=Checkpoints(every_steps=8))
    trained(asked, tmp_path / "here")
    shutil.move(tmp_path / "here", tmp_path / "there")
    assert checkpoints.last_good(tmp_path / "there").step == 24
