"""Mend one row, or say why it has to go; and write a row in its plain form.

It knows one row at a time. It does not know copies of it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from trainclinic.corpus.rows import LONGEST_OTHER
from trainclinic.corpus.sample import Message, Sample
from trainclinic.dataset.repair.texts import mended_text
from trainclinic.dataset.rule import FindInRow

DROPPING = ("ANS001", "ANS002", "ANS003", "ROL003", "ROL006", "PRF001", "PRF002")
"""Rules whose rows teach nothing that anyone wants: no answer, a placeholder, a refusal, no prompt, equal sides."""


def mended_row(sample: Sample) -> tuple[Sample, tuple[str, ...]]:
    """A row with its texts mended, and what was done, in words.

    Args:
        sample: The row.
    """
    done: dict[str, None] = {}

    def mend(text: str) -> str:
        changed, what = mended_text(text)
        done.update(dict.fromkeys(what))
        return changed

    def mend_all(messages: tuple[Message, ...]) -> tuple[Message, ...]:
        return tuple(replace(one, content=mend(one.content), reasoning=mend(one.reasoning)) for one in messages)

    mended = replace(
        sample, messages=mend_all(sample.messages), rejected=mend_all(sample.rejected), text=mend(sample.text)
    )
    return mended, tuple(done)


def why_dropped(sample: Sample, questions: dict[str, FindInRow]) -> tuple[str, str] | None:
    """The rule because of which a row is left out, and what it says of the row; `None` for a row that stays.

    Args:
        sample: The row.
        questions: What the row rules ask, by code.
    """
    for code in DROPPING:
        if says := questions[code](sample):
            return code, says
    return None


def plain_row(sample: Sample) -> dict[str, Any]:
    """A row as Hugging Face libraries read it: `messages`, `text`, `prompt`/`chosen`/`rejected`, or ids.

    Args:
        sample: The row.
    """
    if sample.ids:
        row: dict[str, Any] = {"input_ids": list(sample.ids)}
        row |= {"labels": list(sample.labels)} if sample.labels else {}
        row |= {"attention_mask": list(sample.attended)} if sample.attended else {}
    elif not sample.messages:
        row = {"text": sample.text}
    elif sample.rejected:
        shared = next(
            (at for at, (a, b) in enumerate(zip(sample.messages, sample.rejected, strict=False)) if a != b), 0
        )
        row = {
            "prompt": _dicts(sample.messages[:shared]),
            "chosen": _dicts(sample.messages[shared:]),
            "rejected": _dicts(sample.rejected[shared:]),
        }
    elif sample.is_liked is not None:
        row = {
            "prompt": _dicts(sample.messages[:-1]),
            "completion": _dicts(sample.messages[-1:]),
            "label": sample.is_liked,
        }
    else:
        row = {"messages": _dicts(sample.messages)}
    if sample.tools:
        row["tools"] = _json(sample.tools)
    whole = {name: value for name, value in sample.others if len(value) < LONGEST_OTHER}
    return whole | row


def _dicts(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    return [
        {"role": one.role, "content": one.content}
        | ({"reasoning_content": one.reasoning} if one.reasoning else {})
        | ({"tool_calls": _json(one.calls)} if one.calls else {})
        | ({} if one.is_scored is None else {"train": one.is_scored})
        for one in messages
    ]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
