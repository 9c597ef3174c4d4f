"""What a probe sees: a model as it is trained, a few batches, and the training path's own loss and optimizer.

It knows how a run hands itself over; everything has a default, so that a plain PyTorch loop needs a few lines. It does
not know any probe, the log, or where the batches came from. Measurements that several probes share are made once and
kept: a `Live` looks at one moment of a run, and another moment needs another one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from trainclinic.probes.offsets import Offsets
    from trainclinic.probes.step import StepSeen
    from trainclinic.probes.view import MaskView

Batch = Mapping[str, Any]
"""Tensors by name; `input_ids`, `attention_mask` and `labels` are `[rows, tokens]`."""
Row = Mapping[str, Any]
"""One row before collation: `input_ids` and `labels` as lists of integers, `[tokens]`."""
IGNORED = -100
"""Label of a token without a loss (`torch.nn.functional.cross_entropy`, `ignore_index`)."""
LOOKED_AT = 8
"""Batches whose first loss is measured."""
_LEARNED_POSITIONS = ("wpe.", "embed_positions.", "position_embeddings.")


def model_loss(model: torch.nn.Module, batch: Batch, *, items: int | None = None) -> torch.Tensor:
    """The loss that a Hugging Face model computes from its labels.

    Args:
        model: Called with the batch as keywords; its output has a `loss`.
        batch: Tensors by name.
        items: Targets in the whole update; the loss of this batch is then its sum over this count. `None` for the mean
            over this batch.

    Returns:
        A scalar in nats per target.
    """
    if items is None:
        loss: torch.Tensor = model(**batch).loss
        return loss
    if _accepts_items(model):
        shared: torch.Tensor = model(**batch, num_items_in_batch=items).loss
        return shared
    mean: torch.Tensor = model(**batch).loss
    return mean * (targets_of(batch) / max(items, 1))


def model_logits(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """The logits of a model called with the batch, labels left out: `[rows, tokens, vocabulary]`."""
    out = model(**{name: value for name, value in batch.items() if name != "labels"})
    if hasattr(out, "logits"):
        out = out.logits
    logits: torch.Tensor = out[0] if isinstance(out, tuple) else out
    return logits


def adamw(parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """AdamW of PyTorch at a learning rate of 1e-4."""
    import torch

    return torch.optim.AdamW(list(parameters), lr=1e-4)


def targets_of(batch: Batch) -> int:
    """Labels that carry a loss when the loss shifts them by one: those from the second position on, without -100."""
    return int((batch["labels"][..., 1:] != IGNORED).sum())


@dataclass(frozen=True, eq=False)
class Live:
    """A run as it stands, before or between its updates.

    Attributes:
        model: The module as it is trained: adapters on, on its device, not wrapped for several processes.
        batches: Collated batches as the training path gets them; at least one.
        rows: Single rows before collation, for what depends on how rows are put together.
        collate: Makes a batch of rows.
        loss_of: The training path's own loss of a batch, a scalar in nats per target. Where it takes a keyword `items`,
            it divides the sum of the batch by that number of targets, so that micro-batches add up.
        logits_of: Logits of a batch, `[rows, tokens, vocabulary]`.
        optimizer: Makes a fresh optimizer with the run's settings over the parameters given.
        autocast: Makes the context that the forward pass runs in.
        end_ids: Token ids that end an answer or a text.
        pad_id: Token id that fills rows up.
        begin_id: Token id that starts a text.
        answers_only: Whether only answers are meant to carry a loss; `None` when nobody said.
        pretrained: Whether the weights come from a pretrained model; `None` when nobody said.
        decode: Text of token ids.
        vocabulary: Rows of the output layer; 0 when unknown.
        positions: Longest row the model is made for, in tokens; `None` when unknown.
        expected_first_loss: Lowest and highest first loss of an intact run, in nats per target.
        expected_from: Where that range comes from, as a phrase: "the range of Llama 3.2 1B".
        save: Writes what the run would save into a folder; it leaves the model alone.
        load: Makes a module again from such a folder.
        max_grad_norm: Limit of the gradient norm; `None` or 0 for no clipping.
        accumulation: Micro-batches in an update.
        scaler_used: Whether a gradient scaler multiplies the loss.
    """

    model: torch.nn.Module
    batches: tuple[Batch, ...]
    rows: tuple[Row, ...] = ()
    collate: Callable[[Sequence[Row]], Batch] | None = None
    loss_of: Callable[..., torch.Tensor] = model_loss
    logits_of: Callable[[torch.nn.Module, Batch], torch.Tensor] = model_logits
    optimizer: Callable[[Iterable[torch.nn.Parameter]], torch.optim.Optimizer] = adamw
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext
    end_ids: frozenset[int] = frozenset()
    pad_id: int | None = None
    begin_id: int | None = None
    answers_only: bool | None = None
    pretrained: bool | None = None
    decode: Callable[[Sequence[int]], str] | None = None
    vocabulary: int = 0
    positions: int | None = None
    expected_first_loss: tuple[float, float] | None = None
    expected_from: str = ""
    save: Callable[[Path], None] | None = None
    load: Callable[[Path], torch.nn.Module] | None = None
    max_grad_norm: float | None = 1.0
    accumulation: int = 1
    scaler_used: bool = False

    @classmethod
    def of(cls, model: torch.nn.Module, batches: Iterable[Batch], *, tokenizer: Any = None, **known: Any) -> Live:
        """Hand over a run with what can be read off its model and tokenizer.

        Args:
            model: The module as it is trained.
            batches: A few batches of its loader.
            tokenizer: A tokenizer with the usual attributes (`eos_token_id`, `pad_token_id`, `bos_token_id`, `decode`).
            **known: Any other attribute of `Live`; it goes before what is read.
        """
        read: dict[str, Any] = {"vocabulary": _output_rows(model), "positions": _positions(model)}
        if tokenizer is not None:
            ends = _ids(getattr(tokenizer, "eos_token_id", None))
            ends |= _ids(getattr(getattr(model, "generation_config", None), "eos_token_id", None))
            read |= {"end_ids": ends, "pad_id": tokenizer.pad_token_id, "begin_id": tokenizer.bos_token_id}
            read["decode"] = tokenizer.decode
        return cls(model, tuple(dict(batch) for batch in batches), **{**read, **known})

    @property
    def device(self) -> torch.device:
        """Where the model's first parameter lies; the CPU for a model without parameters."""
        import torch

        return next((one.device for one in self.model.parameters()), torch.device("cpu"))

    def loss(self, batch: Batch, *, items: int | None = None) -> torch.Tensor:
        """The path's own loss of a batch, in its autocast, on the model's device.

        Args:
            batch: Tensors by name; it is copied, because some paths take the labels out of it.
            items: Targets in the whole update; only where `takes_items`.
        """
        with self.autocast():
            placed = self.placed(batch)
            return self.loss_of(self.model, placed) if items is None else self.loss_of(self.model, placed, items=items)

    def logits(self, batch: Batch, model: torch.nn.Module | None = None) -> torch.Tensor:
        """Logits of a batch in the run's autocast, `[rows, tokens, vocabulary]`.

        Args:
            batch: Tensors by name.
            model: Another model to ask, e.g. the one that was saved and loaded.
        """
        with self.autocast():
            return self.logits_of(self.model if model is None else model, self.placed(batch))

    def placed(self, batch: Batch) -> dict[str, Any]:
        """A copy of the batch with its tensors on the model's device."""
        device = self.device
        return {name: value.to(device) if hasattr(value, "to") else value for name, value in batch.items()}

    @cached_property
    def takes_items(self) -> bool:
        """Whether the path's loss takes the number of targets in the whole update."""
        parameters = inspect.signature(self.loss_of).parameters.values()
        return any(one.name == "items" or one.kind is one.VAR_KEYWORD for one in parameters)

    @cached_property
    def trained(self) -> dict[str, torch.nn.Parameter]:
        """Parameters that require a gradient, by name; tied ones once."""
        return {name: one for name, one in self.model.named_parameters() if one.requires_grad}

    @cached_property
    def has_adapter(self) -> bool:
        """Whether some parameters are frozen, as with adapters."""
        return any(not one.requires_grad for one in self.model.parameters())

    @cached_property
    def is_low_precision(self) -> bool:
        """Whether the forward pass rounds to fewer than 24 bits: half-precision or packed weights, or autocast."""
        import torch

        with self.autocast():
            if torch.is_autocast_enabled(self.device.type):
                return True
        return any(one.dtype not in (torch.float32, torch.float64) for one in self.model.parameters())

    @cached_property
    def batch(self) -> Batch | None:
        """The first batch with targets."""
        return next((batch for batch in self.batches if targets_of(batch)), None)

    @cached_property
    def unfit(self) -> str:
        """Why the batches cannot be put through the model, as what is missing; empty when they can."""
        table = _input_rows(self.model)
        if not self.batches:
            return "a batch"
        if table and any(int(batch["input_ids"].max()) >= table for batch in self.batches):
            return f"token ids below the {table:,} rows of the embedding"
        if self.positions and self.has_learned_positions:
            longest = max(int(batch["input_ids"].shape[1]) for batch in self.batches)
            if longest > self.positions:
                return f"rows within the {self.positions:,} positions of the model"
        return "" if self.batch is not None else "a batch with targets"

    @cached_property
    def has_learned_positions(self) -> bool:
        """Whether positions are rows of a table, so that a longer row cannot be computed at all."""
        return any(mark in name for name, _ in self.model.named_parameters() for mark in _LEARNED_POSITIONS)

    @property
    def embedding_rows(self) -> int:
        """Rows of the input embedding; 0 when unknown."""
        return _input_rows(self.model)

    @cached_property
    def view(self) -> MaskView:
        """Which tokens of the batches carry a loss."""
        from trainclinic.probes.view import mask_view

        return mask_view(self)

    @cached_property
    def first_losses(self) -> tuple[float, ...]:
        """The path's own loss of each of the first batches with targets, dropout off, in nats per target."""
        from trainclinic.probes.step import losses_before

        return losses_before(self, LOOKED_AT)

    @cached_property
    def offsets(self) -> Offsets:
        """The path's own loss beside the losses at label offsets 0 to 3."""
        from trainclinic.probes.offsets import measure_offsets

        return measure_offsets(self)

    @cached_property
    def step(self) -> StepSeen:
        """One optimizer step, looked at and undone."""
        from trainclinic.probes.step import one_step

        return one_step(self)


def _accepts_items(model: Any) -> bool:
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    parameters = inspect.signature(inner.forward).parameters.values()
    return any(one.name == "num_items_in_batch" or one.kind is one.VAR_KEYWORD for one in parameters)


def _ids(value: Any) -> frozenset[int]:
    if value is None:
        return frozenset()
    return frozenset((value,) if isinstance(value, int) else value)


def _rows_of(layer: Any) -> int:
    weight = getattr(layer, "weight", None)
    return 0 if weight is None or weight.dim() != 2 else int(weight.shape[0])


def _input_rows(model: Any) -> int:
    """Rows of the input embedding; 0 when the model does not say."""
    try:
        return _rows_of(model.get_input_embeddings())
    except (AttributeError, NotImplementedError):
        return 0


def _output_rows(model: Any) -> int:
    try:
        rows = _rows_of(model.get_output_embeddings())
    except (AttributeError, NotImplementedError):
        rows = 0
    return rows or int(getattr(getattr(model, "config", None), "vocab_size", 0) or 0)


def _positions(model: Any) -> int | None:
    config = getattr(model, "config", None)
    inner = getattr(config, "text_config", None) or config
    value = getattr(inner, "max_position_embeddings", None)
    return value if isinstance(value, int) and value > 0 else None
