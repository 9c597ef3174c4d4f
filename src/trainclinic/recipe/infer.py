"""The recipe of a run, from what its files say. What they do not say stays unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trainclinic.recipe.keys import Value, all_keys, with_value
from trainclinic.recipe.model import Recipe
from trainclinic.recipe.validate import RecipeError, checked
from trainclinic.record.facts import Facts

_SAME = {
    "model.name": "model_name",
    "model.tokenizer": "tokenizer_name",
    "model.compiled": "torch_compile",
    "model.fused_loss": "fused_loss_kernel",
    "data.train": "dataset_path",
    "text.max_length": "sequence_length",
    "text.packing": "packing",
    "text.pad_token": "pad_token",
    "adapter.rank": "lora_rank",
    "adapter.alpha": "lora_alpha",
    "adapter.dropout": "lora_dropout",
    "adapter.rank_stabilised": "use_rslora",
    "adapter.quantised_bits": "quantization_bits",
    "optimizer.name": "optimizer",
    "optimizer.learning_rate": "learning_rate",
    "optimizer.weight_decay": "weight_decay",
    "optimizer.beta1": "adam_beta1",
    "optimizer.beta2": "adam_beta2",
    "optimizer.epsilon": "adam_epsilon",
    "optimizer.max_grad_norm": "max_grad_norm",
    "schedule.warmup_steps": "warmup_steps",
    "schedule.minimum": "minimum_learning_rate",
    "schedule.epochs": "planned_epochs",
    "schedule.steps": "planned_steps",
    "batch.rows": "micro_batch_size",
    "batch.accumulation": "accumulation_steps",
    "batch.checkpointing": "gradient_checkpointing",
    "batch.by_length": "group_by_length",
    "batch.workers": "loader_workers",
    "evaluation.every_steps": "eval_steps",
    "checkpoints.every_steps": "save_steps",
    "checkpoints.resume_from": "resume_from",
    "guard.log_every_steps": "logging_steps",
    "guard.true_losses": "logging_nan_inf_filter",
    "loss.targets": "train_on_inputs",
    "loss.beta": "beta",
    "seed": "seed",
    "precision.device": "device",
    "precision.trained_weights": "weights_dtype",
    "model.attention": "attention_implementation",
    "schedule.name": "schedule",
    "adapter.method": "method",
    "adapter.modules": "lora_target_modules",
    "adapter.in_full": "lora_modules_to_save",
    "objective": "objective",
}
"""Key of the recipe: name of the fact."""


def _listed(value: object) -> tuple[str, ...]:
    return tuple(one.strip() for one in str(value).split(",") if one.strip())


def _method(value: object) -> str | None:
    text = str(value).lower()
    return "lora" if "lora" in text or text == "dora" else "full" if text == "full" else None


def _objective(value: object) -> str:
    text = str(value)
    return text if text in {"sft", "pretraining", "dpo"} else "other"


def _schedule(value: object) -> str | None:
    text = str(value)
    return text if text in all_keys()["schedule.name"].choices else None


def _dtype(value: object) -> str | None:
    names = {"fp16": "float16", "bf16": "bfloat16", "fp32": "float32", "half": "float16"}
    text = str(value).lower().removeprefix("torch.")
    return names.get(text, text)


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "adapter.modules": _listed,
    "adapter.in_full": _listed,
    "adapter.method": _method,
    "objective": _objective,
    "schedule.name": _schedule,
    "precision.trained_weights": _dtype,
    "precision.device": lambda value: str(value).partition(":")[0].lower(),
    "guard.true_losses": lambda value: not value,
    "loss.targets": lambda on_inputs: "all" if on_inputs else "answers",
    "schedule.steps": lambda value: value if value > 0 else None,
    "optimizer.max_grad_norm": lambda value: max(float(value), 0.0),
}


def infer(facts: Facts) -> tuple[Recipe, dict[str, str]]:
    """The recipe of a run as far as its files tell it.

    Args:
        facts: What logs, configurations and scripts say.

    Returns:
        The recipe, and for each known key where its value was read.
    """
    recipe, places = Recipe(), {}
    for key, name in _SAME.items():
        fact = facts.get(name)
        if fact is None:
            continue
        value = _held(key, fact.value)
        if value is not None:
            recipe = with_value(recipe, key, value)
            places[key] = f"{fact.source}" if str(fact.source) else fact.how
            if fact.how == "inferred":
                places[key] = f"inferred: {places[key]}"
    for key, value, place in _implied(facts):
        recipe = with_value(recipe, key, value)
        places[key] = place
    return recipe, places


def _held(key: str, raw: Any) -> Value | None:
    """A fact as the value of a key; `None` for what a recipe has no word for."""
    try:
        converted = _CONVERT[key](raw) if key in _CONVERT else raw
        return checked(all_keys()[key], converted, "the files of the run")
    except RecipeError:
        return None


def _implied(facts: Facts) -> list[tuple[str, Value, str]]:
    """What follows from two facts together."""
    found: list[tuple[str, Value, str]] = []
    for flag, word in (("bf16", "bfloat16"), ("fp16", "float16")):
        fact = facts.get(flag)
        if fact is not None and fact.value:
            found.append(("precision.compute", word, str(fact.source)))
    off = [facts.get("fp16"), facts.get("bf16")]
    weights = _dtype(facts.text("weights_dtype") or "")
    if all(one is not None and not one.value for one in off) and off[0] is not None:
        compute = weights if weights in {"float16", "bfloat16"} else "float32"
        found.append(("precision.compute", compute, str(off[0].source)))
        if compute == "float16":
            found.append(("precision.loss_scaling", False, str(off[0].source)))
    rank = facts.get("lora_rank")
    if rank is not None and facts.get("method") is None:
        found.append(("adapter.method", "lora", str(rank.source)))
    return found
