"""The chat template refuses some conversations or fails on them.

## What it sees

Every kept conversation is rendered with the template that was given or that comes with the tokenizer. Rows for which
it calls `raise_exception`, or on which it fails, are counted; above 10 % the finding is harmful.

## Why it matters

Training libraries render rows in one pass before training: a row that the template refuses ends that pass with an
error. Code that catches the error drops the row, and with it a whole kind of rows: all that have a system prompt, all
with tool calls.

## What it does not mean

The rows can be right. Most templates ask for turns in strict order and some know no system role (Gemma, older
Mistral). Libraries with templates of their own (axolotl, LLaMA-Factory) may write rows that this one refuses.

## Example

3,000 of 3,000 conversations begin with a system prompt, and the template says
`Conversation roles must alternate user/assistant/user/assistant/...`

## Check it by hand

Call `tokenizer.apply_chat_template(row["messages"], tokenize=False)` on every row and count the exceptions.

## References

- https://huggingface.co/docs/transformers/chat_templating (templates, `raise_exception`)
- https://jinja.palletsprojects.com/en/stable/templates/ (the language that templates are written in)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Severity, Verdict
from trainclinic.dataset.readiness import framed_rows, needs_conversations, tally_of
from trainclinic.dataset.rule import SINCE, Shares, quoted, verdict_on

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

ANY = Threshold("share of conversations", 0.0, "1", "one refused row is enough to end the pass that renders them")
MANY = Threshold(
    "share of conversations", 0.10, "1", "expert choice, to be calibrated: a kind of rows, not an accident"
)
SHARES = Shares(ANY, MANY)


def check(data: Data) -> Verdict:
    """How many conversations the template refuses."""
    if missing := needs_conversations(data):
        return NotEvaluated(missing)
    rows = framed_rows(data)
    _ = data.encoded
    refused = {refusal.source: refusal.says for refusal in data.rows.refused}
    tally = tally_of((row.source, _says(refused.get(row.source))) for row in rows)
    return verdict_on(
        tally, "cannot be written by the chat template", SHARES, severity=Severity.HARMFUL, total=tally.looked
    )


def _says(message: str | None) -> str | None:
    if message is None:
        return None
    what, _, reason = message.partition(": ")
    return f"the template says {quoted(reason, 80)}" if reason else what


RULE: Rule[Data] = Rule(
    code="TPL001",
    slug="rows-refused-by-template",
    severity=Severity.HARMFUL,
    needs=("conversations", "the chat template"),
    check=check,
    thresholds=SHARES.all,
    since=SINCE,
)
