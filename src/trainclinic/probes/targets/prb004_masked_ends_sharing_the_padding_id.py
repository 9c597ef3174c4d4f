"""The end of each answer has the id of the padding token and carries no loss.

## What it sees

The padding token is also a token that ends an answer. Then, for each row that ends with it, right behind a target and
in sight of attention: whether this end carries a loss.

## Why it matters

A collator that gives -100 to every padding id takes the real ends out of the loss with the padding, and the model does
not learn to stop.

## What it does not mean

Sharing the id does no harm by itself: many models have no padding token, and a collator that masks by position and not
by id leaves the ends where they are.

## Example

GPT-2 has no padding token, so the end token is used: it ends all 8 rows and is masked in 8 of 8.

## Check it by hand

Print `batch["labels"][batch["input_ids"] == tokenizer.eos_token_id]`: ends of answers should not be -100. This probe
answers the deciding test `label-at-the-end-token`.

## References

- https://github.com/unslothai/unsloth/issues/416 (padding and end token are one)
- https://huggingface.co/docs/transformers/main_classes/data_collator (`DataCollatorForLanguageModeling`)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.probes.live import IGNORED
from trainclinic.probes.rule import Cost, probe
from trainclinic.probes.view import RowView, shown

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

MANY = Threshold("share of rows", 0.5, "1", "expert choice: fewer may have their end masked for another reason")


def look(live: Live) -> Verdict:
    """Look at the ends of rows where padding and end share an id."""
    if live.pad_id is None or not live.end_ids:
        return NotEvaluated("the padding token (`pad_id`) and the tokens that end an answer (`end_ids`)")
    if live.pad_id not in live.end_ids:
        return Absent((Evidence(f"the padding token {live.pad_id} ends no answer"),))
    if not any(row.has_mask for row in live.view.rows):
        return NotEvaluated("an attention mask, which tells an end from padding")
    ending = [row for row in live.view.with_targets if _ends_behind_a_target(row, live.pad_id)]
    if not ending:
        return NotEvaluated("a row that ends with the padding token right behind a target")
    masked = [row for row in ending if live.pad_id not in row.labels]
    says = f"{len(masked):,} of {len(ending):,} rows that end with token {live.pad_id} have it masked"
    seen = Evidence(f"{says}, which is the padding token too")
    if len(masked) < MANY.value * len(ending):
        return Absent((seen,))
    row = masked[0]
    return Present((seen, Evidence(f"{row.place} ends with {shown(live, row, row.attended)}")))


def _ends_behind_a_target(row: RowView, pad_id: int) -> bool:
    if len(row.attended) < 2 or row.ids[row.attended[-1]] != pad_id:
        return False
    before, last = row.attended[-2:]
    return row.labels[before] != IGNORED or row.labels[last] != IGNORED


RULE = probe(
    code="PRB004",
    slug="masked-ends-sharing-the-padding-id",
    severity=Severity.HARMFUL,
    question="Do ends of answers keep their loss where padding has the same id?",
    needs=("labels", "attention mask", "padding token", "end tokens"),
    look=look,
    cost=Cost.LOOK,
    thresholds=(MANY,),
)
