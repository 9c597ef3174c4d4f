"""The first value is already wrong, before the weights were changed.

## What it sees
A value that was computed on the weights as loaded (an evaluation at step 0, the row of step 0 or 1, a first row at
learning rate 0, a first window whose mean is exactly 0) and that is not finite, exactly 0, or outside what the
pretrained model can score.

## Why it matters
Nothing was learned or unlearned yet. The optimizer, its precision, the learning rate and the schedule have taken no
part in this value, so they cannot be at fault. What is left is what a first forward and backward pass uses: weights,
kernels, masks, tokens, targets and the loss itself.

## What it does not mean
It does not say which of them. An infinite gradient norm in the first steps of a float16 run is its scaler at work, and
not counted. A first row of a longer window is counted only where no update can explain it.

## Example
`{"loss": 21.77, "grad_norm": 1.7320508075688772, "learning_rate": 0.0}` as the row of step 1.

## Check it by hand
Load the model, take the first batch, and compute the loss once with `torch.no_grad()`: the value must be the same.

## References
- https://github.com/hiyouga/LlamaFactory/issues/9567
- `transformers.Trainer`: with `logging_nan_inf_filter` a first window without any finite loss is logged as 0.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.first_value import IMPLAUSIBLE, MARGIN
from trainclinic.signals.measured import Measured

if TYPE_CHECKING:
    from trainclinic.signals.first_value import FirstValue

EXCESS = Threshold("excess over the known start", MARGIN, "nats", "foreign text, template tokens and short windows")
NEVER = Threshold("first loss of an unknown start", IMPLAUSIBLE, "nats", "above the frequency table of word pieces")
WINDOW = NotEvaluated(missing="a value from before the first update (`logging_first_step`, or an evaluation at step 0)")
NAMES = {"train/loss": "loss", "eval/loss": "evaluation loss", "train/grad_norm": "gradient norm"}


def check(run: Measured) -> Verdict:
    """Ask whether the first value is wrong, and whether an update can have made it so."""
    first = run.first_value
    if first is None:
        missing = "`train/loss`" if run.train_loss is None and run.eval_loss is None else "the beginning of the run"
        return NotEvaluated(missing=missing)
    if first.kind == "zero" and run.objective.kind == "rl":
        return NotEvaluated(missing="a loss whose zero means something: in policy training it is 0 by construction")
    what = f"{NAMES[first.series]} is {number(first.value)} at {run.record.axis} {first.step}"
    if first.kind in {"zero", "not-finite", "norm-not-finite"}:
        return _wrong(first, what) if first.before_update else WINDOW
    if first.kind == "distorted":
        return _behind_the_filter(first, what)
    if first.level in {"too-high", "too-low"}:
        wrong = first.before_update or _cannot_be_made(run, first)
        return _wrong(first, f"{what}, where {first.compared}") if wrong else WINDOW
    broken = run.broken_rows
    if first.series == "eval/loss" and broken is not None and broken.last_good is None:
        return WINDOW
    if first.level == "plausible":
        return Absent((_evidence(first, f"{what}, and {first.compared}"),))
    breaks_later = broken is not None or (run.zero_rows is not None and run.zero_rows.runs)
    if breaks_later and first.loss <= IMPLAUSIBLE:
        return Absent((_evidence(first, f"{what}: the first value is finite, later ones are not"),))
    return NotEvaluated(missing="the name of the pretrained model, to compare the first loss with")


def _wrong(first: FirstValue, says: str) -> Present:
    why = Evidence(first.because) if first.because else None
    evidence = _evidence(first, says)
    return Present((evidence,) if why is None else (evidence, why))


def _behind_the_filter(first: FirstValue, what: str) -> Verdict:
    """The logged row is an artefact: of a NaN within the first step, or after finite losses that are solved for."""
    if first.before_update:
        return _wrong(first, f"{what}, where the filter of non-finite losses has replaced a part of its micro-batches")
    if first.loss != first.loss:
        return Absent((_evidence(first, f"{what}, made by the filter of non-finite losses from finite first losses"),))
    says = (
        f"{what}, made by the filter of non-finite losses; the first finite losses are {number(first.loss)} on average"
    )
    return Absent((_evidence(first, says),))


def _cannot_be_made(run: Measured, first: FirstValue) -> bool:
    """Whether a window mean is wrong from its beginning: one that was ruined inside would not fall after it."""
    rows = run.loss_rows
    return rows is not None and len(rows) > 1 and float(rows.value[1]) <= first.value


def _evidence(first: FirstValue, says: str) -> Evidence:
    return Evidence(says, first.source, first.step, first.series)


RULE = Rule(
    code="NUM119",
    slug="wrong-value-before-first-update",
    severity=Severity.NOTE,
    needs=("train/loss", "eval/loss", "train/grad_norm", "train/learning_rate", "model_name"),
    check=check,
    thresholds=(EXCESS, NEVER),
    since="0.2",
)
