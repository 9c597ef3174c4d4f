"""The evaluation loss is another one after saving and loading.

## What it sees
An evaluation loss measured before the weights were saved and one after they were loaded again (two files, two runs,
or one line of a report) that differ.

## Why it matters
What was trained is not what was saved, or not what is loaded. The loaded model is the one that will be used.

## What it does not mean
It does not mean that training was bad: the model in memory was good. A difference in the third digit is a different
dtype or batch size.

## Example
`eval_before_save.json` has 1.02, `eval_after_reload.json` has 1.39.

## Check it by hand
Compare the names and hashes of the trained tensors in memory with those in the file.

## References
- https://github.com/artidoro/qlora/issues/214
- https://github.com/huggingface/transformers/issues/45127
"""

from __future__ import annotations

import math

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.measured import Measured

MISSING = "the evaluation loss in memory after training and after loading the saved weights"
APART = Threshold("relative difference", 0.02, "1", "another dtype or batch size changes the third digit")


def check(run: Measured) -> Verdict:
    """Look for a line that gives both, then for two runs whose names say which is which."""
    events = [event for event in run.record.events_of("loss-at-reload") if event.value is not None]
    if events:
        event = max(events, key=lambda e: abs((e.value or 1.0) - 1.0))
        ratio = event.value or 1.0
        shown = (Evidence(f"the loss is {number(ratio, 3)} times the one before: {event.says}", event.source),)
        return Present(shown) if abs(ratio - 1.0) >= APART.value else Absent(shown)
    pairs = [pair for pair in run.pairs if "reload" in pair.factors and not pair.conflict]
    pairs = [pair for pair in pairs if math.isfinite(pair.one.first) and math.isfinite(pair.other.first)]
    if not pairs:
        return NotEvaluated(missing=MISSING)
    pair = pairs[0]
    evidence = tuple(
        Evidence(f"`{arm.name}`: loss {number(float(arm.values[-1]))}", arm.loss.source(-1))
        for arm in (pair.one, pair.other)
    )
    apart = abs(float(pair.one.values[-1]) / float(pair.other.values[-1]) - 1.0) if pair.other.values[-1] else math.inf
    return Absent(evidence) if apart < APART.value else Present(evidence)


RULE = Rule(
    code="CMP957",
    slug="eval-loss-changed-by-reload",
    severity=Severity.HARMFUL,
    needs=("eval/loss", "another run of the folder", "events: loss-at-reload"),
    check=check,
    thresholds=(APART,),
    since="0.2",
)
