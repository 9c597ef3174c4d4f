"""Some answers have one or two words, where the others are long.

## What it sees

Kept rows whose longest answer has fewer than 3 words, when the median has more than 20 words. Not counted are numbers,
single letters, yes and no, answers that stand in their prompt (choices, extracts), answers to prompts that ask for few
words, and the same answer in many rows (classes). More than 5 % of the rows is a warning.

## Why it matters

With a mean over tokens such rows hardly count in the loss, but each one teaches the end token right after the first
word: the model then stops early now and then.

## What it does not mean

Short facts beside long explanations are a mixture that many good sets have. Look at the examples: fragments ("Sure,",
"The") are damage, "Paris" is an answer. Where all answers are short, nothing is said.

## Example

7 % of the answers of an export are the first line of a message alone ("Hi Anna,"), because the reader stopped at the
first empty line.

## Check it by hand

    python -c "import json; print(sum(len(json.loads(l)['completion'].split()) < 3 for l in open('data.jsonl')))"

## References

- https://arxiv.org/abs/2305.11206 (few long and careful answers against many short ones, Zhou et al. 2023)
"""

from __future__ import annotations

import re
from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.dataset.answer_lengths import Length, lengths_of
from trainclinic.dataset.readiness import tally_of
from trainclinic.dataset.rule import SINCE, Shares, quoted, verdict_on

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

SHARE = Threshold("share of rows", 0.05, "1", "expert choice, to be calibrated")
SHORT = Threshold("words of a short answer", 3, "words", "below it an answer is hardly a sentence")
LONG = Threshold("median of words", 20, "words", "where half of the answers are shorter, short ones are the task")
ROWS = Threshold("rows with an answer", 50, "rows", "a median of fewer rows says little; expert choice")
_CLASS_ROWS = 5
"""Rows with the same short answer that make it a class."""
_FACTS = re.compile(
    r"[\W\d_]*|[\W\d_]*[A-Za-z][\W\d_]*|yes|no|true|false|ja|nein|oui|non|s[iíì]|evet|hayır|да|нет|是|否|对|错"
)
_ASKS_FOR_LITTLE = re.compile(
    r"\b(?:one|single|two|1|2)[- ](?:or two )?words?\b|yes or no|true or false|\bonly\b|\bjust the\b|classif|label"
    r"|sentiment|categor|\bwhich (?:one|of)\b|choose|\boptions?\b|multiple.choice|\bname (?:the|a|an|one)\b"
    r"|^(?:who|when|where)\b|what (?:is|was) the (?:name|capital|title|word)|what word|how (?:many|much)"
    r"|\btranslate\b|\bextract\b|\banswer:\s*$",
    re.I | re.M,
)
_READ = 2_000


def check(data: Data) -> Verdict:
    """Short answers that nothing explains, among long ones."""
    rows = lengths_of(data)
    if len(rows) < ROWS.value:
        return NotEvaluated(f"at least {count(int(ROWS.value), 'row')} with an answer in words")
    middle = median(row.words for row in rows)
    times = Counter(row.answer.strip().casefold() for row in rows if row.words < SHORT.value)
    are_long = middle > LONG.value
    tally = tally_of((row.sample.source, _says(row, times) if are_long else None) for row in rows)
    what = f"have an answer of one or two words that nothing explains, where the median has {middle:.0f}"
    return verdict_on(tally, what, Shares(SHARE), severity=Severity.WARNING, total=len(rows))


def _says(row: Length, times: Counter[str]) -> str | None:
    if row.words >= SHORT.value or row.is_structured:
        return None
    answer = row.answer.strip()
    bare = answer.strip(" .!?:;,*_`'\"()").casefold()
    if times[answer.casefold()] >= _CLASS_ROWS or _FACTS.fullmatch(bare):
        return None
    prompt = row.sample.prompt
    if bare in prompt.casefold() or _ASKS_FOR_LITTLE.search(prompt[:_READ]) or _ASKS_FOR_LITTLE.search(prompt[-_READ:]):
        return None
    return f"{quoted(answer)} answers {quoted(prompt)}"


RULE: Rule[Data] = Rule(
    code="ANS005",
    slug="short-answers",
    severity=Severity.WARNING,
    needs=("answers",),
    check=check,
    thresholds=(SHARE, SHORT, LONG, ROWS),
    since=SINCE,
)
