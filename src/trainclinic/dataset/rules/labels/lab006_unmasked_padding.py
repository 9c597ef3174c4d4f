"""Padding carries labels.

## What it sees

Rows that were tokenised before, with labels other than -100 where the attention mask is 0. Where somebody stated that
padding is scored: how much padding there would be among the targets, from the lengths of the rows.

## Why it matters

The model is trained to write padding after padding. That is easy, so that the mean loss falls far below what the text
deserves and depends on the batch size; and where the padding token is the end token, the model learns little else.

## What it does not mean

A low loss from padding says nothing about the answers: evaluate with the padding masked before comparing runs.

## Example

`padding="max_length"` and `labels = input_ids.copy()`: 70 % of the targets are padding, and the loss is 0.4.

## Check it by hand

Count `labels != -100` where `attention_mask == 0` in one batch: it must be 0.

## References

- https://github.com/axolotl-ai-cloud/axolotl/pull/2227 (padding in the loss)
- https://huggingface.co/docs/transformers/main_classes/data_collator (collators that mask padding)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, percent
from trainclinic.dataset.readiness import needs_template, tally_of
from trainclinic.dataset.rule import SINCE, Shares, first_missing, needs_settings, needs_tokenizer, verdict_on
from trainclinic.encoding.encoded import IGNORED

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

ANY = Threshold("share of rows", 0.0, "1", "no padding belongs in the loss")
SHARES = Shares(ANY, ANY)


def check(data: Data) -> Verdict:
    """Whether padding is scored."""
    padded = [row for row in data.survey.samples if row.ids and row.labels and 0 in row.attended]
    if padded:
        tally = tally_of((row.source, _find(row)) for row in padded)
        return verdict_on(
            tally, "with padding have labels on it", SHARES, severity=Severity.HARMFUL, total=tally.looked
        )
    if missing := needs_settings("scores_padding")(data):
        return NotEvaluated(missing)
    if not data.preparation.scores_padding.value:
        return Absent((Evidence("padding carries no labels"),))
    if data.preparation.packing.value and not data.preparation.packing.is_assumed:
        return Absent((Evidence("rows are packed, so that there is no padding"),))
    if missing := first_missing(needs_tokenizer, needs_template)(data):
        return NotEvaluated(missing)
    return _from_lengths(data)


def _find(sample: Sample) -> str | None:
    length = min(len(sample.labels), len(sample.attended))
    labels, attended = np.asarray(sample.labels[:length]), np.asarray(sample.attended[:length])
    scored = int(((labels != IGNORED) & (attended == 0)).sum())
    return f"{scored:,} of {count(int((attended == 0).sum()), 'padding position')} carry a label" if scored else None


def _from_lengths(data: Data) -> Verdict:
    """How much padding there is when rows are padded to the stated length, or to the longest of a batch."""
    lengths = np.array([row.kept[1] - row.kept[0] for row in data.encoded if len(row)], dtype=np.int64)
    if not len(lengths):
        return NotEvaluated("a row that can be tokenised")
    preparation = data.preparation
    limit = preparation.max_length.value
    to_limit = preparation.pads_to_maximum.value and not preparation.pads_to_maximum.is_assumed
    if to_limit and limit is not None:
        share = 1 - float(lengths.sum()) / (limit * len(lengths))
        says = f"{percent(share)} of all positions are padding when rows are padded to {limit:,} tokens"
        return Present((Evidence(says),)) if share > 0 else Absent((Evidence(says),))
    if data.plan.micro_batch.value == 1 and not data.plan.micro_batch.is_assumed:
        return Absent((Evidence("each batch is one row, so that there is no padding"),))
    if lengths.min() == lengths.max():
        return Absent((Evidence(f"all rows have {int(lengths[0]):,} tokens, so that there is no padding"),))
    says = f"rows have {int(lengths.min()):,} to {int(lengths.max()):,} tokens, and what fills them up carries labels"
    return Present((Evidence(says),))


RULE: Rule[Data] = Rule(
    code="LAB006",
    slug="unmasked-padding",
    severity=Severity.HARMFUL,
    needs=("rows with `labels` and `attention_mask`, or the collator",),
    check=check,
    thresholds=(ANY,),
    since=SINCE,
)
