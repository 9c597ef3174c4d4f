"""The loss scaler refuses gradients in float16.

## What it sees
"Attempting to unscale FP16 gradients" in the log.

## Why it matters
Mixed precision needs trained parameters in float32: the scaler divides their gradients and cannot do so in float16. The
error ends the run at the first optimizer step, so nothing was learned.

## What it does not mean
The model, the data and the learning rate have no part in it. Switching `fp16` off only removes the check: the
parameters stay in float16, and the loss then turns into NaN or 0 after a step or two.

## Example
`ValueError: Attempting to unscale FP16 gradients.`

## Check it by hand
`{p.dtype for p in model.parameters() if p.requires_grad}` should be `{torch.float32}`.

## References
- https://github.com/huggingface/peft/issues/1706
- https://github.com/huggingface/transformers/issues/23165
- https://docs.pytorch.org/docs/stable/amp.html
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.findings.library_warnings import told
from trainclinic.signals.measured import Measured

WENT_ON = Threshold(
    "training-loss rows beside the error",
    3,
    "rows",
    "the error comes at the first optimizer step; rows beside it belong to another launch in the same file",
)


def check(run: Measured) -> Verdict:
    """Find the error; rows of a run that trained show that the scaler did not object."""
    evidence = told(run, "gradient-unscale-refused", most=1)
    loss = run.train_loss
    rows = 0 if loss is None else len(loss.finite())
    if evidence:
        another = rows >= WENT_ON.value
        means = "Rows of a launch that went on stand beside it." if another else ""
        settle = "the dtype of the trainable parameters"
        return Present(evidence, means=means, settle=settle, severity=Severity.WARNING if another else None)
    if rows:
        return Absent((Evidence(f"{count(rows, 'training-loss row')} and no such error"),))
    return NotEvaluated(missing="the console output of the run, or rows of its training")


RULE = Rule(
    code="SET723",
    slug="float16-gradient-unscale-error",
    severity=Severity.HARMFUL,
    needs=("events: gradient-unscale-refused", "train/loss"),
    check=check,
    thresholds=(WENT_ON,),
    since="0.2",
)
