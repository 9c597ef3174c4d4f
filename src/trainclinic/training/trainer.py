"""The Trainer of transformers, set up by a recipe.

Its loss, schedule, order of rows and saved states are those of the library, so that a run is what a plain script with
the same settings would be. Added are: rows that can be named, seals on checkpoints, and losses that are never filtered.
It does not know who watches.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch
from transformers import (
    EarlyStoppingCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from trainclinic.recipe.model import Recipe
from trainclinic.training import checkpoints


class RecipeTrainer(Trainer):
    """A Trainer that keeps the numbers of the rows of a step, and normalises the loss as a recipe says.

    Attributes:
        rows_of_step: Numbers of the rows since the last optimizer step, in this process.
    """

    normalised_by: str = "targets"

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.rows_of_step: list[torch.Tensor] = []
        if self.normalised_by == "micro-batches":
            self.model_accepts_loss_kwargs = False

    def _prepare_inputs(self, inputs: dict[str, Any]) -> dict[str, Any]:
        rows = inputs.pop("rows", None)
        if rows is not None and self.model is not None and self.model.training:
            self.rows_of_step.append(rows)
        prepared: dict[str, Any] = super()._prepare_inputs(inputs)
        return prepared

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,  # noqa: FBT001, FBT002 - the signature of the library
        num_items_in_batch: Any = None,
    ) -> Any:
        """The loss of a micro-batch; a sum that nobody divides where the recipe says `nothing`."""
        items = None if self.normalised_by == "nothing" else num_items_in_batch
        return super().compute_loss(model, inputs, return_outputs, items)


class Keeper(TrainerCallback):
    """Seals every checkpoint as soon as it is written, and removes old ones.

    Args:
        run: Output folder.
        newest: How many of the newest stay.
    """

    def __init__(self, run: Path, newest: int) -> None:
        self.run = run
        self.newest = newest

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **named: Any) -> None:
        """Called by every process after all its files are written."""
        del control, named
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.barrier()  # a seal lists the files of all processes
        if not args.should_save:
            return
        folder = self.run / f"checkpoint-{state.global_step}"
        losses = [
            row["eval_loss"] for row in state.log_history if row["step"] == state.global_step and "eval_loss" in row
        ]
        known = checkpoints.whole(folder)
        checkpoints.mark(
            folder,
            state=known.state if known is not None else "unjudged",
            why=known.why if known is not None else "",
            step=state.global_step,
            loss=losses[-1] if losses else None,
        )
        checkpoints.keep_only(self.run, self.newest)


def arguments_of(recipe: Recipe, output: Path, *, held_out: int) -> TrainingArguments:
    """The settings of the Trainer.

    Args:
        recipe: A complete recipe.
        output: Output folder.
        held_out: Number of held-out rows.
    """
    settings = {
        "output_dir": str(output),
        **_course(recipe),
        **_formats(recipe),
        **_rhythm(recipe, evaluates=held_out > 0),
        "dataloader_num_workers": recipe.batch.workers,
        "dataloader_pin_memory": recipe.precision.device == "cuda",
        "remove_unused_columns": False,
        "ddp_find_unused_parameters": False,  # everything that is trained takes part in every step
        "label_names": ["labels"],
        "report_to": "none",
        "disable_tqdm": True,
        "seed": recipe.seed,
        "data_seed": recipe.seed,
    }
    known = {field.name for field in dataclasses.fields(TrainingArguments)}
    if recipe.batch.checkpointing:
        name = "activation_checkpointing" if "activation_checkpointing" in known else "gradient_checkpointing"
        settings |= {name: True, f"{name}_kwargs": {"use_reentrant": False}}
    if recipe.batch.by_length:
        named = "train_sampling_strategy" if "train_sampling_strategy" in known else "group_by_length"
        settings[named] = "group_by_length" if named == "train_sampling_strategy" else True
    elif not recipe.data.shuffle and "train_sampling_strategy" in known:
        settings["train_sampling_strategy"] = "sequential"
    return TrainingArguments(**settings)


def _course(recipe: Recipe) -> dict[str, Any]:
    """Steps, optimizer and schedule."""
    settings: dict[str, Any] = {
        "max_steps": recipe.schedule.steps,
        "per_device_train_batch_size": recipe.batch.rows,
        "per_device_eval_batch_size": recipe.batch.rows,
        "gradient_accumulation_steps": recipe.batch.accumulation,
        "learning_rate": recipe.optimizer.learning_rate,
        "lr_scheduler_type": recipe.schedule.name,
        "warmup_steps": recipe.schedule.warmup_steps,
        "optim": recipe.optimizer.name,
        "weight_decay": recipe.optimizer.weight_decay,
        "adam_beta1": recipe.optimizer.beta1,
        "adam_beta2": recipe.optimizer.beta2,
        "adam_epsilon": recipe.optimizer.epsilon,
        "max_grad_norm": recipe.optimizer.max_grad_norm,
    }
    if recipe.schedule.minimum and recipe.schedule.name == "cosine":
        rate = {"min_lr": recipe.schedule.minimum}
        settings |= {"lr_scheduler_type": "cosine_with_min_lr", "lr_scheduler_kwargs": rate}
    return settings


def _formats(recipe: Recipe) -> dict[str, Any]:
    """Device and number formats."""
    compute = recipe.precision.compute
    return {
        "bf16": compute == "bfloat16",
        "fp16": compute == "float16" and bool(recipe.precision.loss_scaling),
        "use_cpu": recipe.precision.device == "cpu",
        "torch_compile": recipe.model.compiled,
        "use_liger_kernel": recipe.model.fused_loss,
    }


def _rhythm(recipe: Recipe, *, evaluates: bool) -> dict[str, Any]:
    """When to log, judge and save."""
    return {
        "logging_steps": recipe.guard.log_every_steps,
        "logging_first_step": True,
        "logging_nan_inf_filter": not recipe.guard.true_losses,
        "eval_strategy": "steps" if evaluates else "no",
        "eval_steps": recipe.evaluation.every_steps if evaluates else None,
        "save_strategy": "steps",
        "save_steps": recipe.checkpoints.every_steps or 1,
        "save_total_limit": None,  # old checkpoints are removed after the new one is sealed
        "load_best_model_at_end": evaluates,
        "metric_for_best_model": "eval_loss" if evaluates else None,
        "greater_is_better": False,
    }


def trainer_of(
    recipe: Recipe, output: Path, *, model: Any, training: Any, held_out: Any, collator: Any, tokenizer: Any
) -> RecipeTrainer:
    """The Trainer of a recipe.

    Args:
        recipe: A complete recipe.
        output: Output folder.
        model: The model as it is to be trained.
        training: Rows to train on.
        held_out: Held-out rows; `None` when there are none.
        collator: Puts rows into batches.
        tokenizer: Saved beside every checkpoint.
    """
    made = type("RecipeTrainer", (RecipeTrainer,), {"normalised_by": recipe.loss.normalised_by})
    trainer: RecipeTrainer = made(
        model=model,
        args=arguments_of(recipe, output, held_out=len(held_out) if held_out is not None else 0),
        train_dataset=training,
        eval_dataset=held_out,
        data_collator=collator,
        processing_class=tokenizer,
    )
    for unwanted in ("PrinterCallback", "ProgressCallback"):
        for callback in list(trainer.callback_handler.callbacks):
            if type(callback).__name__ == unwanted:
                trainer.remove_callback(type(callback))
    if recipe.evaluation.patience and held_out is not None:
        trainer.add_callback(EarlyStoppingCallback(recipe.evaluation.patience))
    trainer.add_callback(Keeper(output, recipe.checkpoints.keep or 1))
    return trainer
