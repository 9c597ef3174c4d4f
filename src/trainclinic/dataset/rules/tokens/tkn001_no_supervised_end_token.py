"""Answers end without an end token among the targets.

## What it sees

For each answer with targets, and for each plain text, whether a token that ends an answer (EOS or the end-of-turn token
of the tokenizer) is a target at its end. Told apart: it is not written at all; it is written and masked, because it is
also the padding token; it is outside the loss mask. An end that only truncation cuts off does not count.

## Why it matters

A model stops because it learned to write the end token. When that token never carries a loss, generation runs to its
limit: it repeats itself, asks itself new questions, or changes the subject. The loss shows nothing of it.

## What it does not mean

A tuned base model may stop all the same, from what it learned before. Plain documents for further pretraining need
their ends learned only where the model has to stop by itself; for them the finding is a warning.

## Example

The padding token is the EOS token, and the language-model collator masks every padding id: all 5,000 ends are lost.

## Check it by hand

Print the last id of `labels` that is not -100, for one batch of the training loader: it should be the end token.

## References

- https://github.com/huggingface/trl/issues/734 (no end token in the rows, endless answers)
- https://github.com/unslothai/unsloth/issues/416 (padding and end token are one)
- https://github.com/huggingface/trl/pull/7230 (the end-of-turn token outside the mask)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Present, Severity, Verdict
from trainclinic.dataset.readiness import needs_for_bare_rows, needs_mask, needs_template, tally_of
from trainclinic.dataset.rule import SINCE, Shares, first_missing, needs_settings, needs_tokenizer, quoted, verdict_on
from trainclinic.dataset.special_text import ENDS
from trainclinic.encoding.encoded import PARTS

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data
    from trainclinic.encoding.encoded import Encoded

ANY = Threshold("share of rows", 0.01, "1", "below one row in a hundred the others teach the end")
MANY = Threshold("share of rows", 0.5, "1", "expert choice, to be calibrated: most rows teach to go on")
SHARES = Shares(ANY, MANY)
Places = NDArray[np.intp]
_LONGEST_END = max(map(len, ENDS))
_FRAME = PARTS.index("frame")
_DIALOGUE = re.compile(r"^(?:### (?:Response|Answer|Output)|(?:Assistant|ASSISTANT|Answer|ANSWER|Output|A) ?:)", re.M)
_MARKUP = ("[/INST]", "<|im_start|>", "<|assistant|>", "<start_of_turn>", "<|start_header_id|>")
_PLAIN = "These are plain texts without questions and answers: it matters where the model has to stop by itself"


def check(data: Data) -> Verdict:
    """How many rows never teach an end."""
    if missing := _ready(data):
        return NotEvaluated(missing)
    if data.preparation.masks_pads.value and data.rows.pad_id is None:
        return NotEvaluated("the padding token of training (`--pad-token`)")
    judged = [(row, says) for row in data.encoded if (says := _ending(row, data)) is not None]
    if not judged:
        return NotEvaluated("rows with targets that are not cut off")
    found = verdict_on(
        tally_of((row.sample.source, says or None) for row, says in judged),
        "teach no end of the answer", SHARES, severity=Severity.HARMFUL, total=_total(data, len(judged)),
    )  # fmt: skip
    if isinstance(found, Present) and not any(says and _is_dialogue(row) for row, says in judged):
        return Present(found.evidence, _PLAIN, found.settle, Severity.WARNING)
    return found


def _ready(data: Data) -> str | None:
    if all(row.ids for row in data.survey.samples):
        return needs_tokenizer(data)
    adds = needs_settings("adds_specials") if data.tokenizer.specials.adds_end else needs_template
    asks = (needs_tokenizer, needs_template, needs_mask, needs_for_bare_rows("appends_end"), adds)
    return first_missing(*asks, needs_settings("masks_pads"))(data)


def _total(data: Data, judged: int) -> int:
    return judged if data.survey.has_all else data.survey.rows


def _ending(row: Encoded, data: Data) -> str | None:
    """What is wrong with the ends of a row: empty when nothing is, `None` when it has none to judge."""
    if not len(row):
        return None
    targets, is_end = row.is_target, row.is_end
    found: list[str] = []
    for places in _answers(row):
        if not targets[places].any() or places[-1] >= row.kept[1]:
            continue
        region = _end_region(row, places)
        ends = region[is_end[region]]
        found.append("" if targets[ends].any() else _why(row, data, places, ends[ends < row.kept[1]]))
    if not found:
        return None
    missing = [says for says in found if says]
    return missing[-1] if found[-1] or 2 * len(missing) >= len(found) else ""


def _answers(row: Encoded) -> list[Places]:
    """Positions of each answer; of the whole row where it has none."""
    if not row.is_answer.any():
        return [np.arange(len(row))] if not row.sample.messages else []
    numbers = np.unique(row.answers[row.answers >= 0])
    return [np.flatnonzero(row.answers == number) for number in numbers]


def _end_region(row: Encoded, places: Places) -> Places:
    """The last tokens of an answer and the markup right behind it."""
    behind = np.arange(places[-1] + 1, min(places[-1] + 3, len(row)))
    return np.concatenate([places[-3:], behind[row.parts[behind] == _FRAME]])


def _why(row: Encoded, data: Data, places: Places, ends: Places) -> str:
    if not len(ends):
        last = int(row.ends[places[-1]])
        tail = row.text[:last].rstrip()[-_LONGEST_END:]
        if written := next((end for end in ENDS if tail.endswith(end)), ""):
            return f"{quoted(written)} is written and is no end token here"
        return f"no end token after {quoted(row.text[max(0, last - 40) : last], 40)}"
    token = quoted(data.tokenizer.piece(int(row.ids[ends[-1]])))
    if data.preparation.masks_pads.value and int(row.ids[ends[-1]]) == data.rows.pad_id:
        return f"{token} is written and masked, because it is also the padding token"
    return f"{token} is written outside the loss mask"


def _is_dialogue(row: Encoded) -> bool:
    text = row.sample.text
    return not text or any(mark in text for mark in _MARKUP) or _DIALOGUE.search(text) is not None


RULE: Rule[Data] = Rule(
    code="TKN001",
    slug="no-supervised-end-token",
    severity=Severity.HARMFUL,
    needs=("the tokenizer", "the loss mask", "the end token", "the collator"),
    check=check,
    thresholds=SHARES.all,
    since=SINCE,
)
