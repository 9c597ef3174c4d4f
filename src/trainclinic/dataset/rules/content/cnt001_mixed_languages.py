"""The rows are in several languages.

## What it sees

The writing system of each kept row (Latin, Cyrillic, Greek, Arabic, Hebrew, Devanagari, Thai, Hangul, Japanese,
Chinese), and for Latin script the language whose most frequent words it has. Noted when a second one makes more than
5 % of the rows that could be told.

## Why it matters

A model trained on a mixture answers in the language that is more frequent for a kind of question, not in that of the
question; and a tokenizer made for one language takes many tokens for another.

## What it does not mean

Translation data and multilingual sets are mixed on purpose. Short rows, code and names are not told apart.

## Example

A support set in German, of which 9 % are English standard answers.

## Check it by hand

Read twenty rows by chance.

## References

- https://github.com/pemistahl/lingua-py (a language detector for finer answers)
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import percent
from trainclinic.dataset.row_text import target_text
from trainclinic.dataset.rule import SINCE
from trainclinic.signals.text_language import language_of

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

SECOND = Threshold("share of the second language", 0.05, "1", "single rows in another language are in most sets")
FEWEST = Threshold("rows that can be told", 30, "rows", "fewer say little about a share")
READ, ROWS = 600, 2_000


def check(data: Data) -> Verdict:
    """Tell the language of the kept rows."""
    samples = data.survey.samples
    looked_at = [(language_of(target_text(row)[:READ]), row) for row in samples[:: len(samples) // ROWS + 1]]
    told = [(language, row) for language, row in looked_at if language]
    if len(told) < FEWEST.value:
        return NotEvaluated(f"at least {FEWEST.value:.0f} rows whose language can be told")
    counted = Counter(language for language, _ in told)
    says = ", ".join(f"{name} {percent(number / len(told))}" for name, number in counted.most_common(5))
    seen = Evidence(f"of {len(told):,} rows that could be told: {says}")
    second = counted.most_common(2)[1:]
    if not second or second[0][1] / len(told) <= SECOND.value:
        return Absent((seen,))
    example = next(row for language, row in told if language == second[0][0])
    return Present((seen, Evidence(f"the first in {second[0][0]}", example.source)))


RULE: Rule[Data] = Rule(
    code="CNT001",
    slug="mixed-languages",
    severity=Severity.NOTE,
    needs=("kept rows",),
    check=check,
    thresholds=(SECOND, FEWEST),
    since=SINCE,
)
