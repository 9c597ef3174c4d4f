"""Only the run with several samples per batch fails.

## What it sees
Two runs of one folder that differ in the number of samples per batch alone, of which the one with fewer samples has
valid losses and the other one has not.

## Why it matters
Samples of one batch are padded to one length. A sample alone has no padding, so what fails only in company fails in
padded rows: in their mask, in their positions, or in the kernel that treats them.

## What it does not mean
The learning rate that belongs to the batch size is not the reason: a larger batch has the less noisy gradient.

## Example
`train_bs1.log` is valid throughout; `train_bs2.log` is NaN from step 11 on.

## Check it by hand
Run the rows of the failing batch one by one, and look at which of them are padded in the batch.

## References
- https://github.com/NVIDIA-NeMo/Automodel/issues/1883
- https://github.com/huggingface/transformers/issues/32390
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present, Severity, Verdict
from trainclinic.findings.run_pairs import changed_alone, difference, shown
from trainclinic.signals.measured import Measured

if TYPE_CHECKING:
    from trainclinic.signals.comparisons import Pair

MISSING = "a second run with one sample per batch"
NEVER_APART = 1e9
"""Relative difference that no loss reaches: only a failure counts here."""


def check(run: Measured) -> Verdict:
    """Compare runs whose names or settings give different batch sizes."""
    pairs = changed_alone(run, "batch", MISSING)
    if isinstance(pairs, NotEvaluated):
        return pairs
    told = [pair for pair in pairs if _sizes(pair) is not None]
    broken = [pair for pair in told if pair.one.is_broken or pair.other.is_broken]
    if not broken:
        return NotEvaluated(missing=MISSING)
    for pair in broken:
        mine, theirs = _sizes(pair) or (0, 0)
        larger, smaller = (pair.one, pair.other) if mine > theirs else (pair.other, pair.one)
        if larger.is_broken and not smaller.is_broken:
            said = difference(pair, NEVER_APART)
            return Present((*shown(pair, "batch"), *((said,) if said else ())))
    return Absent(shown(broken[0], "batch"))


def _sizes(pair: Pair) -> tuple[int, int] | None:
    """Samples per batch of both; a run beside one that is called after its single sample has more than one."""
    mine, theirs = pair.factors["batch"]
    if "1" in (mine, theirs) and "" in (mine, theirs):
        mine, theirs = mine or "2", theirs or "2"
    return (int(mine), int(theirs)) if mine.isdecimal() and theirs.isdecimal() else None


RULE = Rule(
    code="CMP968",
    slug="failure-only-in-larger-batches",
    severity=Severity.HARMFUL,
    needs=("train/loss", "another run of the folder", "micro_batch_size"),
    check=check,
    since="0.2",
)
