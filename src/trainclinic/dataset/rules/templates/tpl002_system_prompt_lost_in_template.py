"""The chat template leaves out the system prompts of some conversations.

## What it sees

Conversations with a system turn, whose text does not stand in what the template writes (differences in white space
do not count). Harmful where more than 10 % of them lose it and their system prompts differ from row to row.

## Why it matters

The answers follow instructions that the model never sees: a format, a language, a persona, facts from retrieval. It
learns to do these things at random, and later ignores a system prompt.

## What it does not mean

A system prompt that is the same in all rows can be left out without harm when it is left out at inference as well;
then the finding is a warning.

## Example

The template writes `user` and `assistant` turns alone; 800 rows with `Answer in French` or `Answer in German` look
the same to the model, and their answers are in two languages.

## Check it by hand

Search the system prompt of one row in `tokenizer.apply_chat_template(row["messages"], tokenize=False)`.

## References

- https://huggingface.co/docs/transformers/chat_templating (what a template does with roles)
- https://huggingface.co/google/gemma-2-2b-it (a public template without a system role)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Present, Severity, Verdict
from trainclinic.dataset.readiness import holds, needs_conversations, tally_of
from trainclinic.dataset.rule import SINCE, Shares, quoted, verdict_on

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

ANY = Threshold("share of rows with a system prompt", 0.0, "1", "a template keeps all of them or none of a kind")
MANY = Threshold("share of rows with a system prompt", 0.10, "1", "expert choice, to be calibrated")
SHARES = Shares(ANY, MANY)
_CONSTANT = "It is one system prompt in all of them: leaving it out does no harm if inference leaves it out as well"


def check(data: Data) -> Verdict:
    """How many system prompts are not in the written row."""
    if missing := needs_conversations(data):
        return NotEvaluated(missing)
    rows = [row for row in data.encoded if data.rows.is_framed(row.sample) and _prompts(row.sample)]
    if not rows:
        return NotEvaluated("conversations with a system prompt")
    lost = {row.sample.source: _lost(row.sample, row.text) for row in rows}
    tally = tally_of(lost.items())
    found = verdict_on(
        tally, "with a system prompt lose it in the template", SHARES, severity=Severity.HARMFUL, total=tally.looked
    )
    is_constant = len({prompt for row in rows for prompt in _prompts(row.sample) if lost[row.sample.source]}) == 1
    if isinstance(found, Present) and is_constant:
        return Present(found.evidence, _CONSTANT, severity=Severity.WARNING)
    return found


def _prompts(sample: Sample) -> list[str]:
    return [one.content for one in sample.messages if one.role == "system" and one.content.strip()]


def _lost(sample: Sample, text: str) -> str | None:
    gone = next((prompt for prompt in _prompts(sample) if not holds(text, prompt)), None)
    return None if gone is None else f"the template leaves out {quoted(gone, 80)}"


RULE: Rule[Data] = Rule(
    code="TPL002",
    slug="system-prompt-lost-in-template",
    severity=Severity.HARMFUL,
    needs=("system prompts", "the chat template"),
    check=check,
    thresholds=SHARES.all,
    since=SINCE,
)
