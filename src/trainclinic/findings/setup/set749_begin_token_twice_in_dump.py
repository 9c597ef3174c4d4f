"""A list of token ids begins with the same special id twice.

## What it sees
A printed list of token ids whose first two are equal and lie where special tokens do.

## Why it matters
The template wrote the begin token and the tokenizer added one more. Models are sensitive to their first tokens: a
doubled begin token shifts every answer a little, and evaluations a lot.

## What it does not mean
Equal ids in the middle of a text are words. A template that is written without the begin token needs the tokenizer's.

## Example
`train: [128000, 128000, 9906]`

## Check it by hand
Tokenise one rendered prompt and print the first three ids.

## References
- https://github.com/EleutherAI/lm-evaluation-harness/issues/2049
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.check_reports import beyond
from trainclinic.signals.measured import Measured

LISTS = Threshold("lists of ids that begin so", 1, "lists", "a special id twice at the start is never text")
MISSING = "the token ids of a rendered prompt"


def check(run: Measured) -> Verdict:
    """Look at the lists of ids that a check printed."""
    return beyond(run, "begin-token-twice", lambda _: True, MISSING, fine=("token-ids-equal", "token-ids-differ"))


RULE = Rule(
    code="SET749",
    slug="begin-token-twice-in-dump",
    severity=Severity.WARNING,
    needs=(
        "events: begin-token-twice",
        "events: token-ids-equal",
        "events: token-ids-differ",
    ),
    check=check,
    thresholds=(LISTS,),
    since="0.2",
)
