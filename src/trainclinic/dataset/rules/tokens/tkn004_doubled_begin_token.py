"""Rows begin with two begin tokens.

## What it sees

The first two ids of a row are both the begin token: the template or the text writes it, and the tokenizer adds another.
Harmful from half of the rows on.

## Why it matters

Pretrained models saw one begin token. Two shift every position and put the row off what the model knows; the cost was
some points of accuracy where it was measured, and inference without the second token differs from training.

## What it does not mean

Models forgive it more or less; with two at inference as well the harm is small. Rows of further pretraining that were
cut out of packed documents may begin with an end and a begin token that share one id.

## Example

`tokenizer(tokenizer.apply_chat_template(messages, tokenize=False))` with a Llama-3 tokenizer: both write
`<|begin_of_text|>`.

## Check it by hand

Print `input_ids[:3]` of one row of the training set.

## References

- https://github.com/huggingface/trl/issues/1400 (begin token twice after the chat template)
- https://github.com/OpenRLHF/OpenRLHF/pull/393 (the same in another trainer)
- https://github.com/princeton-pli/retaining-by-doing/issues/5 (six points of MMLU)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.dataset.rule import Shares, needs_settings, needs_tokenizer, quoted, token_rule

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data
    from trainclinic.encoding.encoded import Encoded

ANY = Threshold("share of rows", 0.0, "1", "it comes from the way rows are made, so that any row tells")
MANY = Threshold("share of rows", 0.499, "1", "expert choice, to be calibrated: half of the rows or more")


def find(row: Encoded, data: Data) -> str | None:
    """The two tokens at the beginning, behind any padding on the left."""
    begin = data.tokenizer.specials.id_of(data.tokenizer.specials.begin)
    attended = row.sample.attended
    first = attended.index(1) if attended and 1 in attended else 0
    if begin is None or len(row) < first + 2 or not (row.ids[first : first + 2] == begin).all():
        return None
    token = data.tokenizer.specials.begin
    return f"begins with {quoted(token + token)}"


def ready(data: Data) -> str | None:
    """What is missing: the tokenizer, and where it adds a begin token, whether training lets it."""
    if missing := needs_tokenizer(data):
        return missing
    adds = data.tokenizer.specials.adds_begin and not all(row.ids for row in data.survey.samples)
    return needs_settings("adds_specials")(data) if adds else None


RULE = token_rule(
    code="TKN004",
    slug="doubled-begin-token",
    severity=Severity.HARMFUL,
    needs=("the tokenizer", "the chat template", "added begin and end tokens"),
    find=find,
    what="begin with two begin tokens",
    shares=Shares(ANY, MANY),
    ready=ready,
)
