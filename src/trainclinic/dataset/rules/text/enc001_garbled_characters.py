"""Some rows hold characters that come from reading text in the wrong character set.

## What it sees

Sequences that UTF-8 leaves behind when its bytes are read as Windows-1252, -1250, -1251, -1254, ISO 8859-1 or Mac
Roman ("donâ€™t", "cafÃ©", "âœ…"), once or twice. Each place is decoded again: where that gives valid UTF-8 the damage
is without loss, where bytes are missing it is lossy. More than 0.1 % of rows is a warning, more than 2 % is harmful.

## Why it matters

The model learns the damage as the spelling of the language and writes it. One apostrophe becomes three characters and
two to four tokens, so rows get longer too.

## What it does not mean

The tokenizer is not broken: it passes on what stands in the rows. Damage of the other direction (U+FFFD) is ENC002's. A
text about encodings quotes such sequences on purpose.

## Example

A report reads "âŒ" for "❌" (E2 9D 8C): the byte 9D has no character in Windows-1252 and was dropped on the way. No
decoder brings it back; only a new export from the source does.

## Check it by hand

    grep -nE 'Ã[©¨¼¶¤±³¡]|â€|âœ|ðŸ' data.jsonl | head

One word: `python -c "print('donâ€™t'.encode('cp1252').decode('utf-8'))"` prints `don’t`.

## References

- https://ftfy.readthedocs.io/ (which damage can be undone, and how it is recognised)
- https://encoding.spec.whatwg.org/#legacy-single-byte-encodings (what the bytes mean in each character set)
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, listed
from trainclinic.dataset.garbling import Garbled, garbled_place
from trainclinic.dataset.kinds import TEXTS
from trainclinic.dataset.row_text import whole_text
from trainclinic.dataset.rule import SINCE, RowRule, Shares, quoted, verdict_on

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

ANY = Threshold(
    "share of rows", 0.001, "1", "texts about encodings quote such sequences; expert choice, to be calibrated"
)
MANY = Threshold("share of rows", 0.02, "1", "expert choice, to be calibrated")
_CODE = "ENC001"
_LOSSY = "Bytes were dropped on the way: no decoder brings these characters back, so export again from the source"
_LOSSLESS = "Every damaged place that was looked at can be decoded again without loss"


def find(sample: Sample) -> str | None:
    """The first damaged place of a row, one that lost bytes before others."""
    place = garbled_place(whole_text(sample))
    return None if place is None else _says(place)


def _says(place: Garbled) -> str:
    if place.is_lossy:
        return f"{quoted(place.seen, 40)} is UTF-8 read as {place.read_as} with bytes lost"
    return f"{quoted(place.seen, 40)} is {quoted(place.meant, 40)} read as {place.read_as}"


def check(data: Data) -> Verdict:
    """Count damaged rows; say of the kept ones which character set it was and whether they can be mended."""
    tally = TEXTS.tally(data, _CODE)
    if not tally.looked:
        return NotEvaluated(TEXTS.missing)
    what = "hold text that was read in the wrong character set"
    verdict = verdict_on(tally, what, Shares(ANY, MANY), severity=Severity.HARMFUL, total=tally.looked)
    if not isinstance(verdict, Present):
        return verdict
    places = [place for sample in data.survey.samples if (place := garbled_place(whole_text(sample)))]
    if not places:
        return verdict
    lossy = sum(place.is_lossy for place in places)
    sets = listed([name for name, _ in Counter(place.read_as for place in places).most_common(3)])
    says = f"{lossy:,} of {count(len(places), 'kept row')} with damage lost bytes (lossy); read as {sets}"
    first, *rest = verdict.evidence
    return replace(verdict, evidence=(first, Evidence(says), *rest), means=_LOSSY if lossy else _LOSSLESS)


RULE = RowRule(
    code=_CODE,
    slug="garbled-characters",
    severity=Severity.HARMFUL,
    needs=("text",),
    check=check,
    thresholds=(ANY, MANY),
    since=SINCE,
    find=find,
)
