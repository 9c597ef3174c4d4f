"""Weights move in float32 storage and stand still in a shorter one.

## What it sees
Rows of results for two storage types of the same weights, with how many elements moved or how far; or runs that
differ in precision alone, of which the float32 one learns and the other stands still.

## Why it matters
A weight of size one in bfloat16 has neighbours 0.0078 away. An update that is smaller than half of that is lost, each
time anew, however many steps are taken.

## What it does not mean
The gradients are right, and a larger learning rate only moves the border. It is no sign of too little capacity or
data.

## Example
`bfloat16 moved 0 of 768` beside `float32 moved 768 of 768`.

## Check it by hand
Keep float32 weights with bfloat16 autocast for a hundred steps, and count the elements that moved.

## References
- https://github.com/NVIDIA/apex/pull/1731
- https://github.com/NVIDIA-NeMo/Automodel/pull/3444
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.findings.run_pairs import changed_alone
from trainclinic.signals.comparisons import Pair
from trainclinic.signals.measured import Measured
from trainclinic.signals.result_pairs import MOVED, result_pairs

ROWS = Threshold("shared rows", 5, "rows", "a fall needs a beginning and an end")
LEAST = Threshold("fall of the float32 run", 0.1, "nats", "less is noise, and a share of noise says nothing")

MISSING = "how many weights moved in float32 storage and in the shorter one, or a second run with float32 weights"
SHARE = Threshold(
    "movement in short storage over that in float32", 0.5, "1", "rounding of a sound update loses per cents"
)
LOW = ("bfloat16", "float16", "fp8")


def check(run: Measured) -> Verdict:
    """Compare results by storage, then the falls of runs that differ in precision."""
    for one, other in result_pairs(run.record.results, "precision", MOVED):
        low, full = (one, other) if one.value in LOW else (other, one)
        if full.value != "float32" or low.value not in LOW or full.loss <= 0:
            continue
        says = f"{low.name} {number(low.loss)} in {low.value}, {number(full.loss)} in float32"
        evidence = (Evidence(says, low.source),)
        return Present(evidence) if low.loss < SHARE.value * full.loss else Absent(evidence)
    pairs = changed_alone(run, "precision", MISSING)
    return pairs if isinstance(pairs, NotEvaluated) else _falls(pairs[0])


def _falls(pair: Pair) -> Verdict:
    low, full = (pair.one, pair.other) if pair.factors["precision"][0] in LOW else (pair.other, pair.one)
    if (
        full.factors.get("precision") != "float32"
        or low.is_broken
        or full.is_broken
        or len(pair.shared[0]) < ROWS.value
    ):
        return NotEvaluated(missing=MISSING)
    falls = [float(arm.first - np.nanmedian(arm.values[-3:])) for arm in (low, full)]
    if falls[1] <= LEAST.value:
        return NotEvaluated(missing="a float32 run whose loss falls")
    says = f"the loss falls by {number(falls[0], 3)} in `{low.name}` and by {number(falls[1], 3)} in `{full.name}`"
    evidence = (Evidence(says, low.loss.source(0)),)
    return Present(evidence, severity=Severity.WARNING) if falls[0] < SHARE.value * falls[1] else Absent(evidence)


RULE = Rule(
    code="CMP959",
    slug="updates-lost-in-low-precision-storage",
    severity=Severity.HARMFUL,
    needs=("results", "train/loss", "weights_dtype", "another run of the folder"),
    check=check,
    thresholds=(SHARE, ROWS, LEAST),
    since="0.2",
)
