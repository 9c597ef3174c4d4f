"""The length limit cuts answers off.

## What it sees

The share of answer tokens that truncation removes, above 1 % a warning and above 5 % harmful, and rows that lose their
whole answer, of which one is harmful. Without a tokenizer only sure cases speak: a prompt of more than 8 characters
for each token of the limit, or rows that have fewer bytes than the limit has tokens.

## Why it matters

Answers without their end teach the model to write without stopping, and rows without any answer carry no loss: with
the loss on answers alone a batch of them is NaN or 0.

## What it does not mean

Plain documents that are cut lose text, but no answer; for data without answers the finding is never more than a
warning. Packing that splits rows over several sequences cuts in another way and is not judged here.

## Example

`max_length` is 1024, TRL's default; 6 % of the answer tokens of a data set of long essays lie behind it.

## Check it by hand

Compare `len(tokenizer.apply_chat_template(messages))` with the limit for the longest hundred rows.

## References

- https://github.com/huggingface/trl/issues/3927 (answers truncated away)
- https://github.com/AnswerDotAI/fsdp_qlora/issues/45 (NaN where the prompt fills the window)
- https://huggingface.co/docs/trl/sft_trainer (`max_length`, its default and what is cut)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, percent
from trainclinic.dataset.readiness import needs_template
from trainclinic.dataset.rule import SHOWN, SINCE, needs_settings, needs_tokenizer, quoted
from trainclinic.dataset.token_bounds import LONGEST_AVERAGE, surely_fits, surely_loses_answer

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data
    from trainclinic.encoding.encoded import Encoded

ANY = Threshold("share of answer tokens lost", 0.01, "1", "expert choice, to be calibrated")
MANY = Threshold("share of answer tokens lost", 0.05, "1", "expert choice, to be calibrated")
WHOLE = Threshold("rows that lose their whole answer", 0, "rows", "a batch of such rows alone has no loss")


def check(data: Data) -> Verdict:
    """How much of the answers is cut off."""
    if missing := needs_settings("max_length")(data):
        return NotEvaluated(missing)
    limit = data.preparation.max_length.value
    if limit is None:
        return Absent((Evidence("there is no length limit"),))
    if data.preparation.packing.value and not data.preparation.packing.is_assumed:
        return NotEvaluated("rows that are not packed: packing cuts them in another way")
    if data.tokenizer.is_stand_in and not all(row.ids for row in data.survey.samples):
        return _bounded(data, limit)
    if missing := needs_template(data):
        return NotEvaluated(missing)
    answered = [row for row in data.encoded if row.answer_count]
    if answered:
        return _answers_lost(answered, limit)
    return _texts_cut([row for row in data.encoded if len(row)], limit)


def _answers_lost(rows: list[Encoded], limit: int) -> Verdict:
    lost = sum(row.answer_lost for row in rows)
    tokens = sum(row.answer_count for row in rows)
    gone = [row for row in rows if row.answer_lost == row.answer_count]
    says = f"{lost:,} of {tokens:,} answer tokens ({percent(lost / tokens)}) lie behind the limit of {limit:,} tokens"
    if lost <= ANY.value * tokens and len(gone) <= WHOLE.value:
        return Absent((Evidence(says),))
    evidence = [Evidence(says)]
    if gone:
        evidence.append(Evidence(f"{len(gone):,} of {count(len(rows), 'row')} lose the whole answer"))
    worst = sorted((row for row in rows if row.answer_lost), key=lambda row: -row.answer_lost)[:SHOWN]
    evidence += [Evidence(_row_says(row), row.sample.source) for row in worst]
    is_harmful = bool(gone) or lost > MANY.value * tokens
    return Present(tuple(evidence), severity=None if is_harmful else Severity.WARNING)


def _row_says(row: Encoded) -> str:
    says = f"{row.answer_lost:,} of {row.answer_count:,} answer tokens are cut off, in a row of {len(row):,}"
    return f"{says}: {quoted(row.sample.answer, 40)}" if row.sample.answer else says


def _texts_cut(rows: list[Encoded], limit: int) -> Verdict:
    """Rows without answers: what is lost is text."""
    if not rows:
        return NotEvaluated("a row that can be tokenised")
    tokens = sum(map(len, rows))
    lost = sum(len(row) - int(row.is_kept.sum()) for row in rows)
    says = f"{lost:,} of {tokens:,} tokens of plain texts ({percent(lost / tokens)}) lie behind the limit of {limit:,}"
    if lost <= ANY.value * tokens:
        return Absent((Evidence(says),))
    longest = max(rows, key=len)
    return Present(
        (Evidence(says), Evidence(f"the longest row has {len(longest):,} tokens", longest.sample.source)),
        severity=Severity.WARNING,
    )


def _bounded(data: Data, limit: int) -> Verdict:
    """What is sure without a tokenizer."""
    rows = [row for row in data.survey.samples if row.answers]
    gone = [row for row in rows if surely_loses_answer(row, limit)]
    if gone and data.preparation.truncation.value == "right":
        says = f"{len(gone):,} of {count(len(rows), 'row')} lose the whole answer, whatever the tokenizer"
        shown = [
            Evidence(
                f"{len(row.prompt):,} characters stand before the answer, the limit is {limit:,} tokens", row.source
            )
            for row in gone[:SHOWN]
        ]
        return Present((Evidence(says), *shown))
    if rows and all(surely_fits(row, limit) for row in rows):
        says = f"every row has fewer bytes than the limit of {limit:,} tokens allows"
        return Absent((Evidence(says),))
    return NotEvaluated(needs_tokenizer(data) or "a tokenizer")


RULE: Rule[Data] = Rule(
    code="LAB002",
    slug="answer-truncation",
    severity=Severity.HARMFUL,
    needs=("the length limit", "the tokenizer", "answers"),
    check=check,
    thresholds=(ANY, MANY, WHOLE, LONGEST_AVERAGE),
    since=SINCE,
)
