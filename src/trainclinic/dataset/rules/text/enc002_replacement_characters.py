r"""Some rows hold U+FFFD, the sign that stands for bytes which could not be read.

## What it sees

The replacement character (� where a font has it) in the text of a row. More than 0.1 % of rows is a warning, more
than 2 % is harmful.

## Why it matters

What stood there is gone: a decoder was told to replace what it could not read (`errors="replace"`), mostly because a
Windows or Latin file was read as UTF-8, or because a byte stream was cut inside a character. The model learns to write
the sign in the middle of words.

## What it does not mean

The rows were not necessarily damaged by the last step: the sign is valid text and survives every later conversion.
Texts about Unicode, terminals and parsers use it on purpose.

## Example

`Stra�e` in 4 % of the rows of an export that was written as Windows-1252.

## Check it by hand

    python -c "print(sum('\ufffd' in line for line in open('data.jsonl', encoding='utf-8')))"

JSON can also hold it as the six characters backslash `ufffd`: search for these as well.

## References

- https://www.unicode.org/faq/utf_bom.html (what a decoder does with bytes that it cannot read)
- https://docs.python.org/3/library/codecs.html#error-handlers
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.corpus.sample import Sample
from trainclinic.dataset.kinds import TEXTS, rule_among
from trainclinic.dataset.row_text import whole_text
from trainclinic.dataset.rule import Shares, quoted

ANY = Threshold("share of rows", 0.001, "1", "texts about Unicode use the sign; expert choice, to be calibrated")
MANY = Threshold("share of rows", 0.02, "1", "as for text read in the wrong character set; expert choice")
_SIGN = "\N{REPLACEMENT CHARACTER}"
_AROUND = 20


def find(sample: Sample) -> str | None:
    """Where the first replacement character stands."""
    whole = whole_text(sample)
    at = whole.find(_SIGN)
    if at < 0:
        return None
    return f"{whole.count(_SIGN):,} times U+FFFD, first in {quoted(whole[max(0, at - _AROUND) : at + _AROUND])}"


RULE = rule_among(
    TEXTS,
    code="ENC002",
    slug="replacement-characters",
    severity=Severity.HARMFUL,
    needs=("text",),
    find=find,
    what="hold U+FFFD in place of lost characters",
    shares=Shares(ANY, MANY),
)
