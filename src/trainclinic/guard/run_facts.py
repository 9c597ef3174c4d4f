"""What can be said about a run before its first step, by the names of the vocabulary.

It reads attributes of models and of training arguments. What is not there is left out; nothing is guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_ARGUMENTS = {
    "micro_batch_size": "per_device_train_batch_size",
    "accumulation_steps": "gradient_accumulation_steps",
    "learning_rate": "learning_rate",
    "warmup_steps": "warmup_steps",
    "weight_decay": "weight_decay",
    "adam_beta1": "adam_beta1",
    "adam_beta2": "adam_beta2",
    "adam_epsilon": "adam_epsilon",
    "max_grad_norm": "max_grad_norm",
    "planned_epochs": "num_train_epochs",
    "seed": "seed",
    "fp16": "fp16",
    "bf16": "bf16",
    "gradient_checkpointing": "gradient_checkpointing",
    "torch_compile": "torch_compile",
    "logging_steps": "logging_steps",
    "logging_nan_inf_filter": "logging_nan_inf_filter",
    "sequence_length": "max_length",
    "packing": "packing",
}
"""Fact by attribute of `transformers.TrainingArguments` and `trl.SFTConfig`."""

_CONFIGURATION = {
    "model_type": "model_type",
    "hidden_size": "hidden_size",
    "layer_count": "num_hidden_layers",
    "maximum_positions": "max_position_embeddings",
    "tied_embeddings": "tie_word_embeddings",
}


def vocabulary_of(model: torch.nn.Module) -> int | None:
    """Rows of the output embedding, tokens; `None` when the model does not say.

    Args:
        model: Any model.
    """
    configuration: Any = getattr(model, "config", None)
    text = getattr(configuration, "text_config", configuration)
    size = getattr(text, "vocab_size", None)
    return size if isinstance(size, int) else None


def facts_of_model(model: torch.nn.Module) -> dict[str, object]:
    """Facts that a model tells of itself.

    Args:
        model: Any model; one with a Hugging Face configuration, or with adapters of PEFT, tells more.
    """
    configuration: Any = getattr(model, "config", None)
    parameters = list(model.parameters())
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    facts: dict[str, object] = {
        fact: _plain(getattr(configuration, attribute, None)) for fact, attribute in _CONFIGURATION.items()
    }
    facts |= {
        "vocabulary_size": vocabulary_of(model),
        "parameter_count": sum(parameter.numel() for parameter in parameters),
        "trainable_parameter_count": sum(parameter.numel() for parameter in trained),
    }
    if parameters:
        first = (trained or parameters)[0]
        facts |= {"weights_dtype": str(parameters[0].dtype).removeprefix("torch."), "device": first.device.type}
    return {**facts, **_facts_of_adapters(model)}


def facts_of_arguments(arguments: Any, planned_steps: int | None = None) -> dict[str, object]:
    """Facts that training arguments tell.

    Args:
        arguments: A `transformers.TrainingArguments`.
        planned_steps: Optimizer steps that the Trainer has planned.
    """
    facts = {fact: _plain(getattr(arguments, attribute, None)) for fact, attribute in _ARGUMENTS.items()}
    for fact, attribute in (("schedule", "lr_scheduler_type"), ("optimizer", "optim")):
        value = getattr(arguments, attribute, None)
        facts[fact] = str(getattr(value, "value", value)) if value is not None else None
    kind = type(arguments).__name__
    objective = kind.removesuffix("Config").lower() if kind.endswith("Config") else None
    return {**facts, "objective": objective, "planned_steps": planned_steps or None, "framework": "transformers"}


def _facts_of_adapters(model: torch.nn.Module) -> dict[str, object]:
    """Rank, alpha, dropout and modules of the first adapter; all weights are trained where there is none."""
    configurations: Any = getattr(model, "peft_config", None)
    if not isinstance(configurations, dict) or not configurations:
        return {}
    one = next(iter(configurations.values()))
    modules = getattr(one, "target_modules", None)
    names = sorted(map(str, modules)) if isinstance(modules, (set, list, tuple)) else [str(modules or "")]
    return {
        "method": str(getattr(getattr(one, "peft_type", None), "value", "lora")).lower(),
        "lora_rank": _plain(getattr(one, "r", None)),
        "lora_alpha": _plain(getattr(one, "lora_alpha", None)),
        "lora_dropout": _plain(getattr(one, "lora_dropout", None)),
        "use_rslora": _plain(getattr(one, "use_rslora", None)),
        "lora_target_modules": ",".join(names) or None,
    }


def _plain(value: Any) -> float | str | bool | None:
    return value if isinstance(value, (int, float, str, bool)) else None


def facts_of_lightning(trainer: Any) -> dict[str, object]:
    """Facts that Lightning's Trainer tells.

    Args:
        trainer: A `Trainer` that has begun.
    """
    precision = str(getattr(trainer, "precision", ""))
    return {
        "framework": "lightning",
        "accumulation_steps": _plain(getattr(trainer, "accumulate_grad_batches", None)),
        "max_grad_norm": _plain(getattr(trainer, "gradient_clip_val", None)),
        "fp16": precision.startswith("16"),
        "bf16": precision.startswith("bf16"),
        "optimizer": type(trainer.optimizers[0]).__name__.lower() if trainer.optimizers else None,
    }
