"""Text becomes unknown tokens.

## What it sees

The share of unknown tokens (`<unk>`, `[UNK]`) among the tokens of the kept rows, above 0.1 %. Tokenizers that fall back
to bytes have none to give, and those whose unknown token is also their end token cannot be asked.

## Why it matters

The model cannot see what stood there and, in an answer, learns to write the unknown token.

## What it does not mean

Some corpora hold `<unk>` as text (WikiText does); it then stands in the file, and the tokenizer is right. A few rare
signs do no harm.

## Example

Emoji under a WordPiece tokenizer: each one is `[UNK]`, and 2 % of all tokens are.

## Check it by hand

Count `tokenizer.unk_token_id` in `tokenizer(text)["input_ids"]`.

## References

- https://huggingface.co/docs/transformers/tokenizer_summary (unknown tokens, and tokenizers without any)
- https://arxiv.org/abs/1808.06226 (SentencePiece, Kudo and Richardson 2018)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import percent
from trainclinic.dataset.readiness import needs_template
from trainclinic.dataset.rule import SHOWN, SINCE, first_missing, needs_tokenizer, quoted

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

SHARE = Threshold("share of tokens", 0.001, "1", "expert choice, to be calibrated: one in a thousand")


def check(data: Data) -> Verdict:
    """The share of unknown tokens."""
    if missing := first_missing(needs_tokenizer, needs_template)(data):
        return NotEvaluated(missing)
    specials = data.tokenizer.specials
    unknown = specials.id_of(specials.unknown)
    if unknown is None or unknown in specials.ends:
        return Absent((Evidence("the tokenizer has no token that stands for unknown text alone"),))
    rows = [row for row in data.encoded if len(row)]
    if not rows:
        return NotEvaluated("a row that can be tokenised")
    count, all_tokens = sum(int((row.ids == unknown).sum()) for row in rows), sum(map(len, rows))
    says = f"{count:,} of {all_tokens:,} tokens ({percent(count / all_tokens)}) are {quoted(specials.unknown)}"
    if count <= SHARE.value * all_tokens:
        return Absent((Evidence(says),))
    examples = []
    for row in rows:
        if len(places := np.flatnonzero(row.ids == unknown)):
            start, end = int(row.starts[places[0]]), int(row.ends[places[0]])
            shown = f"{quoted(row.text[start:end], 20)} in {quoted(row.text[max(0, start - 25) : end + 25])}"
            examples.append(Evidence(shown, row.sample.source))
        if len(examples) == SHOWN:
            break
    return Present((Evidence(says), *examples))


RULE: Rule[Data] = Rule(
    code="TKN007",
    slug="unknown-tokens",
    severity=Severity.WARNING,
    needs=("the tokenizer",),
    check=check,
    thresholds=(SHARE,),
    since=SINCE,
)
