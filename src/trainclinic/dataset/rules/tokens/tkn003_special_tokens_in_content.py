"""Contents of rows turn into special tokens.

## What it sees

Literals inside questions, answers and plain texts that the tokenizer reads as its special tokens (`<|im_end|>` in a
question). An end token at the end of a text and a begin token at its beginning do not count, nor do rows that were
formatted before: those of which most begin with special tokens.

## Why it matters

Training does not see the words but the token: an answer about `<|im_end|>` ends in its middle, and a question can end
its turn and begin another one. `<s>` in HTML becomes a begin token.

## What it does not mean

A handful of such rows does no harm to speak of. Where users can write such text, the same happens at inference, and
there it lets them speak in the name of the system.

## Example

An answer of 300 words on chat templates names `<|im_end|>` twice; the tokenizer makes two ends of turns of it.

## Check it by hand

Search the file for the tokens in `special_tokens_map.json` with `grep -cF`.

## References

- https://huggingface.co/docs/transformers/main_classes/tokenizer (`split_special_tokens`)
- https://github.com/openai/tiktoken (special tokens in text are refused unless they are allowed)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Severity, Verdict
from trainclinic.dataset.once import asked_once
from trainclinic.dataset.readiness import tally_of
from trainclinic.dataset.rule import SINCE, Shares, needs_tokenizer, quoted, verdict_on
from trainclinic.dataset.special_text import texts_of, token_count

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

ANY = Threshold("share of rows", 0.0, "1", "each one is a turn that ends in its middle")
PREFORMATTED = Threshold("share of rows", 0.5, "1", "where most rows begin with markup, somebody wrote it on purpose")
SHARES = Shares(ANY)


def check(data: Data) -> Verdict:
    """How many rows hold text that becomes a special token."""
    if missing := needs_tokenizer(data):
        return NotEvaluated(missing)
    rows = [row for row in data.survey.samples if row.text or row.messages]
    if _are_formatted([row for row in rows if not data.rows.is_framed(row)], data):
        rows = [row for row in rows if data.rows.is_framed(row)]
    if not rows:
        return NotEvaluated("rows that were not formatted before")
    tally = tally_of((row.source, _find(row, data)) for row in rows)
    return verdict_on(
        tally, "hold text that becomes a special token", SHARES, severity=Severity.WARNING, total=tally.looked
    )


@asked_once
def own_literals(data: Data) -> re.Pattern[str] | None:
    """What the tokenizer reads as special tokens."""
    literals = sorted((one for one in data.tokenizer.specials.ids if len(one) > 2), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, literals))) if literals else None


def _are_formatted(rows: list[Sample], data: Data) -> bool:
    """Whether most rows begin with special tokens, and so were written for this tokenizer."""
    pattern = own_literals(data)
    if pattern is None or not rows:
        return False
    begin = sum(pattern.match(row.whole.lstrip()[:64]) is not None for row in rows)
    return begin > PREFORMATTED.value * len(rows)


def _find(sample: Sample, data: Data) -> str | None:
    """The first special token inside a text of the row."""
    pattern = own_literals(data)
    if pattern is None:
        return None
    for text, _ in texts_of(sample):
        first, last = len(text) - len(text.lstrip()), len(text.rstrip())
        for match in pattern.finditer(text):
            is_frame = match.start() == first or match.end() == last
            if not (is_frame and _is_boundary(match[0], data)) and token_count(data, match[0]) == 1:
                return f"{quoted(match[0])} in {quoted(text[max(0, match.start() - 30) : match.end() + 30], 70)}"
    return None


def _is_boundary(literal: str, data: Data) -> bool:
    specials = data.tokenizer.specials
    return literal == specials.begin or specials.ids[literal] in specials.ends


RULE: Rule[Data] = Rule(
    code="TKN003",
    slug="special-tokens-in-content",
    severity=Severity.WARNING,
    needs=("texts of rows", "the tokenizer"),
    check=check,
    thresholds=(ANY, PREFORMATTED),
    since=SINCE,
)
