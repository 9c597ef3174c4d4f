"""The tokenizer has ids that the model has no rows for.

## What it sees

The number of ids of the tokenizer, added tokens included, against the rows of the input embedding.

## Why it matters

A text with such a token cannot be read: an index error on the CPU, a device assertion on CUDA, garbage elsewhere.
Tokens were added without `resize_token_embeddings`, or the tokenizer is that of another model.

## What it does not mean

Fewer ids than rows are normal: many models pad their embedding to a round number.

## Example

32,002 ids and 32,000 rows.

## Check it by hand

Compare `len(tokenizer)` with `model.get_input_embeddings().weight.shape[0]`.

## References

- https://huggingface.co/docs/transformers/main_classes/model (`resize_token_embeddings`)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.validation.rule import model_rule

if TYPE_CHECKING:
    from trainclinic.validation.tested import Tested


def check(tested: Tested) -> Verdict:
    """Compare the two numbers."""
    seen = tested.tokens
    if seen is None:
        return NotEvaluated("a model that can be loaded, with its tokenizer")
    says = Evidence(f"the tokenizer has {seen.ids:,} ids, the embedding {seen.rows:,} rows")
    return Present((says,)) if seen.ids > seen.rows else Absent((says,))


RULE = model_rule(
    code="VAL004",
    slug="tokenizer-beyond-the-embedding",
    severity=Severity.HARMFUL,
    needs=("tokenizer", "embedding"),
    check=check,
)
