"""A fine-tune as probes and guard see it: with its own loss, its own optimizer, its own way of saving.

It does not know what probes ask, or what the guard looks for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from trainclinic.probes.live import Live

if TYPE_CHECKING:
    from trainclinic.guard.callback import TrainclinicCallback
    from trainclinic.training.job import Job

FLIGHT = "flight.jsonl"
NEW_TOKENS = 200
"""Longest answer to a held-out question."""
BATCHES = 4
"""Batches that are looked at, taken evenly from the rows."""
MOST_RELOADED = 0.4
"""Share of the free memory that a second copy of the model may take."""


def live_of(job: Job) -> Live:
    """A job as a live model.

    Args:
        job: The fine-tune, before its first step.
    """
    planned, recipe = job.planned, job.planned.recipe
    rows = _rows(job)
    size = recipe.batch.rows or 1
    batches = [job.collator(rows[at : at + size]) for at in range(0, len(rows), size)]
    expected = recipe.guard.first_loss
    positions = planned.shape.positions
    can_reload = _fits_twice(job.model)
    return Live.of(
        job.model,
        batches,
        rows=tuple(rows),
        collate=job.collator,
        loss_of=_loss(job),
        optimizer=_optimizer(job),
        autocast=_autocast(job),
        end_ids=planned.formatting.ends,
        pad_id=planned.pad,
        begin_id=planned.tokenizer.specials.id_of(planned.tokenizer.specials.begin),
        answers_only=recipe.loss.targets == "answers" and recipe.data.form != "text",
        pretrained=not recipe.model.from_scratch,
        decode=lambda ids: "".join(map(planned.tokenizer.piece, ids)),
        positions=positions,
        expected_first_loss=(expected[0], expected[1]) if expected and len(expected) == 2 else None,
        expected_from="the range in the recipe",
        save=_save(job) if can_reload else None,
        load=_load(job) if can_reload else None,
        max_grad_norm=recipe.optimizer.max_grad_norm,
        accumulation=recipe.batch.accumulation or 1,
        scaler_used=bool(recipe.precision.loss_scaling),
    )


def callback_of(job: Job) -> TrainclinicCallback:
    """The guard of a job, set up by its recipe.

    Args:
        job: The fine-tune, before its first step.
    """
    from trainclinic.guard.callback import TrainclinicCallback
    from trainclinic.guard.policy import Policy

    planned, wishes = job.planned, job.planned.recipe.guard
    policy = Policy(
        on_non_finite="stop" if wishes.stop_on_non_finite else "warn",
        on_spike=wishes.on_spike or "warn",  # type: ignore[arg-type] # the recipe checks its choices
        tries=wishes.rollbacks or 0,
        rate_factor=wishes.rollback_rate or 0.5,
        strict=True if wishes.stop_on_non_finite else None,
        webhook=wishes.webhook or "",
        command=wishes.command or (),
    )
    facts = {
        "dataset_path": planned.recipe.data.train,
        "model_name": planned.recipe.model.name,
        "sequence_length": planned.recipe.text.max_length,
        "dataset_rows": len(planned.rows.training),
    }
    return TrainclinicCallback(
        job.output,
        policy=policy,
        facts=facts,
        prompts=[list(one.ids) for one in planned.rows.asked],
        tokenizer=planned.saved_tokenizer,
        max_new_tokens=NEW_TOKENS,
    )


def ending_of(job: Job) -> tuple[str, str]:
    """Why the guard stopped the run, empty when it did not; and what became of the held-out questions, in words.

    Args:
        job: The fine-tune, after its last step.
    """
    path = job.output / FLIGHT
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    rows = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
    begun = max((at for at, row in enumerate(rows) if row.get("kind") == "head"), default=0)
    rows = rows[begun:]
    stops = [row for row in rows if row.get("kind") == "alarm" and row.get("action") == "stop"]
    asked = [row for row in rows if row.get("kind") == "generation"]
    last = [row for row in asked if row["step"] == asked[-1]["step"]]
    good = sum(bool(row["text"].strip()) and bool(row["stopped"]) and not row["remarks"] for row in last)
    told = f"{good} of {len(last)} held-out questions get an answer that is not empty and ends" if last else ""
    return (f"step {stops[0]['step']}: {stops[0]['says']}" if stops else ""), told


def _rows(job: Job) -> list[dict[str, Any]]:
    """Rows from the whole length of the data, as many as some batches hold."""
    items: Any = job.trainer.train_dataset
    wanted = min(len(items), BATCHES * (job.planned.recipe.batch.rows or 1))
    places = [round(at * (len(items) - 1) / max(1, wanted - 1)) for at in range(wanted)]
    return [{name: value for name, value in items[at].items() if name != "row"} for at in dict.fromkeys(places)]


def _loss(job: Job) -> Callable[..., torch.Tensor]:
    trainer: Any = job.trainer

    def mean(model: Any, batch: Mapping[str, Any]) -> torch.Tensor:
        loss: torch.Tensor = trainer.compute_loss(model, dict(batch))
        return loss

    def summed(model: Any, batch: Mapping[str, Any], *, items: int | None = None) -> torch.Tensor:
        count = None if items is None else torch.tensor(items, device=trainer.args.device)
        loss: torch.Tensor = trainer.compute_loss(model, dict(batch), num_items_in_batch=count)
        return loss

    return summed if trainer.model_accepts_loss_kwargs else mean


def _optimizer(job: Job) -> Callable[[Iterable[torch.nn.Parameter]], torch.optim.Optimizer]:
    trainer: Any = job.trainer

    def made(parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
        kind, settings = trainer.get_optimizer_cls_and_kwargs(trainer.args, job.model)
        optimizer: torch.optim.Optimizer = kind(list(parameters), weight_decay=trainer.args.weight_decay, **settings)
        return optimizer

    return made


def _autocast(job: Job) -> Callable[[], AbstractContextManager[Any]]:
    precision = job.planned.recipe.precision
    if precision.compute == "float32":
        return nullcontext
    dtype = getattr(torch, str(precision.compute))
    return lambda: torch.autocast(str(precision.device), dtype=dtype)


def _save(job: Job) -> Callable[[Path], None]:
    return lambda folder: job.trainer.save_model(str(folder))


def _load(job: Job) -> Callable[[Path], torch.nn.Module]:
    from trainclinic.training.model import reloaded

    vocabulary = job.planned.tokenizer.vocabulary_size
    return lambda folder: reloaded(job.planned.recipe, folder, vocabulary).to(job.trainer.args.device)


def _fits_twice(model: torch.nn.Module) -> bool:
    """Whether there is memory for a second copy of the model, on its device."""
    import psutil

    size = sum(one.numel() * one.element_size() for one in model.parameters())
    device = next(model.parameters()).device
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    return bool(size < MOST_RELOADED * free)
