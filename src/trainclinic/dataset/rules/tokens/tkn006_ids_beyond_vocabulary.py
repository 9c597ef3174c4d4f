"""Some token ids have no row in the embedding of the model.

## What it sees

Ids that are not smaller than the number of embedding rows, or are negative, in the kept rows; and a padding token with
such an id, where batches are padded.

## Why it matters

The first forward pass that meets such an id stops with an index error, on a GPU with `device-side assert triggered`;
some kernels read foreign memory instead.

## What it does not mean

A tokenizer with more ids than the model has rows is harmless as long as no row uses them. The other way round is usual:
many models have more rows than their tokenizer has ids. -200 stands for an image in LLaVA and is replaced before the
embedding; it does not count.

## Example

A padding token was added to the tokenizer of Llama 2 and got the id 32000; the model has 32,000 rows, 0 to 31999.

## Check it by hand

Compare the largest id of the training set and `tokenizer.pad_token_id` with `model.get_input_embeddings().weight`.

## References

- https://github.com/meta-llama/llama-cookbook/issues/189 (an added padding token without a resized embedding)
- https://github.com/01-ai/Yi/issues/448 (ids beyond the embedding)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.dataset.readiness import tally_of
from trainclinic.dataset.rule import SINCE, Shares, needs_settings, needs_tokenizer, quoted, verdict_on

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data
    from trainclinic.encoding.encoded import Encoded

ANY = Threshold("share of rows", 0.0, "1", "a single such id ends the run")
SHARES = Shares(ANY, ANY)
IMAGE = -200
"""`IMAGE_TOKEN_INDEX` of LLaVA."""


def check(data: Data) -> Verdict:
    """Whether all ids have a row in the embedding."""
    if missing := needs_settings("vocabulary")(data):
        return NotEvaluated(missing)
    size = data.preparation.vocabulary.value
    if size is None:
        return NotEvaluated("the rows of the model's embedding (`--vocabulary`)")
    rows = [row for row in data.encoded if row.sample.ids or not data.tokenizer.is_stand_in]
    if not rows:
        return NotEvaluated(needs_tokenizer(data) or "a row that can be tokenised")
    tally = tally_of((row.sample.source, _find(row, size)) for row in rows)
    found = verdict_on(
        tally, f"have ids without one of the {size:,} embedding rows", SHARES, severity=Severity.HARMFUL,
        total=tally.looked if data.survey.has_all else data.survey.rows,
    )  # fmt: skip
    pad = None if data.tokenizer.is_stand_in or not _pads(data) else data.rows.pad_id
    if pad is None or pad < size:
        return found
    token = quoted(data.tokenizer.piece(pad))
    padding = Evidence(f"the padding token {token} has the id {pad:,}, and the embedding has {size:,} rows")
    return Present((padding, *(found.evidence if isinstance(found, Present) else ())))


def _find(row: Encoded, size: int) -> str | None:
    ids = np.asarray(row.sample.ids, dtype=np.int64) if row.sample.ids else row.ids
    wrong = np.flatnonzero((ids >= size) | ((ids < 0) & (ids != IMAGE)))
    return f"id {int(ids[wrong[0]])} at position {int(wrong[0])}" if len(wrong) else None


def _pads(data: Data) -> bool:
    """Whether batches can hold padding at all."""
    preparation = data.preparation
    if preparation.packing.value and not preparation.packing.is_assumed:
        return False
    return data.plan.micro_batch.value != 1 or preparation.pads_to_maximum.value


RULE: Rule[Data] = Rule(
    code="TKN006",
    slug="ids-beyond-vocabulary",
    severity=Severity.HARMFUL,
    needs=("token ids", "rows of the embedding"),
    check=check,
    thresholds=(ANY,),
    since=SINCE,
)
