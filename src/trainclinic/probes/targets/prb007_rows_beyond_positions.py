"""Rows are longer than the positions the model is made for.

## What it sees

The longest row of the batches, in attended tokens, against the positions of the model's configuration.

## Why it matters

Where positions are rows of a table, a longer row cannot be computed: an index error, or an assertion on the device.
Where they are computed (rotary positions), what lies beyond is unlike anything the model was trained on, and its loss
rises with the length.

## What it does not mean

A configuration may state less than a model can do, and scaled rotary positions may reach further; there the finding is
a warning.

## Example

A row of 1,300 tokens for GPT-2, which has 1,024 positions.

## Check it by hand

Print `batch["attention_mask"].sum(1).max()` and `model.config.max_position_embeddings`.

## References

- https://huggingface.co/docs/transformers/model_doc/gpt2 (`n_positions`)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.probes.rule import Cost, probe

if TYPE_CHECKING:
    from trainclinic.probes.live import Live


def look(live: Live) -> Verdict:
    """Compare the longest row with the positions."""
    if live.positions is None:
        return NotEvaluated("the positions of the model (`positions`)")
    if not live.view.rows:
        return NotEvaluated("a batch with rows")
    longest = max(live.view.rows, key=_length)
    tokens = _length(longest)
    seen = Evidence(f"the longest row has {tokens:,} tokens, the model {live.positions:,} positions ({longest.place})")
    if _has_restarts(live) or tokens <= live.positions:
        return Absent((seen,))
    return Present((seen,), severity=None if live.has_learned_positions else Severity.WARNING)


def _length(row: object) -> int:
    return len(getattr(row, "attended", ()))


def _has_restarts(live: Live) -> bool:
    """Whether positions are given and stay below the limit, as in packed rows."""
    given = [batch.get("position_ids") for batch in live.batches]
    limit = live.positions or 0
    return all(one is not None and int(one.max()) < limit for one in given)


RULE = probe(
    code="PRB007",
    slug="rows-beyond-positions",
    severity=Severity.HARMFUL,
    question="Does every row fit into the positions of the model?",
    needs=("attention mask", "positions of the model"),
    look=look,
    cost=Cost.LOOK,
)
