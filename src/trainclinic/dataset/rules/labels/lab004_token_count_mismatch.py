"""The prompt alone has another number of tokens than in front of its answer.

## What it sees

Where training tokenises the prompt alone and masks as many tokens of the whole row: rows in which that mask ends before
or after the first token of the last answer. A difference that is the same in most rows is named.

## Why it matters

One token too many hides the beginning of every answer from the loss, one too few scores the end of the prompt. An end
token that the tokenizer adds to the prompt, a begin token in one of the two, or a blank at the border do it in all
rows.

## What it does not mean

One token in a long answer costs little. Masks made from character offsets, or from the template's own markers, do not
depend on this count.

## Example

The prompt ends in `Answer:` and a blank; in the row the blank belongs to ` Paris`, so that the mask covers that token.

## Check it by hand

Compare `tokenizer(prompt)["input_ids"]` with the beginning of `tokenizer(prompt + answer)["input_ids"]`.

## References

- https://github.com/haotian-liu/LLaVA/issues/1166 (`tokenization mismatch` by a constant number)
- https://github.com/BAAI-DCAI/Bunny/issues/75 (the same, from a conversation version that does not fit)
- https://github.com/intel/intel-extension-for-transformers/pull/1198 (lengths of separators)
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.dataset.readiness import needs_template, tally_of
from trainclinic.dataset.rule import SINCE, Shares, first_missing, needs_settings, needs_tokenizer, quoted, verdict_on

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data
    from trainclinic.encoding.encoded import Encoded

ANY = Threshold("share of rows", 0.0, "1", "each one has a mask that is off")
MANY = Threshold("share of rows", 0.01, "1", "expert choice, to be calibrated")
SAME = Threshold("share of one difference", 0.8, "1", "a constant comes from the code, not from the rows")
SHARES = Shares(ANY, MANY)
MOST = 1000
"""Rows, spread over the data, that are written and tokenised once more."""


def check(data: Data) -> Verdict:
    """How many masks are off."""
    if missing := needs_settings("mask_by_length")(data):
        return NotEvaluated(missing)
    if not data.preparation.mask_by_length.value:
        return Absent((Evidence("prompts are not masked by their number of tokens"),))
    if missing := first_missing(needs_tokenizer, needs_template, _needs_specials)(data):
        return NotEvaluated(missing)
    rows = [row for row in data.encoded if row.is_answer.any() and not row.sample.ids]
    rows = rows[:: 1 + len(rows) // MOST]
    found = [(row, offset) for row in rows if (offset := _offset(row, data)) is not None]
    if not found:
        return NotEvaluated("rows with a prompt and an answer")
    tally = tally_of((row.sample.source, _says(row, offset)) for row, offset in found)
    total = tally.looked if data.survey.has_all else data.survey.rows
    verdict = verdict_on(tally, "get a mask that is off", SHARES, severity=Severity.HARMFUL, total=total)
    if isinstance(verdict, Present) and (says := _constant(found)):
        first, *rest = verdict.evidence
        return Present((first, Evidence(says), *rest), severity=verdict.severity)
    return verdict


def _needs_specials(data: Data) -> str | None:
    specials = data.tokenizer.specials
    return needs_settings("adds_specials")(data) if specials.adds_begin or specials.adds_end else None


def _offset(row: Encoded, data: Data) -> int | None:
    """Tokens of the prompt alone, less those in front of the last answer; `None` where there is no prompt."""
    first = int(np.flatnonzero(row.answers == row.answers.max())[0])
    spans = data.rows.write(row.sample).answers[int(row.answers.max())]
    if not spans or spans[0][0] == 0:
        return None
    adds = data.preparation.adds_specials
    specials = not data.rows.is_framed(row.sample) if adds.is_assumed else adds.value
    prompt = data.tokenizer.encode([row.text[: spans[0][0]]], specials=specials)[0]
    return len(prompt) - first


def _says(row: Encoded, offset: int) -> str | None:
    if offset == 0:
        return None
    words = quoted(row.sample.answer, 40)
    if offset > 0:
        return f"the mask hides {count(offset, 'token')} at the beginning of {words}"
    return f"the mask ends {count(-offset, 'token')} before {words}"


def _constant(found: list[tuple[Encoded, int]]) -> str:
    """What is said of the difference, where it is the same in most rows."""
    offsets = Counter(offset for _, offset in found if offset)
    if not offsets:
        return ""
    offset, times = offsets.most_common(1)[0]
    if times < SAME.value * len(found):
        return ""
    return f"the difference is {offset:+d} in {times:,} of {count(len(found), 'row')}: the code makes it, not the rows"


RULE: Rule[Data] = Rule(
    code="LAB004",
    slug="token-count-mismatch",
    severity=Severity.HARMFUL,
    needs=("masks by the length of the prompt", "the tokenizer", "the chat template"),
    check=check,
    thresholds=(*SHARES.all, SAME),
    since=SINCE,
)
