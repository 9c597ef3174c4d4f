"""Two tools give different token ids for one text.

## What it sees
Lists of token ids of the same text from two tools (the training tokenizer and the serving runtime, a slow and a fast
tokenizer), which are not equal.

## Why it matters
A model answers to ids, not to characters. Where a special token arrives as the pieces of its spelling, or a begin token
is missing or doubled, the model reads an input that it was never trained on.

## What it does not mean
It does not show that training went wrong, or that the weights were converted wrongly: the same weights answer well when
they are given the right ids.

## Example
`transformers <|im_start|> -> [151644]` beside `server <|im_start|> -> [27, 91, 318, 4906, 91, 29]`

## Check it by hand
Print the ids of one rendered prompt on both sides and compare them from the first id on.

## References
- https://github.com/ggml-org/llama.cpp/issues/7062
- https://github.com/EleutherAI/lm-evaluation-harness/issues/2049
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Evidence, Present, Severity, Verdict
from trainclinic.findings.check_reports import verdict_of
from trainclinic.signals.measured import Measured

MISSING = "the token ids of one text from the tokenizer of the training and from that of the serving"


def check(run: Measured) -> Verdict:
    """Look at listed ids; a difference is told side by side."""
    differ = run.record.events_of("token-ids-differ")
    if not differ:
        return verdict_of(run, "token-ids-differ", "token-ids-equal", MISSING)
    shown = tuple(Evidence(event.says, event.source, event.step) for event in differ[:3])
    only_begin = all(event.says.endswith(" more") for event in differ)
    return Present(shown, severity=Severity.WARNING if only_begin else None)


RULE = Rule(
    code="SET733",
    slug="token-ids-differing-between-tools",
    severity=Severity.HARMFUL,
    needs=("events: token-ids-differ", "events: token-ids-equal"),
    check=check,
    since="0.2",
)
