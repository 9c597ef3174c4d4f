"""All answers have nearly the same length.

## What it sees

The standard deviation of the words of an answer over their mean: below 0.1, for at least 30 prose answers of more than
20 words on average.

## Why it matters

The model learns a length instead of an end: its answers stop there whatever was asked, and the end token is predicted
by position. Answers that a generator cut at a limit look like this.

## What it does not mean

Forms with fixed parts (reports, haiku, summaries of a given length) are uniform on purpose. Short labels are not looked
at.

## Example

2,000 answers of 98 to 102 words, all cut by the word limit of an export.

## Check it by hand

    python -c "import json, statistics as s
    n = [len(json.loads(l)['completion'].split()) for l in open('data.jsonl')]
    print(s.mean(n), s.pstdev(n))"

## References

- Singhal et al. 2023, A Long Way to Go: Investigating Length Correlations in RLHF, https://arxiv.org/abs/2310.03716
"""

from __future__ import annotations

from statistics import fmean, pstdev
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.dataset.answer_lengths import lengths_of
from trainclinic.dataset.rule import SINCE

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

FEWEST = Threshold("answers", 30, "answers", "fewer can agree by chance")
LONG = Threshold("mean words", 20, "words", "short answers differ by whole words, which are large shares")
SPREAD = Threshold("deviation over mean", 0.1, "1", "answers that people write spread by 0.4 and more")


def check(data: Data) -> Verdict:
    """Compare the spread of lengths with their mean."""
    words = [length.words for length in lengths_of(data) if not length.is_structured]
    if len(words) < FEWEST.value or fmean(words) <= LONG.value:
        return NotEvaluated(f"at least {FEWEST.value:.0f} prose answers of more than {LONG.value:.0f} words on average")
    spread = pstdev(words) / fmean(words)
    seen = Evidence(f"{len(words):,} answers have {fmean(words):.0f} words on average, with a spread of {spread:.0%}")
    return Present((seen,)) if spread < SPREAD.value else Absent((seen,))


RULE: Rule[Data] = Rule(
    code="ANS006",
    slug="uniform-answer-length",
    severity=Severity.WARNING,
    needs=("kept rows with an answer",),
    check=check,
    thresholds=(FEWEST, LONG, SPREAD),
    since=SINCE,
)
