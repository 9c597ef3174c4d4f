"""Embedding rows of some tokens have a size far from the others'.

## What it sees
A printed norm of one row of the embedding or the head beside the usual norm, a fifth of it or less, or five times it
or more.

## Why it matters
Rows that far off were never trained, or were filled at random: as input they say nothing, as output they are never
drawn, or always.

## What it does not mean
Rare words have somewhat smaller rows. It does no harm where the token is never used.

## Example
`norm of <|eot_id|> 0.004, mean 0.71`

## Check it by hand
Compare `embedding.weight[token].norm()` with the mean over all rows, for every special token of the template.

## References
- https://github.com/unslothai/unsloth/issues/1056
- https://github.com/huggingface/transformers/issues/8472
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.check_reports import beyond
from trainclinic.signals.measured import Measured

FACTOR = Threshold("ratio to the usual norm, either way", 5.0, "1", "trained rows stay within a factor of three")
MISSING = "the norms of the rows of the special tokens beside the usual one"


def check(run: Measured) -> Verdict:
    """Look at the ratios that a check printed."""
    return beyond(run, "token-row-norm", lambda ratio: not 1 / FACTOR.value < ratio < FACTOR.value, MISSING)


RULE = Rule(
    code="SET746",
    slug="outlying-token-row-norms",
    severity=Severity.WARNING,
    needs=("events: token-row-norm",),
    check=check,
    thresholds=(FACTOR,),
    since="0.2",
)
