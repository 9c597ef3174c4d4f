"""Only a small share of the tokens carries a loss.

## What it sees

Scored tokens over all tokens of the kept rows, under the stated loss mask and length limit, below 2 %. Where the
answers are labels (few different ones, of at most five tokens), the finding is a note.

## Why it matters

Nearly all of the time goes into text that teaches nothing, and each step rests on a handful of targets, so that the
loss is noisy and a larger batch is needed. Often it is a sign of a mask or a length limit that was meant otherwise.

## What it does not mean

Classification by a letter or a word after a long text is right as it is; so is retrieval with long contexts.

## Example

Contracts of 6,000 tokens and answers of 40: 0.7 % of the tokens carry a loss.

## Check it by hand

Divide the number of labels that are not -100 by the number of ids, over some rows of the training set.

## References

- https://arxiv.org/abs/2405.14394 (when a loss on the instructions helps: short answers, Shi et al. 2024)
- https://huggingface.co/docs/trl/sft_trainer (loss on the completion alone)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import percent
from trainclinic.dataset.readiness import needs_mask, needs_template
from trainclinic.dataset.rule import SHOWN, SINCE, first_missing, needs_settings, needs_tokenizer, quoted

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data
    from trainclinic.encoding.encoded import Encoded

SHARE = Threshold("share of scored tokens", 0.02, "1", "expert choice, to be calibrated")
DISTINCT = Threshold("different answers over rows", 0.1, "1", "labels repeat, answers do not")
SHORT = Threshold("tokens of a label", 5, "tokens", "one or two words and the end token")
_LABELS = "The answers are labels: a few different ones, each of some tokens"


def check(data: Data) -> Verdict:
    """The share of scored tokens."""
    ready = first_missing(needs_tokenizer, needs_template, needs_mask, needs_settings("max_length"))
    if all(row.ids for row in data.survey.samples):
        ready = needs_tokenizer
    if missing := ready(data):
        return NotEvaluated(missing)
    rows = [row for row in data.encoded if len(row)]
    targets = sum(row.target_count for row in rows)
    tokens = sum(row.kept[1] - row.kept[0] for row in rows)
    if not targets:
        return NotEvaluated("rows with targets")
    says = f"{targets:,} of {tokens:,} tokens ({percent(targets / tokens)}) carry a loss"
    if targets >= SHARE.value * tokens:
        return Absent((Evidence(says),))
    fewest = sorted((row for row in rows if row.target_count), key=lambda row: row.target_count / len(row))[:SHOWN]
    shown = [
        Evidence(f"{row.target_count:,} of {len(row):,}: {quoted(row.sample.answer)}", row.sample.source)
        for row in fewest
    ]
    are_labels = _are_labels(rows)
    return Present(
        (Evidence(says), *shown), _LABELS if are_labels else "", severity=Severity.NOTE if are_labels else None
    )


def _are_labels(rows: list[Encoded]) -> bool:
    answers = {row.sample.answer.strip() for row in rows}
    typical = float(np.median([row.target_count for row in rows]))
    return len(answers) <= max(2, DISTINCT.value * len(rows)) and typical <= SHORT.value


RULE: Rule[Data] = Rule(
    code="LAB008",
    slug="few-target-tokens-per-row",
    severity=Severity.WARNING,
    needs=("the loss mask", "the length limit", "the tokenizer"),
    check=check,
    thresholds=(SHARE, DISTINCT, SHORT),
    since=SINCE,
)
