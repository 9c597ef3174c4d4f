"""The loss on the same text is many times higher after tokens were added.

## What it sees
A loss before and one after the embedding was resized, on one line or on two, whose ratio is far from 1. A pair that
does not say what lies between counts too, as a doubt.

## Why it matters
New rows of the embedding and of the head start at random. A head row of the wrong size takes probability from every
other token, so the whole text becomes improbable, and training first has to repair that.

## What it does not mean
A loss that rises by a few per cent is normal after adding tokens. It is no sign that the text or the learning rate is
wrong: nothing was trained in between.

## Example
`loss before resize 3.41, after resize 48.7`

## Check it by hand
Compute the loss of one text, call `resize_token_embeddings`, compute it again; then set the new rows to the mean of the
old ones and compute it once more.

## References
- https://github.com/huggingface/transformers/issues/8039
- https://nlp.stanford.edu/~johnhew/vocab-expansion.html
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.measured import Measured

RISE = Threshold("loss after over loss before", 1.5, "1", "rows at the mean of the old ones cost a few per cent")
STEEP = Threshold("the same, where nothing says what lies between", 3.0, "1", "a learning step too large gives less")


def check(run: Measured) -> Verdict:
    """Look for pairs of losses around a resize, then for pairs around something unnamed."""
    named = run.record.events_of("loss-at-token-resize")
    unnamed = run.record.events_of("loss-before-and-after")
    shown = {
        event: Evidence(f"the loss is {number(event.value or 0.0, 3)} times the one before: {event.says}", event.source)
        for event in (*named, *unnamed)
        if event.value is not None
    }
    risen = [shown[event] for event in named if event.value is not None and event.value >= RISE.value]
    if risen:
        return Present(tuple(risen[:3]))
    steep = [shown[event] for event in unnamed if event.value is not None and event.value >= STEEP.value]
    if steep:
        means = "The check does not say what was done between its two losses; added tokens are the usual reason."
        return Present(tuple(steep[:3]), means=means, severity=Severity.WARNING)
    if shown:
        return Absent(tuple(shown.values())[:1])
    return NotEvaluated(missing="the loss of one text before and after the tokens were added")


RULE = Rule(
    code="SET734",
    slug="loss-changed-by-token-resize",
    severity=Severity.HARMFUL,
    needs=("events: loss-at-token-resize", "events: loss-before-and-after"),
    check=check,
    thresholds=(RISE, STEEP),
    since="0.2",
)
