r"""Answers go on to play the user.

## What it sees

Answers in which, after some text, a line begins with a label of the user (`User:`, `Human:`, `### Instruction:` ...)
and a later one with a label of the assistant, or with the label of a prompt format alone (`### Instruction:`). Code
blocks are left out, and so are rows whose prompt asks for a dialogue or an example, and answers that announce one.

## Why it matters

Several turns were stored as one answer: the model learns to write the next question itself and to answer it, and does
not stop after its own turn.

## What it does not mean

Answers that quote a dialogue are text. Up to 1 % of the rows may look like this for good reasons that no pattern can
tell; above, read the examples.

## Example

`"completion": "At nine.\n\nHuman: And on Sundays?\n\nAssistant: Closed."`: two exchanges in one answer.

## Check it by hand

    grep -cE '\\n(### )?(User|Human|Instruction): ' data.jsonl

## References

- https://github.com/artidoro/qlora/issues/176 (whole conversations with labels in one field of text)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.dataset.kinds import CONVERSATIONS, rule_among
from trainclinic.dataset.rule import Shares, quoted

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample

SOME = Threshold("share of rows", 0.01, "1", "expert choice, to be calibrated: answers that quote a dialogue")
MANY = Threshold("share of rows", 0.10, "1", "expert choice, to be calibrated")
_LABELS = ("User:", "Human:", "Instruction:", "USER:", "HUMAN:")
_ASKS = re.compile(r"\n[ \t]*(?:(?P<format>### ?(?:Instruction|Human|User):)|\*{0,2}(?:User|Human|USER|HUMAN):)")
_ANSWERS = re.compile(r"\n[ \t]*(?:### ?|\*{0,2})(?:Assistant|Response|ASSISTANT|AI|Bot|Answer|GPT):")
_ASKED_FOR = re.compile(
    r"dialog|conversation|\bchat|transcript|script|interview|example|prompt|role.?play|template|few.shot|interaction"
    r"|\bturns?\b|对话|對話|会話|대화|диалог|diálogo|حوار|gespräch|konuşma",
    re.IGNORECASE,
)
_READ = 1_000
"""Characters of the prompt that are searched for a wish for a dialogue, at each end."""


def find(sample: Sample) -> str | None:
    """Where an answer goes on as the user."""
    for message in sample.messages:
        if message.role != "assistant" or not any(label in message.content for label in _LABELS):
            continue
        found = _next_question(message.content)
        if found and not _is_asked_for(sample):
            return f"the answer goes on with {quoted(found)}"
    return None


def _next_question(answer: str) -> str | None:
    """The line with which somebody else speaks, or `None`."""
    asks = _ASKS.search(answer)
    if asks is None:
        return None
    before = answer[: asks.start()].rstrip()
    if not before or before.endswith((":", "：", "---", "***")) or before.count("```") % 2:
        return None
    if _ASKED_FOR.search(before[-_READ:]) or not (asks["format"] or _ANSWERS.search(answer, asks.end())):
        return None
    return answer[asks.start() : asks.end() + 40].strip()


def _is_asked_for(sample: Sample) -> bool:
    prompt = sample.prompt
    return bool(_ASKED_FOR.search(prompt[:_READ]) or _ASKED_FOR.search(prompt[-_READ:]))


RULE = rule_among(
    CONVERSATIONS,
    code="ROL005",
    slug="speaker-labels-in-content",
    severity=Severity.HARMFUL,
    needs=("answers",),
    find=find,
    what="have an answer that goes on as the user",
    shares=Shares(SOME, MANY),
)
