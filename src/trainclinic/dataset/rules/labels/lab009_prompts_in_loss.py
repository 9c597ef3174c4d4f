"""The loss is on prompts as well, and they are most of it.

## What it sees

With the loss stated to be on all tokens: the share of the scored text of conversations that belongs to system prompts,
questions and tool results, above 50 %. Markup of the template counts on neither side; without a tokenizer it is counted
in bytes.

## Why it matters

The loss that is logged is then mostly the loss of questions: it falls when the model learns to write questions, and
says little about the answers. Two runs can only be compared under the same mask.

## What it does not mean

It is not wrong. With short answers and few rows a loss on the prompts often helps a little, and the answers are learned
all the same.

## Example

Questions of 900 tokens and answers of 150: 86 % of the loss is on questions, and it is 2.4 where that of the answers is
1.1.

## Check it by hand

Decode the labels of one row that are not -100: do they hold the question?

## References

- https://arxiv.org/abs/2405.14394 (instruction modelling, Shi et al. 2024)
- https://huggingface.co/docs/trl/sft_trainer (`completion_only_loss`, `assistant_only_loss`)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import percent
from trainclinic.dataset.readiness import needs_template
from trainclinic.dataset.rule import SINCE, first_missing, needs_settings
from trainclinic.encoding.encoded import PARTS

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

SHARE = Threshold("share of prompts", 0.5, "1", "from here on the logged loss is mostly that of prompts")
_PROMPTS = [PARTS.index(part) for part in ("system", "user", "tool", "reference")]


def check(data: Data) -> Verdict:
    """The share of prompts among the targets."""
    if missing := first_missing(needs_settings("scored"), needs_template)(data):
        return NotEvaluated(missing)
    rows = [row for row in data.encoded if row.sample.answers]
    if not rows:
        return NotEvaluated("conversations, or prompts with answers")
    if data.preparation.scored.value != "all" or data.preparation.response_marker.value:
        return Absent((Evidence("the loss is on answers alone"),))
    prompts = sum(int((row.is_target & np.isin(row.parts, _PROMPTS)).sum()) for row in rows)
    answers = sum(int((row.is_target & row.is_answer).sum()) for row in rows)
    if prompts + answers == 0:
        return NotEvaluated("rows with targets")
    unit = "bytes" if data.tokenizer.is_stand_in else "tokens"
    share = prompts / (prompts + answers)
    says = f"{prompts:,} of {prompts + answers:,} {unit} with a loss ({percent(share)}) belong to prompts"
    return Present((Evidence(says),)) if share > SHARE.value else Absent((Evidence(says),))


RULE: Rule[Data] = Rule(
    code="LAB009",
    slug="prompts-in-loss",
    severity=Severity.NOTE,
    needs=("the loss mask", "conversations"),
    check=check,
    thresholds=(SHARE,),
    since=SINCE,
)
