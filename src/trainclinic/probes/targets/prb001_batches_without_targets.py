"""Rows of the training batches have no token with a loss.

## What it sees

Rows whose labels are all -100, in the batches that training gets. From a tenth of the rows on it is a warning; from
half of them on, or where a whole batch has no target, it is harmful.

## Why it matters

Such a row teaches nothing. Where a whole batch has none, the mean loss is 0/0: NaN in some paths, and 0.0 in others,
which logs as a perfect model.

## What it does not mean

It does not say why: a prompt that fills the length limit, a marker that is not found in the ids, and an empty answer
look the same here. A few such rows in a set that is cut at a length limit are common.

## Example

4 of 8 rows have no target: their prompts alone reach the limit of 512 tokens.

## Check it by hand

Print `(batch["labels"] != -100).sum(1)` for a few batches of the loader: no row should give 0. This probe answers the
deciding test `targets-per-row`.

## References

- https://github.com/huggingface/trl/issues/6025 (gradient norm of a batch without targets)
- https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html (`ignore_index`)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.probes.rule import SHOWN, Cost, probe

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

ANY = Threshold("share of rows", 0.1, "1", "expert choice: below it, rows cut by a length limit are usual")
MANY = Threshold("share of rows", 0.5, "1", "expert choice: half of every update is then empty")


def look(live: Live) -> Verdict:
    """Count rows without a label."""
    view = live.view
    if not view.rows:
        return NotEvaluated("a batch with rows")
    empty = [row for row in view.rows if not row.targets]
    numbers = {row.batch for row in view.rows}
    barren = sorted(numbers - {row.batch for row in view.with_targets})
    seen = Evidence(f"{len(empty):,} of {count(len(view.rows), 'row')} have no token with a loss; {view.share()}")
    share = len(empty) / len(view.rows)
    if share < ANY.value and not barren:
        return Absent((seen,))
    places = ", ".join(row.place for row in empty[:SHOWN])
    evidence = [seen, Evidence(f"without a target: {places}")]
    if barren:
        evidence.insert(0, Evidence(f"{len(barren)} of {len(numbers)} batches have no token with a loss at all"))
    return Present(tuple(evidence), severity=None if barren or share >= MANY.value else Severity.WARNING)


RULE = probe(
    code="PRB001",
    slug="batches-without-targets",
    severity=Severity.HARMFUL,
    question="Has every row of a batch a token with a loss?",
    needs=("labels",),
    look=look,
    cost=Cost.LOOK,
    thresholds=(ANY, MANY),
)
