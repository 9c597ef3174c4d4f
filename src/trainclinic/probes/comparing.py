"""Logits of a row or of a batch, compared: with a later token changed, and after saving and loading.

It knows how large a change is. It does not know what a change means.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from trainclinic.probes.offsets import first_rows
from trainclinic.probes.snapshot import kept
from trainclinic.probes.step import evaluating
from trainclinic.probes.view import mask_view

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

SHORTEST = 8
"""Tokens that a row must have."""
NUDGE = 0.02
"""Size of the noise on trained tensors before they are saved: without it an adapter that starts at zero, or weights
that were never trained, look the same whether they were saved or not."""


@dataclass(frozen=True)
class RoundTrip:
    """A model before saving and after loading.

    Attributes:
        change: Largest difference of a logit at attended places.
        size: Largest logit.
        agreement: Share of attended places with the same most probable token.
        unsaved: What the loaded model gives, if not the trained one: the change of its logits against the model without
            the noise; 0 where the trained weights were not saved at all.
    """

    change: float
    size: float
    agreement: float
    unsaved: float


def change_of_earlier_logits(live: Live) -> tuple[float, float, int] | None:
    """Change the last attended token of a row and compare the logits of its first half.

    Returns:
        Largest change, largest logit, and how many tokens were compared; `None` without a row to do it on.
    """
    view = next((row for row in mask_view(live).rows if _is_usable(row.attended)), None)
    if view is None:
        return None
    whole = live.batches[view.batch - 1]
    rows = whole["input_ids"].shape[0]
    one = {
        name: value[view.row - 1 : view.row] if isinstance(value, Tensor) and value.shape[:1] == (rows,) else value
        for name, value in whole.items()
    }
    last, half = len(view.attended) - 1, len(view.attended) // 2
    other = one["input_ids"].clone()
    other[0, last] = int(next(token for token in view.ids if token != view.ids[last]))
    with evaluating(live):
        before = live.logits(one)[0, :half].float()
        after = live.logits({**one, "input_ids": other})[0, :half].float()
    return float((before - after).abs().max()), float(before.abs().max()), half


def _is_usable(attended: list[int]) -> bool:
    return len(attended) >= SHORTEST and attended == list(range(len(attended)))


def round_trip(live: Live) -> RoundTrip:
    """Put noise on the trained tensors, save, load, and compare the logits of a few rows."""
    assert live.save is not None
    assert live.load is not None
    batch = first_rows(live)
    with kept(live.model, weights=True), torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        live.model.eval()
        plain = live.logits(batch).float()
        for one in live.trained.values():
            spread = one.float().std(unbiased=False).clamp_min(NUDGE)
            one.add_((torch.randn_like(one.float()) * NUDGE * spread.clamp_max(1.0)).to(one.dtype))
        before = live.logits(batch).float()
        live.save(Path(folder))
        loaded = live.load(Path(folder)).to(live.device)
        loaded.eval()
        after = live.logits(batch, loaded).float()
    visible = batch["attention_mask"].bool() if "attention_mask" in batch else torch.ones_like(batch["labels"]).bool()
    visible = visible.to(before.device)
    change = (before - after)[visible].abs().max()
    agree = (before.argmax(-1) == after.argmax(-1))[visible].float().mean()
    unsaved = (plain - after)[visible].abs().max()
    return RoundTrip(float(change), float(before[visible].abs().max()), float(agree), float(unsaved))
