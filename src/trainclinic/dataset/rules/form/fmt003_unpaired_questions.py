"""Questions stand without an answer, or answers without a question.

## What it sees

In text and Markdown with labelled blocks (`QUESTION:` / `ANSWER:`, `User:` / `Assistant:`, headings), the questions
that no answer follows before the next question, and answers that follow no question.

## Why it matters

A script that splits at the labels pairs such a question with the next answer, or trains on an empty one. In one public
file of letters 131 of 750 question blocks (17.5 %) had no answer, and the model learned to ask on.

## What it does not mean

A few unpaired blocks at the end of a file are often its cut-off rest. Texts that quote a question inside an answer at
the beginning of a line are counted as unpaired although nothing is lost.

## Example

    QUESTION: May I bring my dog?
    QUESTION: When do you open?
    ANSWER: At nine.

The first question has no answer; a careless split answers it with "At nine."

## Check it by hand

    grep -c '^QUESTION:' letters.md; grep -c '^ANSWER:' letters.md

## References

- https://github.com/gness1804/friendly-advice-columnist (letters with questions and answers as Markdown)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Severity, Verdict
from trainclinic.dataset.rule import SINCE, Shares, verdict_on
from trainclinic.dataset.troubles import surveys_of, troubles_of

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

SOME = Threshold("share of blocks", 0.01, "1", "expert choice, to be calibrated: a cut-off end stays below it")
MANY = Threshold("share of blocks", 0.05, "1", "expert choice, to be calibrated; 17.5 % were measured in a failed run")
_SHARES = Shares(SOME, MANY)


def check(data: Data) -> Verdict:
    """Unpaired blocks among all of them."""
    found = troubles_of(data, "unpaired-question", "unpaired-answer")
    pairs = sum(one.schemas["question-answer"] for one in surveys_of(data))
    found.looked = pairs + found.hits
    if not found.looked:
        return NotEvaluated("text with questions and answers as labelled blocks")
    what = "are a question without an answer, or an answer without a question"
    return verdict_on(found, what, _SHARES, severity=Severity.HARMFUL, total=found.looked)


RULE: Rule[Data] = Rule(
    code="FMT003",
    slug="unpaired-questions",
    severity=Severity.HARMFUL,
    needs=("text with questions and answers",),
    check=check,
    thresholds=_SHARES.all,
    since=SINCE,
)
