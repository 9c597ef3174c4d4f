"""The callback of the Trainer and of TRL: true losses, norms before clipping, stops, marks, samples, and a clean exit."""

from __future__ import annotations

import gc
import json
import math

import pytest

from trainclinic.guard import Policy

from .conftest import lines_of

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:torch.*"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture
def parts(world):
    """Model, tokenizer and rows of the little world."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.set_num_threads(1)
    transformers.set_seed(0)
    model = transformers.LlamaForCausalLM.from_pretrained(str(world.llama), dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(world.llama))
    tokenizer.pad_token = tokenizer.unk_token
    texts = [json.loads(line)["text"] for line in world.rows("text").read_text().splitlines()]
    rows = []
    for text in texts:
        ids = tokenizer(text + tokenizer.eos_token)["input_ids"]
        rows.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": list(ids)})
    return model, tokenizer, rows


def collate(rows):
    import torch

    longest = max(len(row["input_ids"]) for row in rows)
    filler = {"input_ids": 0, "attention_mask": 0, "labels": -100}
    return {
        key: torch.tensor([row[key] + [f] * (longest - len(row[key])) for row in rows]) for key, f in filler.items()
    }


def arguments(folder, **more):
    from transformers import TrainingArguments

    settings = {"max_steps": 6, "per_device_train_batch_size": 4, "learning_rate": 1e-3, "logging_steps": 1, "report_to": [],
                "save_strategy": "no", "use_cpu": True, "disable_tqdm": True, "lr_scheduler_type": "constant"}  # fmt: skip
    return TrainingArguments(output_dir=str(folder), **{**settings, **more})


def trainer_of(parts, folder, callback, *, kind=None, **more):
    from transformers import Trainer

    model, _, rows = parts
    made = (kind or Trainer)(
        model=model, args=arguments(folder, **more), train_dataset=rows, eval_dataset=rows[:8], data_collator=collate,
        callbacks=[callback],
    )  # fmt: skip
    made.remove_callback(__import__("transformers").PrinterCallback)
    return made


def logged(trainer, key):
    return [row[key] for row in trainer.state.log_history if key in row]


@pytest.mark.parametrize("accumulation", [1, 3])
@pytest.mark.parametrize("clipped", [0.05, 0.0])
def test_losses_and_norms_are_those_of_the_trainer(parts, tmp_path, accumulation, clipped):
    from trainclinic.guard import TrainclinicCallback

    callback = TrainclinicCallback(facts={"dataset_path": "rows.jsonl"})
    made = trainer_of(parts, tmp_path, callback, gradient_accumulation_steps=accumulation, max_grad_norm=clipped)
    made.train()
    steps = lines_of(tmp_path, "step")
    assert [row["step"] for row in steps] == list(range(1, 7))
    assert [row["loss"] for row in steps] == pytest.approx(logged(made, "loss"), rel=1e-4)
    assert [row["grad_norm"] for row in steps] == pytest.approx(logged(made, "grad_norm"), rel=1e-4)
    assert min(row["grad_norm"] for row in steps) > 0.05
    assert {row["learning_rate"] for row in steps} == {1e-3}
    assert steps[-1]["epoch"] == pytest.approx(made.state.epoch)
    assert steps[0]["tokens"] > 40 * accumulation
    head = lines_of(tmp_path, "head")[0]["facts"]
    told = ("accumulation_steps", "micro_batch_size", "max_grad_norm", "model_type", "planned_steps", "schedule")
    assert [head[name] for name in told] == [accumulation, 4, clipped, "llama", 6, "constant"]
    assert (head["guard_loss_source"], head["dataset_path"]) == ("model", "rows.jsonl")
    assert lines_of(tmp_path)[-1]["reason"] == "finished"
    assert lines_of(tmp_path, "trouble") == []


def test_the_trained_weights_are_the_same_with_and_without(parts, tmp_path):
    import copy

    from trainclinic.guard import TrainclinicCallback

    model, tokenizer, rows = parts
    other = copy.deepcopy(model)
    guarded = trainer_of(
        parts,
        tmp_path / "a",
        TrainclinicCallback(prompts=["The cup"], policy=Policy(on_spike="rollback")),
        eval_strategy="steps",
        eval_steps=2,
    )
    guarded.train()
    from transformers import TrainerCallback

    alone = trainer_of((other, tokenizer, rows), tmp_path / "b", TrainerCallback(), eval_strategy="steps", eval_steps=2)
    alone.train()
    for (name, one), (_, two) in zip(model.named_parameters(), other.named_parameters(), strict=True):
        assert one.equal(two), name


def test_a_loss_outside_the_model_is_taken_from_the_log_and_said_so(parts, tmp_path):
    from trainclinic.guard import TrainclinicCallback

    made = trainer_of(parts, tmp_path, TrainclinicCallback(), label_smoothing_factor=0.1, logging_steps=2)
    made.train()
    steps = lines_of(tmp_path, "step")
    assert [row["step"] for row in steps] == list(range(1, 7))
    assert [row.get("loss") for row in steps][1::2] == pytest.approx(logged(made, "loss"))
    assert [row.get("loss") for row in steps][0::2] == [None] * 3
    assert lines_of(tmp_path, "head")[0]["facts"]["guard_loss_source"] == "logged"


def poisoned(trainer_class, at):
    """A Trainer whose model is poisoned: one weight is infinite from an update on."""
    import torch

    class Poisoned(trainer_class):
        def training_step(self, model, *given, **named):
            out = super().training_step(model, *given, **named)
            if self.state.global_step == at - 1:
                with torch.no_grad():
                    next(p for n, p in model.named_parameters() if "layers.1.mlp.up_proj" in n).grad[3, 3] = math.nan
            return out

    return Poisoned


def test_a_gradient_that_is_not_finite_stops_the_run_before_the_update(parts, tmp_path):
    from transformers import Trainer

    from trainclinic.guard import TrainclinicCallback

    made = trainer_of(parts, tmp_path, TrainclinicCallback(), kind=poisoned(Trainer, 3), logging_nan_inf_filter=True)
    made.train()
    assert made.state.global_step == 3
    assert all(weight.isfinite().all() for weight in parts[0].parameters())
    (alarm,) = lines_of(tmp_path, "alarm")
    assert (alarm["rule"], alarm["step"]) == ("non-finite-gradient", 3)
    assert "layers.1.mlp.up_proj" in alarm["says"]
    assert lines_of(tmp_path)[-1]["reason"] == "stopped"


def test_a_rollback_lets_the_trainer_finish_at_half_the_rate(parts, tmp_path):
    from transformers import Trainer

    from trainclinic.guard import TrainclinicCallback

    policy = Policy(on_non_finite="rollback", strict=False)
    made = trainer_of(parts, tmp_path, TrainclinicCallback(policy=policy), kind=poisoned(Trainer, 3))
    made.train()
    assert made.state.global_step == 6
    assert all(weight.isfinite().all() for weight in parts[0].parameters())
    assert [row["learning_rate"] for row in lines_of(tmp_path, "step")] == pytest.approx([1e-3] * 3 + [5e-4] * 3)
    assert set(made.lr_scheduler.get_last_lr()) == {5e-4}


def test_checkpoints_are_marked(parts, tmp_path):
    from transformers import Trainer

    from trainclinic.guard import TrainclinicCallback

    policy = Policy(on_non_finite="warn", strict=False)
    callback = TrainclinicCallback(policy=policy)
    made = trainer_of(parts, tmp_path, callback, kind=poisoned(Trainer, 3), save_strategy="steps", save_steps=2)
    made.train()
    rows = {row["step"]: row for row in lines_of(tmp_path, "checkpoint")}
    assert {step: row["state"] for step, row in rows.items()} == {2: "good", 4: "suspect", 6: "suspect"}
    seal = json.loads((tmp_path / "checkpoint-4" / "trainclinic.json").read_text())
    assert (seal["state"], seal["step"]) == ("suspect", 4)
    assert "not finite" in seal["why"]


def test_answers_are_recorded_at_evaluations(parts, tmp_path):
    from trainclinic.guard import TrainclinicCallback

    callback = TrainclinicCallback(prompts=["The cup is", [5, 6, 7]], tokenizer=parts[1], max_new_tokens=5)
    trainer_of(parts, tmp_path, callback, eval_strategy="steps", eval_steps=3).train()
    evaluations = lines_of(tmp_path, "evaluation")
    assert [row["step"] for row in evaluations] == [3, 6]
    assert all(row["loss"] > 0 for row in evaluations)
    samples = lines_of(tmp_path, "generation")
    assert [row["step"] for row in samples] == [3, 3, 6, 6]
    assert samples[0]["prompt"] == "The cup is"
    assert all(0 < row["new_tokens"] <= 5 for row in samples)


def test_clipping_is_put_back_at_the_end(parts, tmp_path):
    import torch

    from trainclinic.guard import TrainclinicCallback

    before = torch.nn.utils.clip_grad_norm_
    trainer_of(parts, tmp_path, TrainclinicCallback(), max_steps=1).train()
    assert torch.nn.utils.clip_grad_norm_ is before
    assert torch.nn.utils.clip_grad.clip_grad_norm_ is before
    assert not parts[0]._forward_hooks


def test_clipping_is_put_back_after_a_failure(parts, tmp_path):
    import torch

    from trainclinic.guard import TrainclinicCallback

    before = torch.nn.utils.clip_grad_norm_
    callback = TrainclinicCallback()
    made = trainer_of(parts, tmp_path, callback)

    def fail(*_, **__):
        message = "out of memory"
        raise RuntimeError(message)

    made.compute_loss = fail
    with pytest.raises(RuntimeError, match="out of memory"):
        made.train()
    assert torch.nn.utils.clip_grad_norm_ is not before
    callback.close(failed=True)
    assert torch.nn.utils.clip_grad_norm_ is before
    assert not parts[0]._forward_hooks
    assert lines_of(tmp_path)[-1]["reason"] == "failed"


def test_a_callback_that_is_lost_takes_its_wrapper_along():
    import torch

    from trainclinic.guard.clipping import Clipping

    class Owner:
        def look(self):
            raise AssertionError

    owner, model = Owner(), torch.nn.Linear(2, 1)
    clipping = Clipping(model, owner.look)
    before = torch.nn.utils.clip_grad_norm_
    clipping.start()
    try:
        model(torch.ones(1, 2)).sum().backward()
        with pytest.raises(AssertionError):
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        del owner
        gc.collect()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    finally:
        clipping.stop()
    assert torch.nn.utils.clip_grad_norm_ is before


def test_wrappers_may_end_in_any_order_and_see_their_own_model_only():
    import torch

    from trainclinic.guard.clipping import Clipping

    before, seen = torch.nn.utils.clip_grad_norm_, []
    models = [torch.nn.Linear(2, 1) for _ in range(2)]
    first, second = (Clipping(model, lambda at=at: seen.append(at)) for at, model in enumerate(models))
    for model in models:
        model(torch.ones(1, 2)).sum().backward()
    first.start()
    second.start()
    norm = torch.nn.utils.clip_grad_norm_(models[0].parameters(), 0.5)
    assert norm == pytest.approx(3**0.5)
    assert models[0].weight.grad.norm() < 0.5
    first.stop()
    torch.nn.utils.clip_grad_norm_(list(models[0].parameters()), 1.0)
    torch.nn.utils.clip_grad_norm_(iter(models[1].parameters()), 1.0)
    second.stop()
    assert seen == [0, 1]
    torch.nn.utils.clip_grad_norm_(models[1].parameters(), 1.0)
    assert seen == [0, 1]
    torch.nn.utils.clip_grad_norm_ = torch.nn.utils.clip_grad.clip_grad_norm_ = before


def test_a_guard_in_trouble_lets_the_trainer_finish(parts, tmp_path, monkeypatch, caplog):
    from trainclinic.guard import TrainclinicCallback, callback, watch

    monkeypatch.setattr(watch, "Gradients", None)
    monkeypatch.setattr(callback, "ModelLoss", None)
    made = trainer_of(
        parts,
        tmp_path,
        TrainclinicCallback(prompts=["x"]),
        eval_strategy="steps",
        eval_steps=3,
        save_strategy="steps",
        save_steps=3,
    )
    made.train()
    assert made.state.global_step == 6
    assert caplog.records


@pytest.mark.parametrize("adapted", [False, True])
def test_trl_and_adapters_are_guarded(parts, tmp_path, world, adapted):
    trl = pytest.importorskip("trl")
    datasets, peft = pytest.importorskip("datasets"), pytest.importorskip("peft")
    from trainclinic.guard import TrainclinicCallback

    model, tokenizer, _ = parts
    rows = [json.loads(line) for line in world.rows("prompt-completion").read_text().splitlines()]
    settings = trl.SFTConfig(
        output_dir=str(tmp_path), max_steps=4, per_device_train_batch_size=4, gradient_accumulation_steps=2, logging_steps=1,
        report_to=[], save_strategy="no", use_cpu=True, disable_tqdm=True, learning_rate=1e-3, bf16=False, max_length=64,
        gradient_checkpointing=False, lr_scheduler_type="constant",
    )  # fmt: skip
    lora = peft.LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM") if adapted else None
    made = trl.SFTTrainer(
        model=model, args=settings, train_dataset=datasets.Dataset.from_list(rows), processing_class=tokenizer,
        peft_config=lora, callbacks=[TrainclinicCallback()],
    )  # fmt: skip
    made.train()
    steps = lines_of(tmp_path, "step")
    assert [row["loss"] for row in steps] == pytest.approx(logged(made, "loss"), rel=1e-3)
    assert [row["grad_norm"] for row in steps] == pytest.approx(logged(made, "grad_norm"), rel=1e-3)
    facts = lines_of(tmp_path, "head")[0]["facts"]
    assert facts["guard_loss_source"] == "model"
    assert facts.get("lora_rank") == (4 if adapted else None)
    assert lines_of(tmp_path, "trouble") == []


def test_a_resumed_run_goes_on_in_the_same_file(parts, tmp_path):
    from trainclinic.guard import TrainclinicCallback

    trainer_of(parts, tmp_path, TrainclinicCallback(), max_steps=2, save_strategy="steps", save_steps=2).train()
    made = trainer_of(parts, tmp_path, TrainclinicCallback(), max_steps=4, save_strategy="steps", save_steps=2)
    made.train(resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    kinds = [(row["kind"], row.get("step")) for row in lines_of(tmp_path) if row["kind"] in ("head", "step")]
    assert kinds == [("head", None), ("step", 1), ("step", 2), ("head", None), ("step", 3), ("step", 4)]


@pytest.mark.parametrize(("kind", "action"), [("GRPOConfig", "warn"), ("SFTConfig", "stop")])
def test_a_loss_of_zero_stops_only_where_no_objective_begins_with_it(kind, action):
    from trainclinic.guard.callback import _fitting
    from trainclinic.guard.policy import Policy

    settings = type(kind, (), {})()
    assert _fitting(Policy(), settings).on_zero == action
