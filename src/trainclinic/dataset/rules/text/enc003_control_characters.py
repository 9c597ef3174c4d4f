r"""Some rows hold characters that nobody sees: control codes, escape sequences, zero-width signs.

## What it sees

Control characters other than tab, line feed, carriage return and form feed; terminal escape sequences; zero-width
spaces, word joiners, byte-order marks and soft hyphens inside the text; characters of the private-use areas. A joiner
inside an emoji, joiners of Arabic, Persian and Indic scripts, and the zero-width spaces that divide words of Thai, Lao,
Khmer and Burmese are right and not counted. More than 0.1 % of rows is a warning.

## Why it matters

`data` with a zero-width space inside is other tokens than `data`. The model learns to write signs that break
copied code, search and JSON of whoever uses its output, and nobody sees them when proof-reading.

## What it does not mean

The model will not fail because of a few of them. Recordings of a terminal hold escape sequences on purpose, and icon
fonts live in the private-use areas.

## Example

Text from web pages with `\xad` in long words, and a chat export in which each message begins with U+200B.

## Check it by hand

    grep -nP '[\x00-\x08\x0e-\x1f\x7f]|\xe2\x80\x8b|\xc2\xad' data.txt | head

In JSON lines such characters are mostly escaped: search for `\u200b`, `\u00ad`, `\u001b` as well.

## References

- https://www.unicode.org/reports/tr14/ (soft hyphen, zero-width space, word joiner)
- https://www.unicode.org/reports/tr36/ (security of characters that are not seen)
"""

from __future__ import annotations

import re
from functools import cache

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.corpus.sample import Sample
from trainclinic.dataset.kinds import TEXTS, rule_among
from trainclinic.dataset.row_text import whole_text
from trainclinic.dataset.rule import Shares, quoted

ANY = Threshold("share of rows", 0.001, "1", "single rows of terminal text are normal; expert choice, to be calibrated")
_NAMES = {
    "\x00": "a NUL character",
    "\x1b": "a terminal escape sequence",
    "\x7f": "a delete character",
    "\xad": "a soft hyphen",
    "\u200b": "a zero-width space",
    "\u200c": "a zero-width non-joiner",
    "\u200d": "a zero-width joiner",
    "\u2060": "a word joiner",
    "\ufeff": "a byte-order mark",
}
_BEFORE = 16


def find(sample: Sample) -> str | None:
    """The first unseen character of a row and the text before it."""
    whole = whole_text(sample)
    found = _ascii_controls().search(whole) if whole.isascii() else _unseen().search(whole)
    if found is None:
        return None
    code = found.group()
    kind = _NAMES.get(code) or ("a private-use character" if ord(code) > 0x9F else "a control character")
    before = whole[max(0, found.start() - _BEFORE) : found.start()].strip()
    return f"U+{ord(code):04X}, {kind}" + (f", after {quoted(before)}" if before else "")


@cache
def _ascii_controls() -> re.Pattern[str]:
    return re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


@cache
def _unseen() -> re.Pattern[str]:
    """One class first, so that a search is fast; what makes a sign right is looked at around it."""
    joined = (
        "\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefc\u0700-\u074f"
        "\u0900-\u0dff\u1000-\u109f\u1780-\u17ff\u1800-\u18af"
    )
    divided = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u0f00-\u0fff\u3040-\u30ff\u4e00-\u9fff"
    emoji = "\ufe0f\u2600-\u27bf\u2190-\u21ff\u2b00-\u2bff\U0001f000-\U0001faff"
    return re.compile(
        "[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\xad\u2060\ufeff\u200b-\u200d\ue000-\uf8ff\U000f0000-\U0010fffd]"
        f"(?<![{joined}][\u200c\u200d])(?<![{emoji}]\u200d)(?<![{divided}]\u200b)"
        f"(?!(?<=\u200b)[{divided}])"
    )


RULE = rule_among(
    TEXTS,
    code="ENC003",
    slug="control-characters",
    severity=Severity.WARNING,
    needs=("text",),
    find=find,
    what="hold characters that nobody sees",
    shares=Shares(ANY),
)
