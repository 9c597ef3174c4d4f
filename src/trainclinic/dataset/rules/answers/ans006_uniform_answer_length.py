"""All answers have nearly the same length.

## What it sees

The words of the longest answer of each kept row: their standard deviation over their mean, when there are 30 answers or
more with more than 20 words on average. A ratio below 0.1 is a warning. Where most answers also have one number of
lines, three or more, they follow a form (a poem, a letter, a record), and the finding is a note. Answers that are
mostly JSON, markup or code are not looked at.

## Why it matters

The model learns the length together with the content: it stops at that length when more is to say, and fills up when
less would do.

## What it does not mean

Summaries of a fixed length and forms are uniform on purpose. Answers of people have a ratio of 0.5 to 1.5.

## Example

A generator was asked for "about 150 words" 10,000 times: mean 148 words, standard deviation 9, ratio 0.06.

## Check it by hand

    python -c "import json, statistics as s; n = [len(json.loads(l)['completion'].split()) for l in open('data.jsonl')]
    print(s.stdev(n) / s.mean(n))"

## References

- https://arxiv.org/abs/2404.04475 (how strongly judges and models follow length, Dubois et al. 2024)
"""

from __future__ import annotations

from collections import Counter
from statistics import fmean, pstdev
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.dataset.answer_lengths import Length, lengths_of
from trainclinic.dataset.rule import SINCE

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

RATIO = Threshold("standard deviation over mean", 0.1, "1", "expert choice, to be calibrated; people write 0.5 to 1.5")
ROWS = Threshold("answers", 30, "rows", "a spread of fewer answers says little; expert choice")
WORDS = Threshold("mean of words", 20, "words", "shorter answers are labels and facts; expert choice")
FORM = Threshold("share of answers with one number of lines", 0.8, "1", "poems and records; expert choice")
_LINES = 3
_MEANS_FORM = "Most answers have the same number of lines: they follow a form, to which one length belongs"


def check(data: Data) -> Verdict:
    """The spread of the lengths of answers."""
    rows = lengths_of(data)
    if len(rows) < ROWS.value:
        return NotEvaluated(f"at least {count(int(ROWS.value), 'row')} with an answer in words")
    if sum(row.is_structured for row in rows) > len(rows) / 2:
        return NotEvaluated("answers in prose: most of those here are JSON, markup, code or tables")
    words = [row.words for row in rows]
    mean, spread = fmean(words), pstdev(words)
    says = f"{count(len(rows), 'answer')} have {mean:.0f} words on average with a standard deviation of {spread:.1f}"
    evidence = (Evidence(says),)
    if mean <= WORDS.value or spread / mean >= RATIO.value:
        return Absent(evidence)
    return Present(evidence, _MEANS_FORM, severity=Severity.NOTE) if _have_form(rows) else Present(evidence)


def _have_form(rows: tuple[Length, ...]) -> bool:
    lines = Counter(row.answer.strip().count("\n") + 1 for row in rows)
    most, times = lines.most_common(1)[0]
    return most >= _LINES and times > FORM.value * len(rows)


RULE: Rule[Data] = Rule(
    code="ANS006",
    slug="uniform-answer-length",
    severity=Severity.WARNING,
    needs=("answers",),
    check=check,
    thresholds=(RATIO, ROWS, WORDS, FORM),
    since=SINCE,
)
