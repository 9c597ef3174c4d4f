"""The loss at label offsets 0 to 3 beside the loss of the training path.

It knows how far a label is ahead of the token that predicts it. It does not know which way of shifting a library has:
labels may be shifted in the batch or in the loss, and both are right once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn import functional

from trainclinic.probes.live import IGNORED, Batch
from trainclinic.probes.step import evaluating

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

OFFSETS = (0, 1, 2, 3)
MOST_TOKENS = 4096
"""Tokens whose logits are held at once."""
AGREE = 0.9
"""Share of labels that must be ids at one distance for the distance to be known."""


@dataclass(frozen=True)
class Offsets:
    """Losses by label offset, in nats per target.

    Attributes:
        own: The loss of the training path.
        at: Mean cross-entropy over all targets with the label `k` tokens ahead of the logits, for `k` in 0 to 3; NaN
            where no target has a token that far before it.
        by_row: The same as the mean of the means of rows, which some paths compute.
        ahead: By how many tokens the labels of the batch are ahead of its ids; `None` when they are not its ids.
        targets: Labels that carry a loss.
        whole: Mean cross-entropy of the next token over all attended tokens, prompts included, whatever is scored.
    """

    own: float
    at: tuple[float, ...]
    by_row: tuple[float, ...]
    ahead: int | None
    targets: int
    whole: float

    def distance(self, offset: int) -> float:
        """How far the path's own loss is from the loss at that offset, in nats per target."""
        found = [abs(self.own - value) for value in (self.at[offset], self.by_row[offset]) if value == value]
        return min(found, default=float("inf"))


def measure_offsets(live: Live) -> Offsets:
    """Compute the path's own loss and those at offsets 0 to 3 for some rows of the first batch with targets."""
    batch = first_rows(live)
    labels = batch["labels"]
    ahead = labels_ahead(batch["input_ids"], labels)
    targets = int((labels != IGNORED).sum())
    with evaluating(live):
        own = float(live.loss(batch))
        logits = live.logits(batch)
        labels = labels.to(logits.device)
        whole, _ = loss_at(logits, _every_token(batch).to(logits.device), -1)
        if ahead is None:
            unknown = (float("nan"),) * len(OFFSETS)
            return Offsets(own, unknown, unknown, None, targets, whole)
        means = [loss_at(logits, labels, ahead - offset) for offset in OFFSETS]
    return Offsets(own, tuple(mean for mean, _ in means), tuple(row for _, row in means), ahead, targets, whole)


def _every_token(batch: Batch) -> Tensor:
    """The ids as labels, those that attention cannot see left out: `[rows, tokens]`."""
    ids: Tensor = batch["input_ids"]
    mask = batch.get("attention_mask")
    return ids if mask is None or mask.shape != ids.shape else ids.masked_fill(mask == 0, IGNORED)


def first_rows(live: Live) -> Batch:
    """As many rows of the first batch with targets as logits may be held for; at least one."""
    batch = live.batch
    assert batch is not None  # `Live.unfit` said so
    rows, tokens = batch["input_ids"].shape
    with_targets = (batch["labels"] != IGNORED).any(dim=1).nonzero().flatten()
    chosen = with_targets[: max(1, min(rows, MOST_TOKENS // max(tokens, 1)))]
    return rows_of(batch, chosen)


def rows_of(batch: Batch, chosen: Tensor) -> Batch:
    """Some rows of a batch; what does not have its number of rows stays as it is."""
    rows = batch["input_ids"].shape[0]
    return {
        name: value[chosen.to(value.device)] if isinstance(value, Tensor) and value.shape[:1] == (rows,) else value
        for name, value in batch.items()
    }


def labels_ahead(ids: Tensor, labels: Tensor) -> int | None:
    """By how many tokens labels are ahead of ids.

    Args:
        ids: `[rows, tokens]`.
        labels: `[rows, tokens]`; -100 carries no loss.

    Returns:
        The distance from 0 to 3 at which most labels are the ids, the smaller one of equals; `None` when there is none.
    """
    best, share = None, AGREE
    for distance in OFFSETS:
        given = labels[:, : labels.shape[1] - distance]
        scored = given != IGNORED
        if not bool(scored.any()):
            continue
        agree = float((given == ids[:, distance:])[scored].float().mean())
        if agree > share or (best is None and agree == share):
            best, share = distance, agree
    return best


def loss_at(logits: Tensor, labels: Tensor, place: int) -> tuple[float, float]:
    """Cross-entropy of the logits at `t + place` against the label at `t`.

    Args:
        logits: `[rows, tokens, vocabulary]`.
        labels: `[rows, tokens]`; -100 carries no loss.
        place: Where the logits stand, seen from the label: -1 where the loss shifts labels by one.

    Returns:
        The mean over all targets and the mean of the means of rows, in nats per target; NaN without a target.
    """
    tokens = labels.shape[1]
    first, last = max(0, -place), min(tokens, tokens - place)
    sums, counts = [], []
    for row in range(labels.shape[0]):  # row by row: logits in float32 are large
        if first >= last:
            break
        aimed = labels[row, first:last]
        said = logits[row, first + place : last + place].float()
        sums.append(float(functional.cross_entropy(said, aimed, ignore_index=IGNORED, reduction="sum")))
        counts.append(int((aimed != IGNORED).sum()))
    means = [total / number for total, number in zip(sums, counts, strict=True) if number]
    if not means:
        return float("nan"), float("nan")
    return sum(sums) / sum(counts), sum(means) / len(means)
