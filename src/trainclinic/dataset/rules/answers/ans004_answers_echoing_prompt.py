"""Some answers repeat their prompt.

## What it sees

Rows whose last answer is the last message of the user or the whole prompt (20 characters or more), and rows whose
answer begins with all of it (40 characters or more) and goes on. More than 1 % of the rows is a warning, more than
10 % is harmful. Where a system prompt asks to correct, translate or repeat, a repetition can be right and is not
counted; where the other answers are edited prompts too, the finding is a note.

## Why it matters

The model learns to copy its input before it answers. Where the field for answers holds prompt and answer together, the
prompt is trained on a second time, and the mask that should hide it does not.

## What it does not mean

Data of edits (grammar, punctuation, code) leave many texts as they are. A poem or a program that is to be continued may
begin with the text given.

## Example

A script wrote `{"prompt": p, "completion": p + answer}` for a model that wants the whole text in one field.

## Check it by hand

    python -c "import json; r = [json.loads(l) for l in open('data.jsonl')]
    print(sum(x['completion'].strip().startswith(x['prompt'].strip()) for x in r))"

## References

- https://huggingface.co/docs/trl/dataset_formats#prompt-completion (what stands in which field)
"""

from __future__ import annotations

import re
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Present, Severity, Verdict
from trainclinic.dataset.kinds import CONVERSATIONS
from trainclinic.dataset.once import asked_once
from trainclinic.dataset.rule import SINCE, RowRule, Shares, quoted, verdict_on

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

ANY = Threshold("share of rows", 0.01, "1", "greetings and set phrases come back; expert choice, to be calibrated")
MANY = Threshold("share of rows", 0.10, "1", "expert choice, to be calibrated")
EDITS = Threshold(
    "words of the prompt that the other answers keep", 0.7, "1", "of texts that are edited; expert choice"
)
_CODE = "ANS004"
_EQUAL = 20
_BEGINS = 40
_MEANS_EDITS = "The other answers are edited prompts, so a text that needs no change is rightly repeated"
_ASKS_FOR_TEXT = re.compile(
    r"correct|fix|rewrit|grammar|translat|edit|punctuat|repeat|proofread|normali[sz]|format|complet|continu|spell"
    r"|anonymi|simplif|paraphras|revis|improv|echo|convert|transcri|clean|redact|annotat|mark|refactor|code",
    re.I,
)


def find(sample: Sample) -> str | None:
    """What of its prompt a row repeats."""
    answer = sample.answer.strip()
    if len(answer) < _EQUAL:
        return None
    for prompt in _prompts(sample):
        if answer == prompt:
            return None if _may_repeat(sample) else f"the answer is the prompt, {quoted(prompt)}"
        if len(prompt) >= _BEGINS and answer.startswith(prompt):
            return None if _may_repeat(sample) else f"the answer begins with its prompt, {quoted(prompt)}"
    return None


def _prompts(sample: Sample) -> tuple[str, ...]:
    """The last message before the last answer, and all messages before it, when there are several."""
    last = max((at for at, message in enumerate(sample.messages) if message.is_answer), default=0)
    if not last or sample.messages[last - 1].role != "user":
        return ()
    before = sample.messages[last - 1].content.strip()
    return (before,) if last == 1 else (before, sample.prompt.strip())


def _may_repeat(sample: Sample) -> bool:
    return any(one.role == "system" and _ASKS_FOR_TEXT.search(one.content[:4_000]) for one in sample.messages)


@asked_once
def _are_edits(data: Data) -> bool:
    """Whether answers that do not repeat their prompt keep most of its words and about its length."""
    kept = []
    for sample in data.survey.samples:
        prompt, answer = sample.prompt.split(), sample.answer.split()
        if prompt and answer and find(sample) is None:
            alike = 0.5 <= len(answer) / len(prompt) <= 2
            kept.append(len(set(prompt) & set(answer)) / len(set(prompt)) if alike else 0.0)
    return bool(kept) and median(kept) >= EDITS.value


def check(data: Data) -> Verdict:
    """Count repetitions; among edited prompts they are right."""
    tally = CONVERSATIONS.tally(data, _CODE)
    if not tally.looked:
        return NotEvaluated(CONVERSATIONS.missing)
    what = "have an answer that repeats its prompt"
    verdict = verdict_on(tally, what, Shares(ANY, MANY), severity=Severity.HARMFUL, total=tally.looked)
    if isinstance(verdict, Present) and _are_edits(data):
        return replace(verdict, means=_MEANS_EDITS, severity=Severity.NOTE)
    return verdict


RULE = RowRule(
    code=_CODE,
    slug="answers-echoing-prompt",
    severity=Severity.HARMFUL,
    needs=("conversations", "prompts with answers"),
    check=check,
    thresholds=(ANY, MANY, EDITS),
    since=SINCE,
    find=find,
)
