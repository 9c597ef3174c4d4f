"""The gradient norm becomes exactly 0 where a checkpoint is saved.

## What it sees
Gradient norms above 0, then a save, then exact zeros to the end of the log (three rows at least): a checkpoint, or a
multiple of the configured `save_steps`, lies between the last good row and the first zero, and saves are so rare that
this is no chance.

## Why it matters
Nothing about data or learning rate changes at a save. What changes is the model object: a save path that merges,
converts or reloads adapters can leave them frozen, and from there on the run trains nothing.

## What it does not mean
It does not say that the checkpoint is bad: it holds what was learned until then. The loss may look healthy for long,
because frozen weights keep their level.

## Example
`save_steps 200; step 200 grad_norm 0.85; step 210 grad_norm 0.0, and 0.0 in every later row`

## Check it by hand
Count the parameters with `requires_grad` before and after one call of the save function.

## References
- https://github.com/modelscope/ms-swift/pull/9452
"""

from __future__ import annotations

from itertools import pairwise

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.measured import Measured

LASTING = Threshold("zeros to the end", 3, "rows", "batches without a target give isolated zeros")
RARE = Threshold(
    "steps between saves over steps between rows", 4.0, "1", "at denser saves every onset lies beside one of them"
)


def check(run: Measured) -> Verdict:
    """Compare the onset of lasting zeros with the saves."""
    found = run.gradients
    if found is None:
        return NotEvaluated(missing="`train/grad_norm`")
    norm, begins = found.norm, found.zero.begins
    if begins < 0 or len(norm) - begins < LASTING.value:
        return Absent((Evidence("no stretch of exact zeros lasts to the end", series="train/grad_norm"),))
    if begins == 0:
        says = "the zeros begin with the first row, before any save"
        return Absent((Evidence(says, norm.source(0), int(norm.step[0]), "train/grad_norm"),))
    if run.record.axis != "step":
        return NotEvaluated(missing="the steps of the rows")
    last_good, first = int(norm.step[begins - 1]), int(norm.step[begins])
    saves = _saves(run, first)
    if not saves:
        return NotEvaluated(missing="the steps of the saves (`save_steps`, or checkpoint folders)")
    there = f"gradient norm is exactly 0 from step {first} to the end, {number(float(norm.value[begins - 1]))} before"
    evidence = Evidence(there, norm.source(begins), first, "train/grad_norm")
    between = [step for step in saves if last_good <= step < first]
    if not between:
        near = min(saves, key=lambda step: abs(step - first))
        return Absent((evidence, Evidence(f"the nearest save is at step {near}", step=near)))
    apart = min((b - a for a, b in pairwise(saves)), default=saves[0])
    if apart < RARE.value * (first - last_good):
        return NotEvaluated(missing="denser rows, or rarer saves: every row lies beside a save")
    return Present((evidence, Evidence(f"a checkpoint was saved at step {between[-1]}", step=between[-1])))


def _saves(run: Measured, until: int) -> list[int]:
    """Steps of saves: seen ones, and the multiples of `save_steps` up to twice `until`."""
    every = int(run.record.facts.number("save_steps") or 0)
    planned = set(range(every, 2 * until + 1, every)) if every > 0 and until < 10_000 * every else set()
    return sorted(planned | {saved.step for saved in run.record.checkpoints if saved.step > 0})


RULE = Rule(
    code="NUM118",
    slug="zero-gradient-norm-from-save",
    severity=Severity.NOTE,
    needs=("train/grad_norm", "save_steps", "checkpoints"),
    check=check,
    thresholds=(LASTING, RARE),
    since="0.2",
)
