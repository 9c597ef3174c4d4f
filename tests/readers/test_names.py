"""Names of columns and settings: each maps to what it means in the tool that writes it, and ambiguous ones to nothing."""

from __future__ import annotations

import pytest

from trainclinic.readers.settings.aliases import ALIASES
from trainclinic.readers.settings.interpreter import facts_from_settings
from trainclinic.readers.settings.names import canonical_setting
from trainclinic.readers.tables.column_names import (
    canonical_name,
    column_meaning,
    is_epoch_name,
    is_step_name,
    meanings_of,
    seconds_of,
    step_column,
)
from trainclinic.record.vocabulary import FACTS, SERIES


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("loss", "train/loss"),
        ("Train Loss", "train/loss"),
        ("train_loss_step", "train/loss"),
        ("loss/train/total", "train/loss"),
        ("Validation Loss", "eval/loss"),
        ("loss_val", "eval/loss"),
        ("val/loss", "eval/loss"),
        ("lr-AdamW", "train/learning_rate"),
        ("gradient_norm", "train/grad_norm"),
        ("mean_token_accuracy", "train/token_accuracy"),
        ("eval_mean_token_accuracy", "eval/token_accuracy"),
        ("val_accuracy", "eval/accuracy"),
        ("acc_step", "train/accuracy"),
        ("rewards/margins", "reward/margin"),
        ("kl", "policy/kl"),
        ("it/s", "speed/steps_per_second"),
        ("train_samples_per_second", "speed/samples_per_second"),
        ("tok/sec", "speed/tokens_per_second"),
        ("train/mfu", "speed/mfu"),
        ("loss_scale", "scale/loss_scale"),
        ("elapsed_time", "time/elapsed"),
        ("_timestamp", "time/stamp"),
    ],
)
def test_a_column_of_a_known_tool_gets_its_canonical_name(column: str, name: str) -> None:
    assert name in SERIES
    assert canonical_name(column) == name


@pytest.mark.parametrize(
    "column", ["time", "tokens", "score", "l1_loss", "eval_steps_per_second", "eval_rewards/chosen", "dt", "memory"]
)
def test_an_ambiguous_column_keeps_its_own_name(column: str) -> None:
    assert canonical_name(column) == column


@pytest.mark.parametrize(
    ("column", "unit", "factor"),
    [
        ("driver_allocated_gb", "", 1e9),
        ("memory/max_allocated (GiB)", "", 2.0**30),
        ("step_time_ms", "", 1e-3),
        ("elapsed (min)", "", 60.0),
    ],
)
def test_a_unit_in_the_name_becomes_a_factor(column: str, unit: str, factor: float) -> None:
    meaning = column_meaning(column)
    assert (meaning.unit, meaning.factor) == (unit, factor)
    assert meaning.name in SERIES


def test_weak_names_fill_gaps_and_never_take_a_place() -> None:
    alone = [meaning.name for meaning in meanings_of(["epoch", "train_loss_epoch", "test_loss"])]
    assert alone == ["train/epoch", "train/loss", "eval/loss"]
    beside = [
        meaning.name
        for meaning in meanings_of(["train_loss_epoch", "train_loss_step", "loss", "val_loss", "test_loss"])
    ]
    assert beside == ["train_loss_epoch", "train_loss_step", "train/loss", "eval/loss", "test_loss"]


def test_bits_per_character_is_a_loss_in_another_unit() -> None:
    (train, held_out) = meanings_of(["train_bpc", "val_bpb"])
    assert (train.name, train.unit) == ("train/loss", "bits/character")
    assert (held_out.name, held_out.unit) == ("eval/loss", "bits/byte")


