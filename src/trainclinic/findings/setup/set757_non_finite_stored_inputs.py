"""Stored inputs hold values that are not finite.

## What it sees
Lines of a check that counts NaN or inf in what is fed to the model: cached latents, embeddings, features, shards of a
data set.

## Why it matters
A NaN in the input is a NaN in the loss, on every device and at every learning rate, whenever its row is drawn. Nothing
but a new cache repairs that.

## What it does not mean
It does not say what wrote the value: often another device, or another precision, when the cache was made.

## Example
`cached latents with nan: 1 of 8`

## Check it by hand
Load every stored tensor once and count `(~x.isfinite()).sum()`.

## References
- https://github.com/huggingface/diffusers/issues/7563
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present, Severity, Verdict
from trainclinic.findings.check_reports import told
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Look at what checks of stored inputs counted."""
    events = run.record.events_of("stored-data-non-finite")
    bad = [event for event in events if event.value != 0]
    if bad:
        return Present(told(bad))
    return (
        Absent(told(events)) if events else NotEvaluated(missing="a count of values that are not finite in the inputs")
    )


RULE = Rule(
    code="SET757",
    slug="non-finite-stored-inputs",
    severity=Severity.HARMFUL,
    needs=("events: stored-data-non-finite",),
    check=check,
    since="0.2",
)
