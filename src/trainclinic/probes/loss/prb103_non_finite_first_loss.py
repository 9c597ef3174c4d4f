"""The loss is NaN or infinite before any update.

## What it sees

The path's own loss of the first batches with targets, dropout off, before anything was trained.

## Why it matters

No update follows from such a loss, or one that destroys every weight. Trainers may log it as 0.0 or leave it out of a
mean, so that the log looks calm.

## What it does not mean

It does not mean that the learning rate is too high: nothing was updated. One batch of several points to its rows; all
of them point to weights, precision or attention.

## Example

2 of 8 batches have the loss NaN: in both a row begins with padding that attention cannot see.

## Check it by hand

Print `model(**batch).loss` for the batch, then again with the model in float32. This probe answers a part of the
deciding test `same-batch-in-float32`.

## References

- https://github.com/huggingface/transformers/pull/13619 (`logging_nan_inf_filter`)
- https://docs.pytorch.org/docs/stable/amp.html (ranges of half precision)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Absent, Evidence, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.probes.rule import SHOWN, Cost, probe

if TYPE_CHECKING:
    from trainclinic.probes.live import Live


def look(live: Live) -> Verdict:
    """Look for losses that are not finite."""
    losses = live.first_losses
    bad = [(at, loss) for at, loss in enumerate(losses, start=1) if not math.isfinite(loss)]
    seen = Evidence(f"{len(bad)} of {len(losses)} first losses are not finite")
    if not bad:
        return Absent((seen,))
    places = ", ".join(f"{number(loss)} for batch {at} of those with targets" for at, loss in bad[:SHOWN])
    weights = [name for name, one in live.model.named_parameters() if _has_bad(one)]
    return Present((seen, Evidence(places), Evidence(f"{len(weights)} weight tensors are not finite themselves")))


def _has_bad(tensor: object) -> bool:
    import torch

    return isinstance(tensor, torch.Tensor) and tensor.is_floating_point() and not bool(torch.isfinite(tensor).all())


RULE = probe(
    code="PRB103",
    slug="non-finite-first-loss",
    severity=Severity.HARMFUL,
    question="Is the first loss finite?",
    needs=("the path's own loss",),
    look=look,
    cost=Cost.FORWARD,
)
