"""The learning rate does not go on where it was when the run is resumed.

## What it sees
At a resume the learning rate, which had begun to fall, stands 5 % higher than in the last row before; or it drops below
half and rises again, a second warm-up; or it is exactly 0 from there on.

## Why it matters
The schedule was built anew, or counts from another step. A second peak can undo what the decay had settled; a rate of 0
trains nothing, however long the run goes on.

## What it does not mean
It says nothing about weights and moments: they may have been restored correctly. Someone who sets a new rate for a
second stage of training on purpose sees the same.

## Example
`2.5e-05 in the last row before, 4.79e-05 in the first row after`

## Check it by hand
Print `scheduler.last_epoch` right after the resume and compare it with the step of the checkpoint.

## References
- https://github.com/huggingface/transformers/issues/23099
- `torch.optim.lr_scheduler`: a scheduler without its own `state_dict` starts again at its first step
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.measured import Measured
from trainclinic.signals.resume_rate import DROPPED, RISEN

HIGHER = Threshold("rate after over before", RISEN, "1", "a falling schedule never gives a higher next value")
LOWER = Threshold("first rate of a second warm-up over before", DROPPED, "1", "skipped steps move a rate by far less")
WORDS = {
    "back-up": "it had begun to fall, and is higher again",
    "warm-up-again": "it begins a second warm-up",
    "zero": "it stays 0",
    "goes-on": "it goes on",
}


def check(run: Measured) -> Verdict:
    """Compare the rate on both sides of each resume."""
    rates = run.resume_rates
    if rates is None:
        return NotEvaluated(missing="a resume with a learning rate logged on both sides of it")
    told = [
        Evidence(
            f"learning rate is {number(rate.after)} at {run.record.axis} {rate.step} after the resume, "
            f"{number(rate.before)} before it: {WORDS[rate.change]}",
            rate.source,
            rate.step,
            "train/learning_rate",
        )
        for rate in rates
    ]
    restarts = tuple(item for item, rate in zip(told, rates, strict=True) if rate.change != "goes-on")
    return Present(restarts[:5]) if restarts else Absent(tuple(told[:5]))


RULE = Rule(
    code="SCH310",
    slug="learning-rate-restart-after-resume",
    severity=Severity.NOTE,
    needs=("train/learning_rate", "events: resume"),
    check=check,
    thresholds=(HIGHER, LOWER),
    since="0.2",
)
