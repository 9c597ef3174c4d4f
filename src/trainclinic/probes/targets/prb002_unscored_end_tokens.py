"""No end token is among the targets of the training batches.

## What it sees

Whether any label of the batches is a token that ends an answer or a text. Told apart: the end token stands in the rows
and carries no loss, or it does not stand there.

## Why it matters

A model stops because it learned to write the end token. When that token never carries a loss, answers run to the length
limit of generation; the training loss shows nothing of it.

## What it does not mean

Blocks cut out of long documents, for further pretraining, need not end: without an end token in the rows, and unless
answers are what is trained, the finding is a warning. Rows that a length limit cut have no end either; look at whole
ones before you change anything.

## Example

The padding token is the end token, and the collator gives -100 to every padding id: none of 32 rows has its end among
the targets.

## Check it by hand

Print the last id of `labels` that is not -100 for a few rows: it should be the end token. This probe answers the
deciding tests `decoded-targets` and `label-at-the-end-token`.

## References

- https://github.com/huggingface/trl/issues/734 (no end token in the rows, endless answers)
- https://github.com/unslothai/unsloth/issues/416 (padding and end token are one)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.probes.rule import Cost, probe
from trainclinic.probes.view import shown

if TYPE_CHECKING:
    from trainclinic.probes.live import Live


def look(live: Live) -> Verdict:
    """Look for end tokens among the labels, then among the ids."""
    if not live.end_ids:
        return NotEvaluated("the tokens that end an answer (`end_ids`)")
    rows = live.view.with_targets
    if not rows:
        return NotEvaluated("a row with targets")
    scored = [row for row in rows if any(label in live.end_ids for label in row.labels)]
    says = f"{len(scored):,} of {count(len(rows), 'row')} have an end token among their targets"
    if scored:
        return Absent((Evidence(says),))
    written = [row for row in rows if any(row.ids[at] in live.end_ids for at in row.attended)]
    first, last = rows[0], rows[-1]
    evidence = [
        Evidence(says),
        Evidence(f"{len(written):,} of them have one in their ids, without a loss"),
        Evidence(f"targets of {first.place} end with {shown(live, first, first.targets)}"),
    ]
    if last is not first:
        evidence.append(Evidence(f"targets of {last.place} end with {shown(live, last, last.targets)}"))
    is_plain = not written and live.answers_only is not True
    return Present(tuple(evidence), severity=Severity.WARNING if is_plain else None)


RULE = probe(
    code="PRB002",
    slug="unscored-end-tokens",
    severity=Severity.HARMFUL,
    question="Is the end token a target?",
    needs=("labels", "end tokens"),
    look=look,
    cost=Cost.LOOK,
)
