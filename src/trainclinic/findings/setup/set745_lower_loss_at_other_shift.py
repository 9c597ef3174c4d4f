"""The model's loss is that of labels shifted wrongly.

## What it sees
A list of losses by label shift in which shift 1 is not the lowest, or in which the model's own loss equals the loss
at another shift while shift 1 is lower.

## Why it matters
A language model predicts the next token: shift 1. A model that is trained on shift 2 predicts the token after the
next, and one on shift 0 copies what it sees.

## What it does not mean
It says nothing about the model, its size or the learning rate: the same weights have the lower loss already.

## Example
`shift 1: 3.61, shift 2: 9.23, model loss 9.23`

## Check it by hand
Compute the cross-entropy of one batch for labels shifted by 0, 1 and 2, and compare with `model(...).loss`.

## References
- https://github.com/huggingface/transformers/pull/47090
- https://github.com/huggingface/transformers/issues/3711
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.measured import Measured

NEAR = Threshold(
    "relative distance of the model's loss from that of a shift", 0.02, "1", "both average the same tokens"
)
OWN = ("model", "model.loss", "loss of the model", "trainer", "own", "reported")


def check(run: Measured) -> Verdict:
    """Look for losses by shift, and for the loss of the model beside them."""
    losses = {dict(result.settings).get("case", "").lower(): result for result in run.record.results}
    shifts = {case.removeprefix("shift "): result for case, result in losses.items() if case.startswith("shift ")}
    if "1" not in shifts or len(shifts) < 2:
        return NotEvaluated(missing="the loss of one batch for labels shifted by 0, 1 and 2")
    values = {shift: result.values[0][1] for shift, result in shifts.items()}
    shown = tuple(
        Evidence(f"shift {shift}: loss {number(values[shift])}", shifts[shift].source) for shift in sorted(shifts)
    )
    own = next((losses[case] for case in OWN if case in losses), None)
    if own is not None:
        loss = own.values[0][1]
        nearest = min(values, key=lambda shift: abs(values[shift] - loss))
        shown = (Evidence(f"the model's own loss is {number(loss)}, that of shift {nearest}", own.source), *shown)
        if abs(values[nearest] - loss) > NEAR.value * abs(loss):
            return NotEvaluated(missing="a loss of the model on the batch whose shifts were compared")
        return Absent(shown) if nearest == "1" else Present(shown)
    lowest = min(values, key=lambda shift: values[shift])
    if lowest == "1":
        return NotEvaluated(
            missing="the loss of the model itself on that batch: sound weights have the lowest loss at shift 1"
        )
    return Present(shown)


RULE = Rule(
    code="SET745",
    slug="lower-loss-at-other-shift",
    severity=Severity.HARMFUL,
    needs=("results",),
    check=check,
    thresholds=(NEAR,),
    since="0.2",
)
