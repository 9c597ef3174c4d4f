"""Some rows write the same characters in another form of Unicode than the rest.

## What it sees

Three things in a row: Latin, Greek or Cyrillic letters with a separate accent that have a single character of their own
(NFD: `e` + U+0301 for `é`); a no-break space between two words; full-width letters in a text without Chinese, Japanese
or Korean characters. No-break spaces beside punctuation, numbers, units and single letters are typography and not
counted. More than 0.1 % of rows is a note, more than 5 % a warning.

## Why it matters

`é` and `e` + U+0301 look the same and are different tokens: the model sees two spellings, the rarer of which it hardly
knows. A no-break space is another token than a space and often splits the word behind it.

## What it does not mean

Neither form is wrong. File names from macOS, some PDF extractions and scholarly transcriptions come in NFD, and scripts
that need combining marks (Hindi, Hebrew, Thai) are left out.

## Example

Half of a Vietnamese data set was typed (NFC), half came out of PDF files (NFD): 40 % more tokens for the second half.

## Check it by hand

    python -c "import unicodedata as u
    print(sum(not u.is_normalized('NFC', line) for line in open('data.txt', encoding='utf-8')))"

## References

- https://www.unicode.org/reports/tr15/ (normalisation forms)
- https://docs.python.org/3/library/unicodedata.html#unicodedata.normalize
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Present, Severity, Verdict
from trainclinic.dataset.kinds import TEXTS
from trainclinic.dataset.row_text import whole_text
from trainclinic.dataset.rule import SINCE, RowRule, Shares, quoted, verdict_on

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

ANY = Threshold("share of rows", 0.001, "1", "single rows are copied from elsewhere; expert choice, to be calibrated")
MANY = Threshold("share of rows", 0.05, "1", "below it the rarer spelling is rarely learned; expert choice")
_CODE = "ENC005"
_ACCENT = re.compile("[A-Za-z\xc0-\u024f\u0370-\u04ff\u1e00-\u1fff][\u0300-\u036f]")
_SPACE = re.compile(r"(?<=[^\W\d_]{2})\xa0(?=[^\W\d_]{2})")
_WIDE = re.compile("[\uff21-\uff3a\uff41-\uff5a]{2}")
_ANY_OF_THEM = re.compile("[\u0300-\u036f\xa0\uff21-\uff3a\uff41-\uff5a]")
_EASTERN = re.compile("[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_AROUND = 12


def find(sample: Sample) -> str | None:
    """The first other form of a row."""
    whole = whole_text(sample)
    if whole.isascii() or not _ANY_OF_THEM.search(whole):
        return None
    if (at := _separate_accent(whole)) is not None:
        return f"U+{ord(whole[at + 1]):04X} after its letter in {_around(whole, at)}"
    if "\xa0" in whole and (found := _SPACE.search(whole)):
        return f"a no-break space in {_around(whole, found.start())}"
    found = _WIDE.search(whole)
    if found and not _EASTERN.search(whole):
        return f"full-width letters in {_around(whole, found.start())}"
    return None


def _separate_accent(text: str) -> int | None:
    """Where a letter is followed by an accent that it could be one character with."""
    for found in _ACCENT.finditer(text):
        if len(unicodedata.normalize("NFC", found.group())) == 1:
            return found.start()
    return None


def _around(text: str, at: int) -> str:
    return quoted(text[max(0, at - _AROUND) : at + _AROUND].replace("\xa0", "\u2423"))


def check(data: Data) -> Verdict:
    """Count rows with other forms."""
    tally = TEXTS.tally(data, _CODE)
    if not tally.looked:
        return NotEvaluated(TEXTS.missing)
    what = "write characters in another form of Unicode"
    verdict = verdict_on(tally, what, Shares(ANY), severity=Severity.WARNING, total=tally.looked)
    if isinstance(verdict, Present) and tally.share <= MANY.value:
        return replace(verdict, severity=Severity.NOTE)
    return verdict


RULE = RowRule(
    code=_CODE,
    slug="mixed-unicode-forms",
    severity=Severity.WARNING,
    needs=("text",),
    check=check,
    thresholds=(ANY, MANY),
    since=SINCE,
    find=find,
)