def test_the_most_trustworthy_step_column_is_taken() -> None:
    assert step_column(["_step", "loss", "train/global_step"]) == "train/global_step"
    assert step_column(["Step", "value"]) == "Step"
    assert step_column(["epoch", "loss"]) is None
    assert is_step_name("trainer/global_step")
    assert not is_step_name("step_time")
    assert is_epoch_name("Epoch")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0:01:34", 94.0), ("2 days, 21:48:01", 251281.0), ("1:02", 62.0), ("1h 4m", 3840.0), ("7", None), ("soon", None)],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("setting", "fact"),
    [
        ("--per-device-train-batch-size", "micro_batch_size"),
        ("args.lr", "learning_rate"),
        ("LORA_RANK", "lora_rank"),
        ("lora_parameters.rank", "lora_rank"),
        ("model.lora.r", "lora_rank"),
        ("optimizer.params.lr", "learning_rate"),
        ("Gradient Accumulation Steps", "accumulation_steps"),
        ("cutoff_len", "sequence_length"),
        ("lr_scheduler_warmup_ratio", "warmup_ratio"),
        ("max_iters", "planned_steps"),
        ("draft.lr", None),
        ("eval.batch_size", None),
        ("eval_batch_size", None),
        ("output_dir", None),
        ("", None),
    ],
)
def test_settings_of_many_tools(setting: str, fact: str | None) -> None:
    assert canonical_setting(setting) == fact


def test_every_alias_stands_for_a_fact_and_for_one_only() -> None:
    assert set(ALIASES) <= set(FACTS)
    words = [alias for aliases in ALIASES.values() for alias in aliases.split()]
    assert sorted(words) == sorted(set(words))


