"""The first loss is where an intact pretrained model starts.

## What it sees
The first loss lies within the known range of the named model, half a nat of margin above it; for a model without an
entry, between 0.5 and 4.5 nats per token. Where the filter of non-finite losses has distorted the first row, the loss
behind it is compared. Absent when the first value is far outside, exactly 0 or not finite before any update.

## Why it matters
One number tests much at once: the weights are loaded, the tokenizer and the template fit, targets are shifted once, and
the loss is a mean over the right tokens. What breaks the run later arises later.

## What it does not mean
It does not exclude faults that leave the first loss alone: frozen weights, a wrong learning rate, NaN from the first
update, a stop token that is not trained. For models from scratch and for other objectives the range means nothing.

## Example
`{"step": 1, "loss": 1.42}` for a LoRA of Llama 2 7B, which starts at 0.7-2.6.

## Check it by hand
Compute the loss of the untouched base model on one batch of your data, outside your training script.

## References
- The table with all sources: `signals/reference_losses.json`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.findings.loss_levels import not_a_token_loss
from trainclinic.signals.first_value import MARGIN, PLAUSIBLE
from trainclinic.signals.measured import Measured

if TYPE_CHECKING:
    from trainclinic.signals.first_value import FirstValue

EXCESS = Threshold("excess over the known start", MARGIN, "nats", "foreign text, template tokens and short windows")
LEAST = Threshold("least without a known start", PLAUSIBLE[0], "nats", "code, tables and templates begin at 0.4-0.5")
MOST = Threshold("most without a known start", PLAUSIBLE[1], "nats", "small models on foreign text reach 4-5")


def check(run: Measured) -> Verdict:
    """Compare the first value with where such a model starts."""
    if refusal := not_a_token_loss(run):
        return refusal
    if run.objective.started_from == "scratch":
        return NotEvaluated(missing="a pretrained model to compare with; this run starts from fresh weights")
    first = run.first_value
    if first is None:
        return NotEvaluated(missing="a loss from the beginning of the run")
    name = "evaluation loss" if first.series == "eval/loss" else "loss"
    what = f"{name} is {number(first.value)} at {run.record.axis} {first.step}"
    if first.kind in {"zero", "not-finite"}:
        wrong = first.before_update and run.objective.kind != "rl"
        return Absent((_evidence(first, what),)) if wrong else NotEvaluated(missing="a finite loss in the first row")
    if first.kind == "distorted":
        what += f", with {number(first.loss)} behind it"
    if first.kind == "norm-not-finite":
        what = f"loss is {number(first.loss)} at {run.record.axis} {first.step}"
    evidence = (_evidence(first, f"{what}; {first.compared}"),)
    if first.level == "open":
        return NotEvaluated(missing="the name of the pretrained model, to compare the first loss with")
    return Present(evidence) if first.level == "plausible" else Absent(evidence)


def _evidence(first: FirstValue, says: str) -> Evidence:
    return Evidence(says, first.source, first.step, first.series)


RULE = Rule(
    code="LOS224",
    slug="plausible-first-loss",
    severity=Severity.NOTE,
    needs=("train/loss", "eval/loss", "model_name"),
    check=check,
    thresholds=(EXCESS, LEAST, MOST),
    since="0.2",
)
