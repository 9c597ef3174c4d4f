"""Answers end with the same end token twice.

## What it sees

Two equal end tokens behind each other at the end of an answer or of a plain text, with nothing but white space between
them. Two different ones (`<|eot_id|><|end_of_text|>`) are usual, and a longer run is padding. Harmful from half of the
rows on.

## Why it matters

The model learns to write an end after an end. At generation the first one stops it, so that little is lost; in
conversations the second one stands where the next turn should begin, and that differs from inference.

## What it does not mean

It is no reason for answers without an end, and rarely the reason for bad ones.

## Example

Answers in the file already end in `<|im_end|>`, and the template writes it again.

## Check it by hand

Print the last five ids of one row of the training set.

## References

- https://huggingface.co/docs/transformers/chat_templating (templates write their own end tokens)
- https://huggingface.co/docs/trl/sft_trainer (what the trainer appends to a row)
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.dataset.readiness import needs_template
from trainclinic.dataset.rule import Shares, needs_settings, needs_tokenizer, quoted, token_rule
from trainclinic.encoding.encoded import PARTS

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data
    from trainclinic.encoding.encoded import Encoded

ANY = Threshold("share of rows", 0.0, "1", "it comes from the way rows are made, so that any row tells")
MANY = Threshold("share of rows", 0.499, "1", "expert choice, to be calibrated: half of the rows or more")
_TAIL = 4
_FRAME = PARTS.index("frame")


def find(row: Encoded, data: Data) -> str | None:
    """The first end token that stands there twice."""
    if not len(row):
        return None
    for last in _last_tokens(row):
        region = _region(row, last)
        ends = region[row.is_end[region]]
        pairs = [at for at, later in pairwise(ends) if _is_doubled(row, int(at), int(later))]
        if len(pairs) == 1:
            token = data.tokenizer.piece(int(row.ids[pairs[0]]))
            return f"ends with {quoted(token + token)}"
    return None


def _last_tokens(row: Encoded) -> list[int]:
    """The last token of each answer; of the whole row, without padding, where it has none or was tokenised before."""
    if row.sample.ids or not row.is_answer.any():
        attended = np.flatnonzero(row.sample.attended) if len(row.sample.attended) == len(row) else np.arange(len(row))
        return [int(attended[-1])] if len(attended) else []
    numbers = range(int(row.answers.max()) + 1)
    return [int(found[-1]) for number in numbers if len(found := np.flatnonzero(row.answers == number))]


def _region(row: Encoded, last: int) -> NDArray[np.intp]:
    behind = np.arange(last + 1, min(last + 4, len(row)))
    if row.sample.ids:
        behind = behind[:0]
    return np.concatenate([np.arange(max(0, last - _TAIL + 1), last + 1), behind[row.parts[behind] == _FRAME]])


def _is_doubled(row: Encoded, at: int, later: int) -> bool:
    return row.ids[at] == row.ids[later] and not row.text[row.ends[at] : row.starts[later]].strip()


def ready(data: Data) -> str | None:
    """What is missing: the tokenizer, the template of conversations, and whether a tokenizer's own end is added."""
    if missing := needs_tokenizer(data) or needs_template(data):
        return missing
    adds = data.tokenizer.specials.adds_end and not all(row.ids for row in data.survey.samples)
    return needs_settings("adds_specials")(data) if adds else None


RULE = token_rule(
    code="TKN005",
    slug="doubled-end-token",
    severity=Severity.HARMFUL,
    needs=("the tokenizer", "the chat template", "added begin and end tokens"),
    find=find,
    what="end an answer with the same end token twice",
    shares=Shares(ANY, MANY),
    ready=ready,
)
