"""The gradient of an update changes when its rows come in micro-batches.

## What it sees

The gradient of up to eight rows, once as one batch and once row by row and added up as training does, dropout off. The
difference is measured relative to the gradient of the whole, over all trained tensors.

## Why it matters

Accumulation is meant to save memory and nothing else. A sum that is not divided makes gradients and logged losses
larger by the number of micro-batches; a mean of means gives short rows a larger say than long ones.

## What it does not mean

Adam and clipping hide a constant factor to a large part: a run may learn well with it. A difference without a factor is
a warning: answers of equal length make it small.

## Example

Row by row the gradient is 8.00 times that of the batch: the model takes the count of targets and ignores it.

## Check it by hand

Compare the gradients of one batch of eight rows with those of eight batches of one. This probe answers the deciding
test `accumulation-one`.

## References

- https://huggingface.co/blog/gradient_accumulation (the fault and its repair)
- https://github.com/huggingface/transformers/issues/37197 (a model that ignores the count)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.probes.rule import Cost, probe

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

SAME = Threshold("relative difference", 0.02, "1", "float32 and TF32 sums in another order differ by less than 0.5 %")
ROUNDED = Threshold("relative difference", 0.15, "1", "half precision rounds each micro-batch; seen up to 3 %")
FACTOR = Threshold("ratio of norms", 1.5, "1", "a mean of means changes the norm by less")


def look(live: Live) -> Verdict:
    """Compare the gradient of a batch with that of its rows."""
    if not live.trained:
        return NotEvaluated("a tensor that is trained")
    if live.accumulation <= 1 and not live.takes_items:
        return NotEvaluated("micro-batches: an update of this run is one batch")
    from trainclinic.probes.accumulating import accumulate

    found = accumulate(live)
    if found is None:
        return NotEvaluated("a batch of two rows with targets or more, or `rows` with `collate`")
    if not found.difference < float("inf"):
        return NotEvaluated("a finite gradient other than 0")
    limit = ROUNDED if live.is_low_precision else SAME
    seen = Evidence(
        f"the gradient of {found.rows} rows one by one differs by {percent(found.difference)} from that of one batch; "
        f"its norm is {number(found.ratio)} times as large"
    )
    counts = Evidence(f"targets by row: {', '.join(map(str, found.targets))}")
    if found.difference <= limit.value:
        return Absent((seen, counts))
    is_factor = not 1 / FACTOR.value < found.ratio < FACTOR.value
    means = "" if is_factor else "Rows get another weight than in one batch, without a factor on the whole"
    return Present((seen, counts), means, severity=None if is_factor else Severity.WARNING)


RULE = probe(
    code="PRB402",
    slug="gradient-differing-with-accumulation",
    severity=Severity.HARMFUL,
    question="Is the gradient of eight rows the same in one batch and in eight?",
    needs=("the path's own loss", "gradients", "rows or a batch of several"),
    look=look,
    cost=Cost.STEPS,
    thresholds=(SAME, ROUNDED, FACTOR),
)
