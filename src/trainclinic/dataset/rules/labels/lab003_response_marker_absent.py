"""The text after which the loss begins is not found among the tokens of some rows.

## What it sees

A collator searches each row for the token ids of a marker (`### Response:`) and scores what follows. Rows are counted
in which these ids do not stand, and told apart: the text is not there at all, or it is there and becomes other
tokens.

## Why it matters

Such a row is masked as a whole: it carries no loss, and a batch of such rows gives NaN or 0.

## What it does not mean

The marker can be right as text. Most tokenizers of the SentencePiece kind put a blank before the first word, so that a
marker alone and the same marker after a line feed are different tokens.

## Example

Under Llama 2 `### Response:` alone begins with one token, and after a line feed with another: none of 10,000 rows has
it.

## Check it by hand

Compare `tokenizer.encode(marker, add_special_tokens=False)` with the ids of one row around the marker; pass the ids as
they stand in the row.

## References

- https://github.com/huggingface/trl/issues/1183 (the marker is in the text, not in the ids)
- https://github.com/huggingface/trl/issues/1920 (rows that are ignored in the loss)
- https://github.com/huggingface/trl/issues/1820 (the same with other models)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.dataset.readiness import needs_template, tally_of
from trainclinic.dataset.rule import SINCE, Shares, first_missing, needs_settings, needs_tokenizer, quoted, verdict_on

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data
    from trainclinic.encoding.encoded import Encoded
    from trainclinic.encoding.tokens.tokenizer import Ids

ANY = Threshold("share of rows", 0.0, "1", "each one is masked as a whole")
MANY = Threshold("share of rows", 0.01, "1", "expert choice, to be calibrated")
SHARES = Shares(ANY, MANY)
_SETTLE = "give the collator the token ids of the marker as they stand in a row, not its text"


def check(data: Data) -> Verdict:
    """How many rows lack the marker."""
    if missing := first_missing(needs_settings("response_marker"), needs_tokenizer, needs_template)(data):
        return NotEvaluated(missing)
    marker = data.preparation.response_marker.value
    if not marker:
        return Absent((Evidence("the collator searches for no marker"),))
    ids = data.tokenizer.ids([marker])[0]
    rows = [row for row in data.encoded if not row.sample.labels]
    if not rows or not len(ids):
        return NotEvaluated("rows without labels of their own")
    tally = tally_of((row.sample.source, _says(row, marker, ids)) for row in rows)
    total = tally.looked if data.survey.has_all else data.survey.rows
    found = verdict_on(
        tally, f"lack the tokens of {quoted(marker)}", SHARES, severity=Severity.HARMFUL, total=total, settle=_SETTLE
    )
    if isinstance(found, Present) and (seen := next((row for row in rows if _says(row, marker, ids)), None)):
        pieces = Evidence(_pieces(data, seen, marker, ids))
        return Present((found.evidence[0], pieces, *found.evidence[1:]), found.means, found.settle, found.severity)
    return found


def _says(row: Encoded, marker: str, ids: Ids) -> str | None:
    if _stands_in(row.ids, ids):
        return None
    if marker in row.text:
        at = row.text.index(marker)
        return f"the text is there and has other tokens: {quoted(row.text[max(0, at - 20) : at + len(marker) + 10])}"
    return f"the text is not in {quoted(row.text, 70)}"


def _stands_in(row: Ids, ids: Ids) -> bool:
    if len(ids) > len(row):
        return False
    windows = np.lib.stride_tricks.sliding_window_view(row, len(ids))
    return bool((windows == ids).all(axis=1).any())


def _pieces(data: Data, row: Encoded, marker: str, ids: Ids) -> str:
    """The tokens of the marker alone, and in a row where it has others."""
    alone = _shown(data, ids)
    at = row.text.find(marker)
    if at < 0:
        return f"alone the marker is {alone}"
    inside = row.ids[(row.ends > at) & (row.starts < at + len(marker))]
    return f"alone the marker is {alone}; in the row it is {_shown(data, inside)}"


def _shown(data: Data, ids: Ids) -> str:
    pieces = [data.tokenizer.piece(int(token)).replace("\n", "\\n").replace("`", "'") for token in ids[:8]]
    return " ".join(f"`{piece}`" for piece in pieces) + (" ..." if len(ids) > 8 else "")


RULE: Rule[Data] = Rule(
    code="LAB003",
    slug="response-marker-absent",
    severity=Severity.HARMFUL,
    needs=("the response marker", "the tokenizer"),
    check=check,
    thresholds=SHARES.all,
    since=SINCE,
)
