"""Conversations end before anybody answered.

## What it sees

Conversations without a turn of the assistant, and conversations whose last turn is the user's or the system's. One
that ends with the result of a tool is complete when a call stands before it.

## Why it matters

With the loss on answers, a row without an answer has no target: the mean over zero tokens is NaN, or the row is
dropped without a word. With the loss on everything, the last thing learned is to stop after a question.

## What it does not mean

Prompts without answers are right for training that samples its own answers (PPO, GRPO). A conversation that was cut at
a length limit loses only its last question.

## Example

1,200 of 20,000 exported chats end with "thanks!" from the user, who closed the window.

## Check it by hand

    python -c "import json; print(sum(json.loads(l)['messages'][-1]['role'] != 'assistant' for l in open('d.jsonl')))"

## References

- https://github.com/huggingface/smol-course/issues/260 (conversations that end with a user turn)
- https://huggingface.co/docs/trl/dataset_formats (prompt-only rows are a format of their own)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.corpus.sample import ROLES
from trainclinic.dataset.kinds import CONVERSATIONS, rule_among
from trainclinic.dataset.rule import Shares, quoted

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample

ANY = Threshold("share of rows", 0.0, "1", "each one is a question that nobody answers")
MANY = Threshold("share of rows", 0.10, "1", "expert choice, to be calibrated")
_KNOWN = frozenset(ROLES)


def find(sample: Sample) -> str | None:
    """How a conversation ends that has no answer; roles that are unknown may be one."""
    if not sample.messages or any(message.role not in _KNOWN for message in sample.messages):
        return None
    last = sample.messages[-1]
    if not any(message.is_answer for message in sample.messages):
        return f"nobody answers {quoted(last.content)}"
    if last.role in {"user", "system"}:
        return f"ends with the {last.role}: {quoted(last.content)}"
    return None


RULE = rule_among(
    CONVERSATIONS,
    code="ROL003",
    slug="conversations-without-answer",
    severity=Severity.HARMFUL,
    needs=("roles of turns",),
    find=find,
    what="end without an answer",
    shares=Shares(ANY, MANY),
)
