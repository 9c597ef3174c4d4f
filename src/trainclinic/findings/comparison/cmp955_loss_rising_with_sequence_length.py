"""The first loss rises with the length of the sequences.

## What it sees
A table of first losses by sequence length, or runs of one folder that differ in length alone, in which the longest
sequences have a much higher loss than the shortest.

## Why it matters
More context makes text easier to predict, so the mean loss falls with length. A loss that jumps at some length shows
that positions are wrong there: an offset of a split sequence, or lengths that the model was never made for.

## What it does not mean
It does not mean that long texts are harder or noisier: such differences are far smaller, and have no jump.

## Example
`1024,2.1` beside `2048,5.2`.

## Check it by hand
Compute the loss of the first 512 tokens of one long text with inputs of 512, 2048 and 8192 tokens: it must not
change.

## References
- https://github.com/alibaba/Pai-Megatron-Patch/issues/300
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.measured import Measured
from trainclinic.signals.result_pairs import losses_by_length

MISSING = "the loss before the first update for several sequence lengths"
RISE = Threshold(
    "loss at the longest over loss at the shortest", 1.3, "1", "texts differ by some per cent, not by a third"
)
HIGH = Threshold("the same, beyond doubt", 1.6, "1", "a whole nat more: the model reads past its positions")


def check(run: Measured) -> Verdict:
    """Look at losses by length, in a table or over the runs of the folder."""
    points = losses_by_length(run)
    if len(points) < 2:
        return NotEvaluated(missing=MISSING)
    shortest, longest = points[0], points[-1]
    ratio = longest.loss / shortest.loss
    evidence = tuple(
        Evidence(f"length {number(point.length)}: loss {number(point.loss)}", point.source)
        for point in ((*points[:3], longest) if len(points) > 3 else points)
    )
    if ratio < RISE.value:
        return Absent(evidence)
    return Present(evidence, severity=None if ratio >= HIGH.value else Severity.WARNING)


RULE = Rule(
    code="CMP955",
    slug="loss-rising-with-sequence-length",
    severity=Severity.HARMFUL,
    needs=("results", "train/loss", "sequence_length", "another run of the folder"),
    check=check,
    thresholds=(RISE, HIGH),
    since="0.2",
)
