"""Some rows carry no loss at all.

## What it sees

Rows without a single scored token under the stated loss mask, length limit and collator: no answer, answers that the
row takes out of the loss, a prompt that fills the whole window, a marker that is not found. Any is a warning, more
than 1 % is harmful. Without a tokenizer only rows speak of which that is sure whatever the tokenizer.

## Why it matters

The mean over no tokens is 0/0. Where such rows fill a batch, its loss is NaN or 0, and a NaN gradient ends the run;
where they stand beside others, they cost time and teach nothing.

## What it does not mean

A loss of exactly 0 or NaN has other reasons too. Trainers that drop such rows before training are not harmed; TRL does
so in recent versions.

## Example

`max_length` is 512 and 140 of 4,000 prompts are longer: with the loss on answers these rows have no target.

## Check it by hand

Count the rows of the prepared training set for which `all(label == -100 for label in row["labels"])`.

## References

- https://github.com/huggingface/trl/issues/3927 (answers truncated away, loss 0)
- https://github.com/huggingface/trl/pull/6025 (rows without targets are dropped)
- https://github.com/AnswerDotAI/fsdp_qlora/issues/45 (NaN from fully masked rows)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.dataset.readiness import needs_mask, needs_template, tally_of
from trainclinic.dataset.rule import SINCE, Shares, needs_settings, needs_tokenizer, quoted, verdict_on
from trainclinic.dataset.token_bounds import LONGEST_AVERAGE, surely_fits, surely_loses_answer

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data
    from trainclinic.dataset.tally import Tally
    from trainclinic.encoding.encoded import Encoded

ANY = Threshold("share of rows", 0.0, "1", "a batch of such rows alone has no loss")
MANY = Threshold("share of rows", 0.01, "1", "expert choice, to be calibrated")
SHARES = Shares(ANY, MANY)
_WHAT = "have no token with a loss"


def check(data: Data) -> Verdict:
    """How many rows have no target."""
    rows = data.survey.samples
    is_plain = not all(row.ids for row in rows)
    if is_plain and (missing := needs_mask(data)):
        return NotEvaluated(missing)
    is_bounded = data.tokenizer.is_stand_in and is_plain
    if not is_bounded and (missing := needs_template(data)):
        return NotEvaluated(missing)
    tally = _sure(data) if is_bounded else tally_of((row.sample.source, _says(row)) for row in data.encoded)
    if tally.hits == 0:
        if missing := _needs_limit(data):
            return NotEvaluated(missing)
        if is_bounded and not all(_has_targets(row, data) for row in rows):
            return NotEvaluated(needs_tokenizer(data) or "a tokenizer")
    return verdict_on(tally, _WHAT, SHARES, severity=Severity.HARMFUL, total=_total(data, tally))


def _needs_limit(data: Data) -> str | None:
    return needs_settings("max_length")(data)


def _total(data: Data, tally: Tally) -> int:
    return tally.looked if data.survey.has_all else data.survey.rows


def _says(row: Encoded) -> str | None:
    if not len(row) or row.target_count:
        return None
    sample = row.sample
    if sample.messages and not sample.answers:
        return f"there is no answer after {quoted(sample.whole)}"
    if row.answer_count and row.answer_lost == row.answer_count:
        return f"the answer begins behind the length limit, after {quoted(sample.prompt)}"
    if sample.ids:
        return f"none of {count(len(row), 'token')} is scored"
    return f"nothing is scored in {quoted(sample.whole or row.text)}"


def _sure(data: Data) -> Tally:
    """What is sure without a tokenizer."""
    return tally_of((row.source, _surely_none(row, data)) for row in data.survey.samples)


def _surely_none(sample: Sample, data: Data) -> str | None:
    scored, limit = data.preparation.scored, data.preparation.max_length
    if not sample.messages or scored.value == "all" or scored.is_assumed:
        return None
    if not sample.answers:
        return f"there is no answer after {quoted(sample.whole)}"
    is_one = len(sample.answers) == 1 or scored.value == "last-answer"
    if is_one and _cuts_the_end(data) and limit.value and surely_loses_answer(sample, limit.value):
        return f"{len(sample.prompt):,} characters stand before the answer, the limit is {limit.value:,} tokens"
    return None


def _cuts_the_end(data: Data) -> bool:
    preparation = data.preparation
    is_packed = preparation.packing.value and not preparation.packing.is_assumed
    return preparation.truncation.value == "right" and not is_packed and not preparation.max_length.is_assumed


def _has_targets(sample: Sample, data: Data) -> bool:
    """Whether a row surely has a target."""
    limit = data.preparation.max_length.value
    if data.preparation.response_marker.value:
        return False
    if not sample.messages or data.preparation.scored.value == "all":
        return bool(sample.whole)
    if limit is not None and not surely_fits(sample, limit):
        return False
    return any(one.is_scored is not False and one.content.strip() for one in sample.messages if one.is_answer)


RULE: Rule[Data] = Rule(
    code="LAB001",
    slug="rows-without-targets",
    severity=Severity.HARMFUL,
    needs=("the loss mask", "the length limit", "the tokenizer"),
    check=check,
    thresholds=(*SHARES.all, LONGEST_AVERAGE),
    since=SINCE,
)
