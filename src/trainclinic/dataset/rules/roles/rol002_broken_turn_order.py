"""Turns follow each other in an order that chat templates refuse.

## What it sees

Two turns of the user in a row, a system turn after the conversation began, and conversations that begin with the
assistant although nobody spoke. Results of tools may stand between turns, several system turns may open a
conversation, and the assistant may greet first where a system turn sets the scene.

## Why it matters

The templates of Llama 2, Mistral and Gemma raise `Conversation roles must alternate`; others write what they get, and
the model learns to answer a question that is not the last one, or to speak unasked.

## What it does not mean

Two messages of a user in a row are natural in chats, and templates in the style of ChatML write them without harm.
Join them with a line feed where the template insists on alternation.

## Example

`user, assistant, user, user`: the last answer of each conversation was stored under the wrong role.

## Check it by hand

Render ten rows with `tokenizer.apply_chat_template(messages, tokenize=False)`; a refusing template raises.

## References

- https://github.com/huggingface/smol-course/issues/260 (a public set with `user/assistant/user/user`)
- https://github.com/unslothai/unsloth/issues/334 (`Conversation roles must alternate`)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.dataset.kinds import CONVERSATIONS, rule_among
from trainclinic.dataset.rule import Shares, quoted

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample

ANY = Threshold("share of rows", 0.0, "1", "each one stops a template that insists on alternation")
MANY = Threshold("share of rows", 0.10, "1", "expert choice, to be calibrated")


def find(sample: Sample) -> str | None:
    """The first turn that stands where it may not."""
    messages = sample.messages
    if len(messages) > 1 and messages[0].role == "assistant":
        return f"the assistant speaks first: {quoted(messages[0].content)}"
    before, is_open = "", False
    for at, message in enumerate(messages, start=1):
        role = message.role
        if role == "system" and is_open:
            return f"turn {at} is a system turn after the beginning: {quoted(message.content)}"
        if role == "user" and before == "user":
            return f"turns {at - 1} and {at} are both the user's: {quoted(message.content)}"
        is_open = is_open or role != "system"
        before = role
    return None


RULE = rule_among(
    CONVERSATIONS,
    code="ROL002",
    slug="broken-turn-order",
    severity=Severity.HARMFUL,
    needs=("order of turns",),
    find=find,
    what="have turns in an order that templates refuse",
    shares=Shares(ANY, MANY),
)
