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

import re
from collections import Counter
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import percent
from trainclinic.dataset.row_text import target_text
from trainclinic.dataset.rule import SINCE

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

SECOND = Threshold("share of the second language", 0.05, "1", "single rows in another language are in most sets")
FEWEST = Threshold("rows that can be told", 30, "rows", "fewer say little about a share")
LEAST_WORDS = 4
"""Frequent words of a language that a row must have before it is told."""
READ, ROWS = 600, 2_000
_SCRIPTS = {
    "Cyrillic": "\u0400-\u04ff", "Greek": "\u0370-\u03ff", "Hebrew": "\u0590-\u05ff", "Arabic": "\u0600-\u06ff",
    "Devanagari": "\u0900-\u097f", "Thai": "\u0e00-\u0e7f", "Korean": "\uac00-\ud7af", "Japanese": "\u3040-\u30ff",
    "Chinese": "\u4e00-\u9fff",
}  # fmt: skip
_FREQUENT = {
    "English": "the of and to in is that for it with as was on are this be by not have from",
    "German": "der die und das ist nicht mit den von ein eine zu auf sich auch für dem des im wird",
    "French": "le la les et des est une dans que pour qui sur pas avec plus par ce sont aux du",
    "Spanish": "el los las que una por con para es del se como más pero sus este son muy hay lo",
    "Portuguese": "o os as que uma não com para é do da em se mais por dos das um são ao",
    "Italian": "il di che è per non una sono con del della gli anche nel più come questo alla dei lo",
    "Dutch": "de het een van en is dat op te niet met voor zijn aan er ook om bij naar wordt",
    "Polish": "i w nie na się z do to że jest jak po o co ale od przez dla może tylko",
    "Turkish": "bir ve bu için ile da de olarak daha çok ne gibi kadar olan sonra ama en ben her o",
    "Swedish": "och att det som en på är av för med den till inte om har ett var jag från vi",
    "Vietnamese": "của và là có không được cho một các trong với người này để những khi đã như từ về",
    "Indonesian": "yang dan di dengan untuk ini dari tidak pada dalam itu adalah akan ke oleh juga atau saya ada sudah",
}
_WORDS = {name: frozenset(words.split()) for name, words in _FREQUENT.items()}
_CODE = re.compile(r"```|^\s*(?:def|class|import|#include|public|function)\b", re.MULTILINE)
_LETTERS = re.compile(r"[^\W\d_]+")


def check(data: Data) -> Verdict:
    """Tell the language of the kept rows."""
    samples = data.survey.samples
    told = [(language, row) for row in samples[:: len(samples) // ROWS + 1] if (language := language_of(row))]
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


def language_of(sample: Sample) -> str:
    """Writing system or language of a row; empty when it cannot be told.

    Args:
        sample: The row.
    """
    text = target_text(sample)[:READ]
    if _CODE.search(text):
        return ""
    for name, letters in _SCRIPTS.items():
        if not text.isascii() and len(re.findall(f"[{letters}]", text)) > len(text) / 5:
            return "Japanese" if name == "Chinese" and re.search("[\u3040-\u30ff]", text) else name
    words = _LETTERS.findall(text.lower())
    seen = sorted(((sum(word in known for word in words), name) for name, known in _WORDS.items()), reverse=True)
    is_clear = seen[0][0] >= LEAST_WORDS and seen[0][0] >= 1.5 * seen[1][0]
    return seen[0][1] if is_clear else ""


RULE: Rule[Data] = Rule(
    code="CNT001",
    slug="mixed-languages",
    severity=Severity.NOTE,
    needs=("kept rows",),
    check=check,
    thresholds=(SECOND, FEWEST),
    since=SINCE,
)
