"""Prompts carry a loss, though only answers were asked for.

## What it sees

Rows that carry a loss from their first or second attended token on, where the run says that only answers are to be
trained.

## Why it matters

The loss then measures how well prompts are predicted too: it cannot be compared with that of answer-only training, and
short answers get little of the gradient.

## What it does not mean

Training on prompts is a choice, and often a harmless one; this probe speaks only where it was not the choice. It does
not see where in a row an answer begins.

## Example

`completion_only_loss` was set for rows in a form that has no completions: 8 of 8 rows are scored from the first token.

## Check it by hand

Print `tokenizer.decode(labels[labels != -100])` for a row: it should be the answer alone. This probe answers a part of
the deciding test `decoded-targets`.

## References

- https://huggingface.co/docs/trl/sft_trainer (training on completions only)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.probes.rule import Cost, probe
from trainclinic.probes.view import RowView, shown

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

MANY = Threshold("share of rows", 0.2, "1", "expert choice: below it, single rows may have an empty prompt")


def look(live: Live) -> Verdict:
    """Count rows scored from their start."""
    if live.answers_only is None:
        return NotEvaluated("whether only answers are meant to carry a loss (`answers_only`)")
    if not live.answers_only:
        return Absent((Evidence("whole rows are meant to carry a loss"),))
    rows = [row for row in live.view.with_targets if len(row.attended) > 2]
    if not rows:
        return NotEvaluated("a row with targets")
    scored = [row for row in rows if _is_scored_from_start(row)]
    seen = Evidence(f"{len(scored):,} of {count(len(rows), 'row')} carry a loss from their start on")
    if len(scored) < MANY.value * len(rows):
        return Absent((seen, Evidence(live.view.share())))
    row = scored[0]
    first = shown(live, row, row.targets[:8])
    return Present((seen, Evidence(live.view.share()), Evidence(f"targets of {row.place} begin with {first}")))


def _is_scored_from_start(row: RowView) -> bool:
    start = row.attended[:2]
    return any(at in start for at in row.targets[:2])


RULE = probe(
    code="PRB005",
    slug="scored-prompts",
    severity=Severity.WARNING,
    question="Are prompts left out of the loss where only answers were asked for?",
    needs=("labels", "what is meant to carry a loss"),
    look=look,
    cost=Cost.LOOK,
    thresholds=(MANY,),
)
