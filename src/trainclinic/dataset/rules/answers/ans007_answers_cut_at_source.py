"""Answers were cut off before they came into the file.

## What it sees

Prose answers that reach to within 1 % of the longest one and end in the middle of a sentence: more than 5 % of all
answers, at least ten. A pile of answers at one maximum is what a limit leaves behind, in characters or in words.

## Why it matters

The model learns to stop, or to be stopped, in mid-sentence: the end token follows "because the". A generator's token
limit or a database field of 255 characters are the usual reasons, and no setting of training brings the rest back.

## What it does not mean

Truncation in training is another symptom and does not show in the file. Lists, code, tables and verse end without a
full stop.

## Example

18 % of the answers have exactly 1,024 characters; the last word of most of them is half a word.

## Check it by hand

    python -c "import json, collections as c
    print(c.Counter(len(json.loads(l)['completion']) for l in open('data.jsonl')).most_common(5))"

## References

- https://huggingface.co/docs/transformers/main_classes/text_generation (`max_new_tokens` of a generator)
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Severity, Verdict
from trainclinic.dataset.answer_lengths import Length, lengths_of
from trainclinic.dataset.rule import SINCE, Shares, verdict_on
from trainclinic.dataset.tally import Tally

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

LONG = Threshold("characters of the longest answer", 120, "characters", "short answers share lengths by chance")
NEAR = Threshold("distance from the longest", 0.01, "1", "a limit in words or tokens leaves a narrow pile")
SOME = Threshold("share of answers", 0.05, "1", "expert choice: natural lengths do not pile up at their maximum")
FEWEST = Threshold("answers at the maximum", 10, "answers", "one longest answer is no pile")
_TAIL = 60


def check(data: Data) -> Verdict:
    """Count unfinished answers at the common maximum, in characters and in words."""
    lengths = [length for length in lengths_of(data) if not length.is_structured]
    longest = max((len(length.answer) for length in lengths), default=0)
    if longest < LONG.value:
        return NotEvaluated(f"prose answers of {LONG.value:.0f} characters and more")
    most_words = max(length.words for length in lengths)
    by_characters = _counted(lengths, [len(length.answer) / longest for length in lengths])
    by_words = _counted(lengths, [length.words / most_words for length in lengths])
    tally = max(by_characters, by_words, key=lambda one: one.hits)
    if tally.hits < FEWEST.value:
        tally = Tally(tally.looked)
    what = "reach the common maximum and end in mid-sentence"
    return verdict_on(tally, what, Shares(SOME), severity=Severity.WARNING, total=data.survey.rows)


def _counted(lengths: list[Length], shares: list[float]) -> Tally:
    tally = Tally()
    for length, share in zip(lengths, shares, strict=True):
        is_cut = share >= 1 - NEAR.value and _is_unfinished(length.answer)
        tally.add(length.sample.source, f"ends with `{_tail(length.answer)}`" if is_cut else None)
    return tally


def _is_unfinished(answer: str) -> bool:
    """Whether a text ends with a letter, a digit or a comma."""
    last = answer.rstrip()[-1:]
    return last in ",;-" or unicodedata.category(last or ".")[0] in "LN"


def _tail(answer: str) -> str:
    return " ".join(answer[-_TAIL:].replace("`", "'").split())


RULE: Rule[Data] = Rule(
    code="ANS007",
    slug="answers-cut-at-source",
    severity=Severity.WARNING,
    needs=("kept rows with an answer",),
    check=check,
    thresholds=(LONG, NEAR, SOME, FEWEST),
    since=SINCE,
)
