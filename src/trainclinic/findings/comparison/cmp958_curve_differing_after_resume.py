"""A resumed run does not repeat the rows of the uninterrupted one.

## What it sees
A run that went through and one that was resumed, whose rows at the same steps differ.

## Why it matters
A full restore repeats the same batches with the same state, so rows agree to several digits. Rows that differ from
the first on show that data order, optimizer or weights were not restored.

## What it does not mean
Small differences of both signs say that other batches came, not that the model is worse. Non-deterministic kernels
differ in the third digit.

## Example
uninterrupted 1.398, resumed 1.361 at step 210.

## Check it by hand
Resume at an epoch boundary and in the middle of an epoch, and print the indices of the first batches.

## References
- https://github.com/huggingface/accelerate/pull/4071
- https://github.com/EleutherAI/gpt-neox/pull/308
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import percent
from trainclinic.findings.run_pairs import changed_alone, shown
from trainclinic.signals.measured import Measured

MISSING = "an uninterrupted run beside the resumed one, at the same steps"
APART = Threshold("largest relative difference of a row", 0.005, "1", "restored state repeats rows to the third digit")


def check(run: Measured) -> Verdict:
    """Compare the rows of both at the same steps."""
    pairs = changed_alone(run, "resume", MISSING)
    if isinstance(pairs, NotEvaluated):
        return pairs
    pair = pairs[0]
    if not len(pair.shared[0]):
        return NotEvaluated(missing=MISSING)
    says = f"rows at the same steps differ by up to {percent(pair.largest)}"
    evidence = (*shown(pair, "resume"), Evidence(says, pair.one.loss.source(0)))
    return Absent(evidence) if pair.largest < APART.value else Present(evidence)


RULE = Rule(
    code="CMP958",
    slug="curve-differing-after-resume",
    severity=Severity.WARNING,
    needs=("train/loss", "another run of the folder"),
    check=check,
    thresholds=(APART,),
    since="0.2",
)
