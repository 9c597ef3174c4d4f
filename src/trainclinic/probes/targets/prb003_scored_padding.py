"""Padding carries a loss in the training batches.

## What it sees

Labels other than -100 where the attention mask is 0; and, behind or before the text of a row, runs of the padding id
that carry labels. A single padding id at the end of a row may be its end token and is not counted.

## Why it matters

Padding is easy to predict once it is learned: the loss falls for no good reason, real tokens get a smaller share of the
gradient, and the model learns to write padding.

## What it does not mean

Labels on the padding id are right where that id is also the end token and stands once at the end of an answer.

## Example

`labels = input_ids.clone()` in a batch padded to 512 tokens: 3,100 of 4,096 labels stand on padding, and the loss falls
to 0.4 within an epoch.

## Check it by hand

Print `(batch["labels"][batch["attention_mask"] == 0] != -100).sum()`: it should be 0.

## References

- https://huggingface.co/docs/transformers/main_classes/data_collator (which labels the collators of a trainer make)
- https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html (`ignore_index`)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, percent
from trainclinic.probes.live import IGNORED
from trainclinic.probes.rule import SHOWN, Cost, probe
from trainclinic.probes.view import RowView, shown

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

MUCH = Threshold("share of targets", 0.01, "1", "below it padding neither dilutes the loss nor is it learned")


def look(live: Live) -> Verdict:
    """Count labels on padding."""
    rows = live.view.with_targets
    if not rows:
        return NotEvaluated("a row with targets")
    if live.pad_id is None and not any(row.has_mask for row in rows):
        return NotEvaluated("the attention mask of the batches or the padding token (`pad_id`)")
    found = [(row, padding) for row in rows if (padding := _scored_padding(row, live.pad_id))]
    number = sum(len(padding) for _, padding in found)
    share = number / live.view.targets
    seen = Evidence(f"{number:,} of {count(live.view.targets, 'target')} stand on padding ({percent(share)})")
    if share < MUCH.value:
        return Absent((seen,))
    examples = (
        Evidence(f"{row.place}: {len(padding):,} targets on padding, the last ones {shown(live, row, padding)}")
        for row, padding in found[:SHOWN]
    )
    return Present((seen, *examples))


def _scored_padding(row: RowView, pad_id: int | None) -> list[int]:
    """Positions of padding with a label: unattended ones, and runs of the padding id at either end but for one."""
    attended = set(row.attended)
    found = {at for at in row.targets if at not in attended} if row.has_mask else set()
    if pad_id is not None:
        places = range(len(row.ids))
        for run in (_run(row, pad_id, places), _run(row, pad_id, places[::-1])):
            found |= {at for at in sorted(run)[1:] if row.labels[at] == pad_id}
    return sorted(found - {at for at in found if row.labels[at] == IGNORED})


def _run(row: RowView, pad_id: int, places: range) -> list[int]:
    run: list[int] = []
    for at in places:
        if row.ids[at] != pad_id:
            break
        run.append(at)
    return run


RULE = probe(
    code="PRB003",
    slug="scored-padding",
    severity=Severity.HARMFUL,
    question="Is padding left out of the loss?",
    needs=("labels", "attention mask", "padding token"),
    look=look,
    cost=Cost.LOOK,
    thresholds=(MUCH,),
)
