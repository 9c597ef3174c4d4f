"""Some rows have no answer, or one of white space alone.

## What it sees

Rows whose last answer holds nothing but white space (zero-width characters count as white space), and preference rows
of which one side is empty. A message that calls a tool and says nothing is no empty answer.

## Why it matters

The end token is then the whole target: such rows teach the model to stop at once. Where the loss mask leaves no target
at all, the mean over zero tokens is NaN, and in a preference loss an empty side gives log-probabilities of nothing.

## What it does not mean

A few empty rows among thousands do not make a model silent; a share of some percent does. Empty generations can have
other reasons: an end token that is never learned, NaN weights, a prompt that already contains the end token.

## Example

Two of three rows of a file end with `"completion": ""`; after one pass greedy decoding returns the end token first.

## Check it by hand

    python -c "import json; print(sum(not json.loads(l)['completion'].strip() for l in open('data.jsonl')))"

## References

- https://github.com/LAION-AI/Open-Assistant/issues/2438 (preference rows with an empty side, NaN loss)
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.corpus.sample import Message, Sample
from trainclinic.dataset.rule import Shares, quoted, row_rule

ANY = Threshold("share of rows", 0.0, "1", "each one is a row that teaches to say nothing")
MANY = Threshold(
    "share of rows", 0.02, "1", "the OpenAI preparation notes drop all of them; 2 % changed no model we saw"
)
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"


def find(sample: Sample) -> str | None:
    """What is empty in a row."""
    if not sample.messages:
        return None
    if sample.rejected and any(_is_empty(side) for side in (sample.messages, sample.rejected)):
        return f"one side of the pair is empty, after {quoted(sample.prompt)}"
    if _is_empty(sample.messages):
        return f"no answer to {quoted(sample.prompt)}"
    return None


def _is_empty(messages: tuple[Message, ...]) -> bool:
    answers = [message for message in messages if message.is_answer]
    return bool(answers) and not answers[-1].calls and not answers[-1].content.strip().strip(_INVISIBLE).strip()


RULE = row_rule(
    code="ANS001",
    slug="empty-answer-rows",
    severity=Severity.HARMFUL,
    needs=("conversations", "prompts with answers"),
    find=find,
    what="have an empty answer",
    shares=Shares(ANY, MANY),
)
