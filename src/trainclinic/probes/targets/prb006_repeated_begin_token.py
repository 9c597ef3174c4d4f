"""Rows of the training batches begin with the begin token twice.

## What it sees

Rows whose first two attended ids are both the begin token.

## Why it matters

The model was pretrained with one begin token. With two, every row starts from a place that it hardly knows: the first
loss is higher, and a model tuned so is off when it is later asked with one.

## What it does not mean

It is rarely the reason of a failure. In packed rows a document may be empty; a few such rows are no concern.

## Example

A chat template writes the begin token, and the tokenizer adds its own: 8 of 8 rows begin with `<s><s>`.

## Check it by hand

Print `tokenizer.decode(batch["input_ids"][0][:5])`: the begin token should stand there once at most.

## References

- https://huggingface.co/docs/transformers/chat_templating (special tokens that a template already writes)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.probes.rule import Cost, probe
from trainclinic.probes.view import shown

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

MANY = Threshold("share of rows", 0.1, "1", "expert choice: fewer may be empty documents in packed rows")


def look(live: Live) -> Verdict:
    """Look at the first two ids of each row."""
    if live.begin_id is None or live.begin_id in live.end_ids or live.begin_id == live.pad_id:
        return NotEvaluated("a begin token that is neither end token nor padding token (`begin_id`)")
    rows = [row for row in live.view.rows if len(row.attended) > 1]
    if not rows:
        return NotEvaluated("a row of two tokens or more")
    twice = [row for row in rows if all(row.ids[at] == live.begin_id for at in row.attended[:2])]
    seen = Evidence(f"{len(twice):,} of {count(len(rows), 'row')} begin with token {live.begin_id} twice")
    if len(twice) < MANY.value * len(rows):
        return Absent((seen,))
    row = twice[0]
    return Present((seen, Evidence(f"{row.place} begins with {shown(live, row, row.attended[:6])}")))


RULE = probe(
    code="PRB006",
    slug="repeated-begin-token",
    severity=Severity.WARNING,
    question="Does each row begin with the begin token once at most?",
    needs=("input ids", "begin token"),
    look=look,
    cost=Cost.LOOK,
    thresholds=(MANY,),
)
