"""The loss of the training path is that of another token than the next one.

## What it sees

The cross-entropy of the logits against the labels 0, 1, 2 and 3 tokens ahead, beside the loss that the training path
returns for the same rows, dropout off. The path is right when its loss is that at offset 1, the next token.

## Why it matters

At offset 2 the model learns the token after the next one: its loss starts near or above that of a table of word
frequencies and comes to rest there, and what it writes is a salad of words. At offset 0 it learns to copy the token it
has just read: the loss falls to nothing, and the answers repeat one token.

## What it does not mean

Where labels are shifted (in the batch or in the loss) is a matter of taste: once, in one of the two places, is right. A
high first loss alone says nothing about offsets.

## Example

A loader returns `x = ids[:-1]` and `y = ids[1:]`, and the model shifts `labels` once more: its own loss is 9.23, that
at offset 1 is 3.61, that at offset 2 is 9.23.

## Check it by hand

Compute `F.cross_entropy(logits[:, :-k].flatten(0, 1), ids[:, k:].flatten())` for `k = 1` and `k = 2` and compare with
`model(ids, labels=labels).loss`. This probe answers the deciding test `label-shift`.

## References

- https://huggingface.co/docs/transformers/model_doc/gpt2 (`labels` are shifted inside the model)
- https://github.com/huggingface/transformers/pull/46898 (labels shifted twice in a released model)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.probes.rule import Cost, probe

if TYPE_CHECKING:
    from trainclinic.probes.live import Live
    from trainclinic.probes.offsets import Offsets

RIGHT = 1
NEAR = Threshold("relative distance", 0.01, "1", "rounding of half precision and fused losses stays below it")
APART = Threshold("ratio of distances", 4.0, "1", "the next best offset must be this much further away")
_MEANS = {
    0: "Labels are not shifted at all: each position is trained to repeat the token it reads",
    2: "Labels are shifted twice: each position is trained on the token after the next one",
    3: "Labels are shifted three times: each position is trained on the third token ahead",
}


def look(live: Live) -> Verdict:
    """Say at which offset the path's own loss lies."""
    seen = live.offsets
    if seen.ahead is None:
        return NotEvaluated("labels that are the token ids of the same rows at some distance")
    if not math.isfinite(seen.own):
        return NotEvaluated(f"a finite loss of the training path; it is {number(seen.own)}")
    said = ", ".join(f"{number(value)} at {offset}" for offset, value in enumerate(seen.at) if math.isfinite(value))
    evidence = (
        Evidence(f"the training path returns {number(seen.own)} nats per target ({seen.targets:,} targets)"),
        Evidence(f"loss by label offset: {said}"),
        Evidence(f"labels are {seen.ahead} ahead of the token ids in the batch"),
    )
    best = _best(seen)
    if best is None:
        own = number(seen.own)
        return NotEvaluated(f"a path whose loss is a mean cross-entropy at one offset; it is {own}, they have {said}")
    return Absent(evidence) if best == RIGHT else Present(evidence, _MEANS[best])


def _best(seen: Offsets) -> int | None:
    """The offset whose loss is the path's own, clearly nearer than any other."""
    distances = sorted((seen.distance(offset), offset) for offset in range(len(seen.at)))
    nearest, offset = distances[0]
    is_near = nearest <= NEAR.value * max(abs(seen.own), 0.05)
    return offset if is_near and distances[1][0] > APART.value * nearest else None


RULE = probe(
    code="PRB101",
    slug="loss-at-another-offset",
    severity=Severity.HARMFUL,
    question="Is the loss of the training path the loss of the next token?",
    needs=("logits", "labels", "the path's own loss"),
    look=look,
    cost=Cost.FORWARD,
    thresholds=(NEAR, APART),
)
