"""The model gives other logits after saving and loading.

## What it sees

The logits of a few rows before saving and after loading, dropout off. A little noise is put on every trained tensor
first, so that what was not saved shows: an adapter that starts at zero answers like its base. Weights are put back.

## Why it matters

The model that people will use is the loaded one. Trained embeddings that were left out, an output layer that is tied
again, an adapter for another base: each of them loses hours of training at the last moment.

## What it does not mean

A loaded model of another type (bfloat16 instead of float32) rounds differently; only differences beyond that count.

## Example

Embeddings were trained with an adapter and not saved: logits differ by 4.1 after loading, and 31 % of the most probable
tokens are others.

## Check it by hand

Compute `logits` of one batch, save, load into a new object, compute again and compare. This probe answers the deciding
test `loss-before-save-and-after-load`.

## References

- https://huggingface.co/docs/peft/developer_guides/checkpoint (what an adapter file holds)
- https://github.com/huggingface/peft/issues/1300 (new tokens with an adapter)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.probes.rule import Cost, probe

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

EXACT = Threshold("relative difference of logits", 1e-4, "1", "float32 sums in another order differ by some 1e-6")
ROUNDED = Threshold("relative difference of logits", 0.05, "1", "bfloat16 rounds at 0.4 %, which adds up over layers")


def look(live: Live) -> Verdict:
    """Save, load and compare."""
    if live.save is None or live.load is None:
        return NotEvaluated("how the run saves and loads its model (`save`, `load`)")
    if not live.trained:
        return NotEvaluated("a tensor that is trained")
    from trainclinic.probes.comparing import round_trip

    found = round_trip(live)
    limit = ROUNDED if live.is_low_precision else EXACT
    seen = Evidence(
        f"logits differ by {number(found.change)} at most after saving and loading (largest logit {number(found.size)})"
    )
    agree = Evidence(f"{percent(found.agreement)} of the most probable tokens are the same")
    if found.change <= limit.value * found.size:
        return Absent((seen, agree))
    is_untrained = found.unsaved <= limit.value * found.size
    means = "What was loaded is the model before training: nothing that was trained was saved" if is_untrained else ""
    return Present((seen, agree), means)


RULE = probe(
    code="PRB501",
    slug="answers-changed-by-saving",
    severity=Severity.HARMFUL,
    question="Does the saved model answer like the trained one?",
    needs=("logits", "save", "load"),
    look=look,
    cost=Cost.STEPS,
    thresholds=(EXACT, ROUNDED),
)
