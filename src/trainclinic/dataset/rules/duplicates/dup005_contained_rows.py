"""Some rows are part of a longer row.

## What it sees

Rows of at least 50 words of which 80 % of the runs of 13 words stand in another row that is at least a tenth longer.
Of conversations the answers are compared, of plain texts the whole text. A conversation that is the beginning of a
longer one is not counted: it was cut into turns on purpose. More than 5 % of the rows make a warning. All rows are
compared while their text is under 20 million characters; beyond that only a sample, in which most partners are missing,
so that the symptom can be shown but not be excluded.

## Why it matters

The contained text is learned several times though no row is a copy: quoted replies in mail and forum threads,
overlapping windows of a document, an article and its chapters. It is memorised first, and a split by rows leaks.

## What it does not mean

Windows that overlap on purpose, drafts and their final versions, and code that grows from row to row are meant. Short
quotations do not count: 80 % of the row must stand in the other.

## Example

Of 2,400 mails 700 are quoted in full by their replies, which are rows of their own.

## Check it by hand

    python -c "import json; t = sorted((json.loads(l)['text'] for l in open('data.jsonl')), key=len)
    print(sum(any(a in b for b in t[i + 1:]) for i, a in enumerate(t)), 'of', len(t))"

It finds texts that are contained to the last character, and takes minutes from 20,000 rows on.

## References

- Broder 1997, On the resemblance and containment of documents, https://doi.org/10.1109/SEQUEN.1997.666900
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Present, Severity, Verdict
from trainclinic.dataset.duplicates.passages import containment
from trainclinic.dataset.duplicates.words import split_words
from trainclinic.dataset.row_text import target_text
from trainclinic.dataset.rule import SINCE, Shares, quoted, verdict_on
from trainclinic.dataset.tally import Tally

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

SOME = Threshold("share of rows", 0.05, "1", "expert choice, to be calibrated")
WORDS = Threshold("length of a row", 50, "words", "shorter answers are quoted by nature")


def check(data: Data) -> Verdict:
    """Count kept rows that are part of another kept row."""
    samples = data.survey.samples
    texts = [target_text(sample) for sample in samples]
    counts = split_words(texts).counts
    texts = [text if words >= WORDS.value else "" for text, words in zip(texts, counts, strict=True)]
    tally = Tally()
    within = {one.row: one.within for one in containment(texts)}
    for at, sample in enumerate(samples):
        longer = samples[within[at]] if at in within else None
        is_part = longer is not None and not _begins(longer, sample)
        says = f"part of {longer.source}: {quoted(texts[at])}" if longer is not None and is_part else None
        tally.add(sample.source, says)
    what = "are part of a longer row"
    verdict = verdict_on(tally, what, Shares(SOME), severity=Severity.WARNING, total=data.survey.rows)
    if isinstance(verdict, Present) or data.survey.has_all:
        return verdict
    return NotEvaluated("at most 20 million characters of data, so that every row can be compared with every other")


def _begins(longer: Sample, sample: Sample) -> bool:
    """Whether a conversation is the beginning of a longer one."""
    turns = len(sample.messages)
    return 0 < turns < len(longer.messages) and longer.messages[:turns] == sample.messages


RULE: Rule[Data] = Rule(
    code="DUP005",
    slug="contained-rows",
    severity=Severity.WARNING,
    needs=("kept rows",),
    check=check,
    thresholds=(SOME, WORDS),
    since=SINCE,
)
