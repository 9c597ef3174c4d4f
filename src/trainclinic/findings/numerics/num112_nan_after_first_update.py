"""Values are finite until the first effective update of the weights, and non-finite from then on.

## What it sees
The first non-finite value arises in the step right after the first update with a learning rate above 0, and every later
row is broken too. The step comes from a log of every step, or from the one solution of the logging filter's inversion
(see `nan-filter-inflation`).

## Why it matters
The forward pass worked on the loaded weights, and one update destroyed them. That points to the update itself: the
arithmetic of the optimizer in the precision of the weights, or a sharded optimizer that writes wrong values.

## What it does not mean
It does not point to the data or the prompt format: the first batches gave finite losses. The learning rate is an
unlikely cause too: in float16 an Adam update divides 0 by 0 at any rate, because its epsilon of 1e-8 rounds to 0. It
does not tell such an update from a backward pass that overflowed: either ruins the weights with the first step.

## Example
`step 0: loss 0.03174`, then `step 1: loss nan`.

## Check it by hand
Count the non-finite parameters after exactly one `optimizer.step()`; repeat with `eps=1e-4` or float32 weights.

## References
- https://github.com/huggingface/peft/issues/1706
- https://github.com/deepspeedai/DeepSpeed/issues/5242
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.signals.broken_rows import updates_survived
from trainclinic.signals.measured import Measured

SURVIVED = Threshold("updates that went well", 2, "updates", "the first may have been one at rate 0 that is not logged")
INFERRED = (
    "The inversion assumes that the NaN begins with a step, as it does after a ruined update; a NaN inside the step "
    "before would have come without any effective update."
)
NOT_SURE = NotEvaluated(missing="rows of every step around the first non-finite value (`logging_steps=1`)")


def check(run: Measured) -> Verdict:
    """Count the effective updates before the first non-finite value."""
    if run.train_loss is None and run.record.get("train/grad_norm") is None:
        return NotEvaluated(missing="`train/loss` or `train/grad_norm`")
    onset = run.onset
    if onset is None:
        return Absent((Evidence("every logged training value is finite"),))
    if not onset.persists:
        told = f"finite rows follow the first non-finite value at step {onset.step}"
        return Absent((Evidence(told, onset.source, onset.step, onset.series),))
    if onset.updates is None or onset.exact_step is None:
        return _good_rows_before(run) or NOT_SURE
    fewest, most = onset.updates
    how = "by the inversion of the logged loss, " if onset.inferred else ""
    after = count(most, "effective update") if fewest == most else f"{fewest} or {most} effective updates"
    says = f"{how}the first non-finite value arose in step {onset.exact_step}, after {after}"
    evidence = (Evidence(says, onset.source, onset.step, onset.series),)
    settle = "a count of non-finite parameters after one `optimizer.step()`"
    if onset.inferred:
        return Present(evidence, means=INFERRED, settle=settle, severity=Severity.WARNING) if most == 1 else NOT_SURE
    return Present(evidence, settle=settle) if fewest <= 1 <= most else Absent(evidence)


def _good_rows_before(run: Measured) -> Absent | None:
    """Updates that the good rows before the first broken one survived, where the step of the NaN is open."""
    good = updates_survived(run.broken_rows, run.record.get("train/learning_rate"), run.record.axis)
    broken = run.broken_rows
    if broken is None or good < SURVIVED.value:
        return None
    says = f"{count(good, 'effective update')} or more came before the first bad row, {run.record.axis}"
    return Absent((Evidence(f"{says} {broken.first_step}", broken.source, broken.first_step, broken.series),))


RULE = Rule(
    code="NUM112",
    slug="nan-after-first-update",
    severity=Severity.HARMFUL,
    needs=("train/loss", "train/grad_norm", "train/learning_rate", "warmup_steps"),
    check=check,
    thresholds=(SURVIVED,),
)
