"""The tokenizer needs many tokens for the text.

## What it sees

Two numbers over the kept rows under a real tokenizer. Tokens per character of prose in Latin script, above 0.6 and more
than twice what the same tokenizer needs for English: a warning. The share of tokens that are only a piece of one
character, above 20 %: a note. Code, tables and numbers are left out.

## Why it matters

Text that falls apart into bytes fills the length limit several times faster, costs as much more time, and is farther
from what the model knows. Prose in Latin script that needs so many tokens is often garbled, encoded (Base64), or cut by
a tokenizer that belongs to other data.

## What it does not mean

Languages that are rare in the tokenizer's training data always need more: two to three tokens for a Chinese character
under GPT-2 are the tokenizer's, not the data's, fault. English needs 0.2 to 0.3 under public tokenizers.

## Example

Chinese answers under a tokenizer made for English: about two tokens per character, most of them pieces of one.

## Check it by hand

Divide `len(tokenizer(text)["input_ids"])` by `len(text)` for one long row, and for a page of English.

## References

- https://arxiv.org/abs/2305.15425 (how unequal tokenizers are between languages, Petrov et al. 2023)
- https://github.com/openai/tiktoken (byte-level pieces)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.dataset.rule import SINCE, needs_tokenizer, quoted

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data
    from trainclinic.encoding.tokens.tokenizer import Tokens

RATE = Threshold("tokens per character", 0.6, "tokens", "English needs 0.2 to 0.3; expert choice, to be calibrated")
FACTOR = Threshold("times the rate of English", 2.0, "1", "small vocabularies need more for every text")
PIECES = Threshold("share of pieces of characters", 0.2, "1", "expert choice, to be calibrated")
LEAST = Threshold("characters looked at", 2000, "characters", "a rate of less text swings by more than a tenth")
PROSE = Threshold("letters and blanks", 0.85, "share of characters", "code, tables and numbers have less")
LATIN = Threshold("Latin letters", 0.9, "share of letters", "a few names in other scripts belong to prose")
ROWS = 500
LONGEST = 4000
ENGLISH = (
    "The committee met again on Thursday to hear what the two engineers had found in the old bridge. Most steel "
    "was in good order, they said, but water had come in under the western end, and several of the supports would have "
    "to be replaced before winter. Nobody was surprised. People in the village had talked of the noise for years, and "
    "children used to count the seconds between a passing train and the last of the rattling. The work will take about "
    "six months and cost less than a new road around the valley."
)
_LETTERS = re.compile(r"[^\W\d_]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")


def check(data: Data) -> Verdict:
    """Tokens for each character, and how many of them are only pieces of one."""
    if missing := needs_tokenizer(data):
        return NotEvaluated(missing)
    rows = [row for row in data.survey.samples if row.whole.strip()][:ROWS]
    texts = [row.whole[:LONGEST] for row in rows]
    if sum(map(len, texts)) < LEAST.value:
        return NotEvaluated(f"rows with at least {int(LEAST.value):,} characters in all")
    found = data.tokenizer.encode(texts, specials=False)
    english = len(data.tokenizer.ids([ENGLISH])[0]) / len(ENGLISH)
    latin = [at for at, text in enumerate(texts) if _is_latin_prose(text)]
    characters = sum(len(texts[at]) for at in latin)
    rate = sum(len(found[at]) for at in latin) / characters if characters >= LEAST.value else 0.0
    pieces = sum(map(_pieces, found)) / max(1, sum(map(len, found)))
    says = f"{number(rate)} tokens per character of prose in Latin script; English needs {number(english)}"
    parts = Evidence(f"{percent(pieces)} of the tokens are only a piece of one character")
    if rate > RATE.value and rate > FACTOR.value * english:
        worst = max(latin, key=lambda at: len(found[at]) / len(texts[at]))
        return Present((Evidence(says), Evidence(quoted(texts[worst]), rows[worst].source), parts))
    seen = (Evidence(says), parts) if rate else (parts,)
    if pieces > PIECES.value:
        return Present((parts, *_example(rows, found)), severity=Severity.NOTE)
    return Absent(seen)


def _example(rows: list[Sample], found: list[Tokens]) -> tuple[Evidence, ...]:
    worst = max(range(len(rows)), key=lambda at: _pieces(found[at]))
    return (Evidence(quoted(rows[worst].whole[:LONGEST]), rows[worst].source),)


def _is_latin_prose(text: str) -> bool:
    letters = len(_LETTERS.findall(text))
    if letters + text.count(" ") < PROSE.value * len(text):
        return False
    return len(_LATIN.findall(text)) >= LATIN.value * letters


def _pieces(tokens: Tokens) -> int:
    """Tokens that share their character with another one."""
    if len(tokens) < 2:
        return 0
    single = tokens.ends - tokens.starts == 1
    shared = single[1:] & single[:-1] & (tokens.starts[1:] == tokens.starts[:-1])
    return int((np.append(shared, False) | np.append(False, shared)).sum())


RULE: Rule[Data] = Rule(
    code="TKN008",
    slug="many-tokens-per-character",
    severity=Severity.WARNING,
    needs=("the tokenizer", "texts of rows"),
    check=check,
    thresholds=(RATE, FACTOR, PIECES, LEAST, PROSE, LATIN),
    since=SINCE,
)
