"""Answers follow prompts without any text.

## What it sees

Rows with a turn of the user, in which nothing before the last answer holds more than white space. Rows with images,
sounds or films beside the text are left out.

## Why it matters

The model learns to say such answers to nothing: they come out at random later. Where all prompts are empty, a column
was usually mapped to the wrong field.

## What it does not mean

Rows without prompts can be meant as plain text: to write in a style, to continue a document. An `input` that is empty
beside a filled `instruction` is no empty prompt.

## Example

`{"question": "", "answer": "Yes, on Mondays."}` in 3 % of an export: the question stood in an image.

## Check it by hand

    python -c "import json; print(sum(not json.loads(l)['prompt'].strip() for l in open('data.jsonl')))"

## References

- https://huggingface.co/docs/trl/dataset_formats (language modeling, prompt-completion)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Present, Severity, Verdict
from trainclinic.dataset.kinds import CONVERSATIONS
from trainclinic.dataset.rule import SINCE, RowRule, Shares, quoted, verdict_on

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

ANY = Threshold("share of rows", 0.0, "1", "each one is an answer to nothing")
MANY = Threshold("share of rows", 0.10, "1", "expert choice, to be calibrated")
ALL = Threshold("share of rows", 0.99, "1", "a set without prompts is meant so, or one column is mapped wrongly")
_CODE = "ROL006"
_WHAT = "have an empty prompt"
_MEDIA = ("image", "audio", "video", "sound", "picture")
_ALL_EMPTY = "Nearly all prompts are empty: this trains on plain text, or the prompts stand in a field that is not read"


def find(sample: Sample) -> str | None:
    """The answer that has no prompt."""
    if not sample.messages or sample.prompt.strip() or not sample.answer.strip():
        return None
    if not any(message.role == "user" for message in sample.messages):
        return None
    if any(name.lower().startswith(_MEDIA) for name, _ in sample.others):
        return None
    return f"nothing is asked before {quoted(sample.answer)}"


def check(data: Data) -> Verdict:
    """Rows with an empty prompt; milder when there are few, and when all are so."""
    tally = CONVERSATIONS.tally(data, _CODE)
    if not tally.looked:
        return NotEvaluated(CONVERSATIONS.missing)
    verdict = verdict_on(tally, _WHAT, Shares(ANY, MANY), severity=Severity.HARMFUL, total=tally.looked)
    if isinstance(verdict, Present) and tally.share > ALL.value:
        return Present(verdict.evidence, _ALL_EMPTY, severity=Severity.WARNING)
    return verdict


RULE = RowRule(
    code=_CODE,
    slug="empty-prompts",
    severity=Severity.HARMFUL,
    needs=("prompts",),
    check=check,
    thresholds=(ANY, MANY, ALL),
    since=SINCE,
    find=find,
)
