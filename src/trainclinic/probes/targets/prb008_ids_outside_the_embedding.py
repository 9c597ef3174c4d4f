"""Token ids have no row in the embedding of the model.

## What it sees

The largest token id of the batches against the rows of the input embedding, and the largest label against those of the
output layer.

## Why it matters

Such an id cannot be looked up: an index error on the CPU, and on a GPU an assertion that ends the process and often
names another line.

## What it does not mean

An embedding with more rows than the tokenizer has tokens is normal: it is padded to a round number.

## Example

Two tokens were added to the tokenizer, and the embedding was not resized: id 32,001 for 32,000 rows.

## Check it by hand

Print `batch["input_ids"].max()` and `model.get_input_embeddings().num_embeddings`. This probe answers the deciding test
`largest-token-id`.

## References

- https://huggingface.co/docs/transformers/main_classes/model (`resize_token_embeddings`)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.probes.rule import Cost, probe

if TYPE_CHECKING:
    from trainclinic.probes.live import Live


def look(live: Live) -> Verdict:
    """Compare the largest ids with the tables."""
    table, layer = live.embedding_rows, live.vocabulary
    if not table or not live.batches:
        return NotEvaluated("a model that tells the rows of its embedding")
    largest = max(int(batch["input_ids"].max()) for batch in live.batches)
    label = max(int(batch["labels"].max()) for batch in live.batches)
    evidence = [Evidence(f"the largest token id is {largest:,}, the embedding has {table:,} rows")]
    if layer:
        evidence.append(Evidence(f"the largest label is {label:,}, the output layer has {layer:,} rows"))
    is_outside = largest >= table or (bool(layer) and label >= layer)
    return Present(tuple(evidence)) if is_outside else Absent(tuple(evidence))


RULE = probe(
    code="PRB008",
    slug="ids-outside-the-embedding",
    severity=Severity.HARMFUL,
    question="Has every token id a row in the embedding?",
    needs=("input ids", "labels", "embedding"),
    look=look,
    cost=Cost.LOOK,
)
