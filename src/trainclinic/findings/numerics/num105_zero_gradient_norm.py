"""The gradient norm is exactly 0 while the learning rate is not.

## What it sees
Rows of `train/grad_norm` that are exactly 0.0 although a learning rate above 0 is logged (or none is), with norms
printed finely enough that a small one would not round to 0.

## Why it matters
An exact zero means that no gradient reached any trained parameter in that step: nothing is learned there. If every row
is so, the run leaves the weights as they were.

## What it does not mean
It is not a vanishing gradient: that is small, not 0. The learning rate is not too low. With a finite, positive loss the
graph is cut or the trained parameters take no part in it; with a loss of 0 no token was a target. In policy training a
group whose answers all earn the same reward gives 0 by construction.

## Example
`{"loss": 5.64, "grad_norm": 0.0, "learning_rate": 0.0002}` in every row.

## Check it by hand
After `loss.backward()`, list the trainable parameters whose `p.grad` is `None` or all 0.

## References
- https://github.com/modelscope/ms-swift/pull/9452
- https://github.com/huggingface/trl/issues/3857
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.signals.measured import Measured

if TYPE_CHECKING:
    from trainclinic.signals.gradients import Gradients

LASTING = Threshold(
    "zero norms at the end of the log",
    3,
    "rows",
    "single batches without a target give isolated zeros; three rows in a row to the end are a state",
)

WASTED = Threshold(
    "share of zero norms in policy training",
    0.1,
    "1",
    "a few groups earn equal rewards in any run",
)
FALLS = Threshold("fall of the median loss", 0.1, "1", "frozen weights move the loss by batch noise only, 2-5 %")


def check(run: Measured) -> Verdict:
    """Look for exact zeros of the norm."""
    found = run.gradients
    if found is None:
        return NotEvaluated(missing="`train/grad_norm`")
    zero, norm = found.zero, found.norm
    if not zero.rows:
        return Absent((Evidence(f"none of {count(len(norm), 'gradient norm')} is exactly 0 at a rate above 0"),))
    if run.objective.kind == "rl" and zero.rows < WASTED.value * len(norm):
        return Absent(
            (Evidence(f"{zero.rows} of {count(len(norm), 'gradient norm')} are 0, as groups of equal reward"),)
        )
    lasts = zero.begins >= 0 and len(norm) - zero.begins >= LASTING.value
    first = zero.begins if lasts else zero.first
    every = zero.pattern == "every row"
    where = "in every row" if every else "to the end" if lasts else "now and then"
    says = f"gradient norm is exactly 0 from step {norm.step[first]} {where}: {zero.rows} of {count(len(norm), 'row')}"
    evidence = [Evidence(says, norm.source(first), int(norm.step[first]), "train/grad_norm")]
    evidence += _saved_there(run, int(norm.step[first - 1]), int(norm.step[first])) if lasts and first > 0 else []
    return Present(tuple(evidence), means=_means(run, found, lasts=lasts), severity=_severity(run, found, lasts=lasts))


def _saved_there(run: Measured, last_good: int, step: int) -> list[Evidence]:
    """A checkpoint between the last good row and the first zero row: the act of saving can freeze an adapter."""
    return [
        Evidence(f"a checkpoint was saved at step {saved.step}, just before it", saved.source, saved.step)
        for saved in run.record.checkpoints
        if last_good <= saved.step < step
    ][:1]


def _means(run: Measured, found: Gradients, *, lasts: bool) -> str:
    if run.objective.kind == "rl":
        return (
            "In these rows every sampled answer of a group earned the same reward, so there was nothing to learn from."
        )
    if not lasts and found.zero.pattern != "every row":
        return "In these rows no token was a target, or no gradient reached the trained parameters."
    zeros = run.zero_rows
    if zeros is not None and zeros.longest is not None and zeros.longest.reading in ("no-target", "targets-truncated"):
        return "The loss is 0 too: no token of these batches is a target."
    if _learns(found):
        return "The loss falls all the same, so something is learned and the logged norm itself is suspect."
    if found.zero.pattern == "every row":
        return "The loss is positive, so the forward pass works: no trained parameter takes part in it."
    return "Gradients reached the parameters before, and none has since."


def _severity(run: Measured, found: Gradients, *, lasts: bool) -> Severity | None:
    """Harmful when it lasts, a doubt when something speaks against it, a note for single rows."""
    if lasts and run.objective.kind != "rl" and not _learns(found):
        return None
    return Severity.WARNING if lasts or found.zero.pattern == "every row" else Severity.NOTE


def _learns(found: Gradients) -> bool:
    """Whether the loss falls although the norm reads 0 in every row."""
    return found.zero.pattern == "every row" and found.loss_change is not None and found.loss_change < -FALLS.value


RULE = Rule(
    code="NUM105",
    slug="zero-gradient-norm",
    severity=Severity.HARMFUL,
    needs=("train/grad_norm", "train/learning_rate", "train/loss"),
    check=check,
    thresholds=(LASTING, FALLS, WASTED),
)