def stated(**settings: object) -> dict[str, object]:
    facts, _, _ = facts_from_settings([(key, value, 1) for key, value in settings.items()], "config", "x.yaml")
    return {fact.name: fact.value for fact in reversed(facts)}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"precision": "bf16-mixed"}, {"fp16": False, "bf16": True}),
        ({"precision": "16-true"}, {"weights_dtype": "float16"}),
        ({"precision": "32-true"}, {"weights_dtype": "float32"}),
        ({"mixed_precision": "no"}, {"fp16": False, "bf16": False}),
        ({"torch_dtype": "torch.bfloat16"}, {"weights_dtype": "bfloat16"}),
        ({"torch_dtype": "auto"}, {}),
        ({"bf16": "auto"}, {}),
        ({"dtype": "float16"}, {"weights_dtype": "float16"}),
        ({"dtype": "float16", "block_size": 8}, {"fp16": True, "bf16": False, "sequence_length": 8.0}),
        ({"load_in_4bit": True, "adapter": "lora"}, {"quantization_bits": 4.0, "method": "qlora"}),
        ({"load_in_8bit": False}, {"load_in_8bit": False}),
        ({"use_8bit_adam": True}, {"optimizer": "adamw_8bit", "eight_bit_optimizer": True}),
        ({"use_8bit_adam": "false"}, {"eight_bit_optimizer": False}),
        ({"fsdp": "full_shard auto_wrap"}, {"fsdp": True}),
        ({"fsdp": []}, {"fsdp": False}),
        ({"fsdp": ""}, {"fsdp": False}),
        ({"strategy": "ddp_find_unused_parameters_true"}, {"fsdp": False, "is_distributed": True}),
        ({"strategy": "deepspeed_stage_2"}, {"deepspeed_stage": 2.0}),
        ({"distributed_type": "FSDP"}, {"fsdp": True}),
        ({"sequence_parallel": True}, {"sequence_parallel": True}),
        ({"sequence_parallel": 4}, {"sequence_parallel_processes": 4.0}),
        ({"parallelism.context_parallel_degree": 2}, {"sequence_parallel_processes": 2.0}),
        ({"new_special_tokens": "<a>,<b>"}, {"adds_tokens": True}),
        ({"tokens": ["<|im_start|>"]}, {"adds_tokens": True}),
        ({"tokens": "3,000,000"}, {}),
        ({"tokens": "1.2B"}, {}),
        ({"add_tokens": []}, {"adds_tokens": False}),
        ({"train_sampling_strategy": "group_by_length"}, {"group_by_length": True}),
        ({"padding": "max_length"}, {"pads_to_maximum": True}),
        ({"padding": True}, {}),
        ({"use_gradient_checkpointing": "unsloth"}, {"gradient_checkpointing": True}),
        ({"activation_checkpoint.mode": "selective"}, {"gradient_checkpointing": True}),
        ({"disable_gradient_checkpointing": True}, {"gradient_checkpointing": False}),
        ({"resume_from_checkpoint": "out/checkpoint-400"}, {"resume_from": "out/checkpoint-400"}),
        ({"resume_from_checkpoint": False}, {}),
        ({"use_liger_kernel": True}, {"fused_loss_kernel": True}),
        ({"plugins": ["axolotl.integrations.cut_cross_entropy.CutCrossEntropyPlugin"]}, {"fused_loss_kernel": True}),
        ({"torch_compile": "false"}, {"torch_compile": False}),
        ({"dataloader_num_workers": 0}, {"loader_workers": 0.0}),
        ({"neat_packing": True}, {"packing": True}),
        ({"padding_free": True}, {"padding_free": True}),
        ({"pad_to_sequence_len": False}, {"pads_to_maximum": False}),
        ({"assistant_only_loss": False}, {}),
        ({"response_template": "### Answer:"}, {"train_on_inputs": False}),
        ({"use_lora": "False", "lora_r": 8}, {"method": "full", "lora_rank": 8.0}),
        ({"lora_r": 8}, {"method": "lora", "lora_rank": 8.0}),
        ({"rl": "ipo"}, {"objective": "dpo"}),
        ({"trainer": "GRPOTrainer"}, {"objective": "grpo"}),
        ({"num_generations": 8}, {"objective": "grpo"}),
        ({"lr_scheduler_type": "SchedulerType.COSINE"}, {"schedule": "cosine"}),
        ({"scheduler": "get_linear_schedule_with_warmup"}, {"schedule": "linear"}),
        ({"warmup": 0.1}, {"warmup_ratio": 0.1}),
        ({"warmup_steps": 500}, {"warmup_steps": 500.0}),
        ({"max_steps": -1}, {}),
        ({"max_duration": "3ep"}, {"planned_epochs": 3.0}),
        ({"total_batch_size": 524288}, {}),
        ({"nnodes": 2, "nproc_per_node": 4}, {"world_size": 8.0}),
        ({"flash_attn": "disabled"}, {"attention_implementation": "eager"}),
        ({"deepspeed": "ds_z3_config.json"}, {"deepspeed_stage": 3.0}),
        ({"completion_only_loss": True}, {"train_on_inputs": False}),
        ({"device": "cuda:0"}, {"device": "cuda"}),
        ({"gpu": "0"}, {}),
        ({"gpu": "T4"}, {"gpu_name": "T4"}),
        ({"gpu": "Tesla"}, {}),
        ({"gpu": "Tesla T4. Max memory: 14.748 GB"}, {"gpu_name": "Tesla T4"}),
        ({"bits": "4"}, {"quantization_bits": 4.0}),
        ({"bits": "16"}, {}),
        ({"quantize": "bnb.nf4"}, {"quantization_bits": 4.0}),
        ({"optimizer": "Adam with betas=(0.9,0.95) and epsilon=1e-08"},
         {"optimizer": "adam", "adam_beta1": 0.9, "adam_beta2": 0.95, "adam_epsilon": 1e-8}),
    ],
)  # fmt: skip
def test_what_the_value_of_a_setting_says(settings: dict[str, object], expected: dict[str, object]) -> None:
    assert stated(**settings) == expected


def test_secrets_among_settings_are_hidden_and_special_tokens_are_not() -> None:
    pairs = [("hub_token", "plain-words", 1), ("wandb_api_key", "0123456789", 2), ("unk_token", "<unk>", 3)]
    _, others, _ = facts_from_settings(pairs, "config", "x.yaml")
    assert [fact.value for fact in others] == ["[redacted]", "[redacted]", "<unk>"]


def test_versions_are_told_from_settings() -> None:
    _, others, versions = facts_from_settings([("peft_version", "0.11.1", 4), ("version", "v1", 5)], "config", "x.json")
    assert [(fact.name, fact.value, fact.source.line) for fact in versions] == [("peft", "0.11.1", 4)]
    assert [fact.name for fact in others] == ["version"]


def test_nanogpt_initialisation_keeps_its_word_and_names_a_model_only_when_there_is_one() -> None:
    for value, model in (("scratch", None), ("gpt2-xl", "gpt2-xl")):
        facts, others, _ = facts_from_settings([("init_from", value, 1)], "config", "config.py")
        assert [fact.value for fact in facts if fact.name == "model_name"] == ([model] if model else [])
        assert [(fact.name, fact.value) for fact in others] == [("init_from", value)]
