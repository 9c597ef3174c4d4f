"""Losses of rows under a model, and what padding does to it.

Only logits that predict an answer are kept, a few rows at a time, so that a large vocabulary needs no large memory. It
judges nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from trainclinic.encoding.encoded import IGNORED
from trainclinic.validation.tested import Losses

if TYPE_CHECKING:
    import torch

    from trainclinic.validation.texts import Row

TOKENS_AT_ONCE = 1024
"""Padded tokens of a forward pass: 0.6 GB of float32 logits for a vocabulary of 150,000."""
FEWEST_TARGETS = 50
"""Tokens of answers below which their frequencies are hardly known."""
PADDED_BY = 7
"""Padding tokens before a row that must not change its logits."""
Told = Callable[[int, int], None]


def losses_of(model: Any, rows: Sequence[Row], ends: frozenset[int], *, told: Told | None = None) -> Losses:
    """Losses of the answers of rows.

    The loss of a token is its negative log-probability; the end of an answer is left out of the sum, because templates
    end differently, and measured apart as the probability of any end token.

    Args:
        model: In evaluation mode.
        rows: Ids and labels.
        ends: Ids that end an answer.
        told: Told how many rows are done, and how many there are.
    """
    sums = np.zeros(len(rows))
    tokens = np.zeros(len(rows), dtype=np.int64)
    at_end = np.full(len(rows), np.nan)
    finite = True
    for places in _batches(rows):
        logits = _logits(model, [rows[at] for at in places])
        for row_logits, at in zip(logits, places, strict=True):
            row = rows[at]
            scored = np.flatnonzero(row.labels[1:] != IGNORED)
            chosen = row_logits[scored].float().log_softmax(-1).cpu()
            finite = finite and bool(chosen.isfinite().all())
            targets = row.labels[1:][scored]
            content = ~np.isin(targets, list(ends))
            picked = chosen[np.arange(len(targets)), targets].double().numpy()
            sums[at], tokens[at] = -picked[content].sum(), content.sum()
            if len(targets) and not content[-1]:
                at_end[at] = float(chosen[-1][sorted(ends)].exp().sum())
        if told is not None:
            told(len(places), len(rows))
    return Losses(sums, tokens, at_end, finite)


def text_losses(model: Any, passages: Sequence[Sequence[int]]) -> Losses:
    """Losses of plain passages, every token but the first.

    Args:
        model: In evaluation mode.
        passages: Token ids of each.
    """
    from trainclinic.validation.texts import Row

    rows = [Row(np.array(ids, dtype=np.int64), np.array(ids, dtype=np.int64)) for ids in passages]
    return losses_of(model, rows, frozenset())


def change_by_padding(model: Any, rows: Sequence[Row], pad: int) -> float:
    """Largest change of a logit when padding that attention leaves out stands before a row, as a share of the largest.

    Args:
        model: In evaluation mode.
        rows: A few rows; only their ids are used.
        pad: The id to pad with.
    """
    import torch

    largest = apart = 0.0
    for row in rows:
        ids = torch.from_numpy(row.ids).to(model.device)[None]
        mask = torch.ones_like(ids)
        padded = torch.nn.functional.pad(ids, (PADDED_BY, 0), value=pad)
        masked = torch.nn.functional.pad(mask, (PADDED_BY, 0), value=0)
        positions = (masked.cumsum(-1) - 1).clamp(min=0)
        with torch.no_grad():
            plain = model(input_ids=ids, attention_mask=mask).logits[0, -1].float()
            moved = model(input_ids=padded, attention_mask=masked, position_ids=positions).logits[0, -1].float()
        largest = max(largest, float(plain.abs().max()))
        apart = max(apart, float((plain - moved).abs().max()))
    return apart / largest if largest > 0 else apart


def unigram_entropy(rows: Sequence[Row], ends: frozenset[int]) -> float | None:
    """Loss of a guess by the frequencies of the answer tokens, nats/token; `None` when there are too few to say.

    The plug-in entropy of counts is too low by about (kinds - 1) / 2n (Miller 1955), which is added.

    Args:
        rows: Ids and labels.
        ends: Ids that end an answer, which are left out.
    """
    targets = np.concatenate([row.labels[1:][row.labels[1:] != IGNORED] for row in rows]) if rows else np.zeros(0)
    targets = targets[~np.isin(targets, list(ends))]
    if len(targets) < FEWEST_TARGETS:
        return None
    _, counts = np.unique(targets, return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum() + (len(counts) - 1) / (2 * len(targets)))


def _batches(rows: Sequence[Row]) -> Iterator[list[int]]:
    """Places of rows of similar length, so that little is padded."""
    batch: list[int] = []
    for at in sorted(range(len(rows)), key=lambda place: len(rows[place].ids)):
        if batch and (len(batch) + 1) * len(rows[at].ids) > TOKENS_AT_ONCE:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def _logits(model: Any, rows: Sequence[Row]) -> list[torch.Tensor]:
    """Logits of each row without its last token, `[tokens - 1, vocabulary]`; rows are filled up on the right."""
    import torch

    longest = max(len(row.ids) for row in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for at, row in enumerate(rows):
        ids[at, : len(row.ids)] = torch.from_numpy(row.ids)
        mask[at, : len(row.ids)] = 1
    with torch.no_grad():
        logits = model(input_ids=ids.to(model.device), attention_mask=mask.to(model.device), use_cache=False).logits
    return [logits[at, : len(row.ids) - 1] for at, row in enumerate(rows)]
