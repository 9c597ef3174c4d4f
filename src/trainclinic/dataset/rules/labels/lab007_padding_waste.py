"""Most positions of the batches are padding.

## What it sees

Batches of the stated size, drawn in the stated order (shuffled with three fixed seeds where it is shuffled), each
padded to its longest row or to the stated length: the share of positions that are padding, above 50 %.

## Why it matters

Padding costs the same time and memory as text. At 60 % a run takes two and a half times as long as it must.

## What it does not mean

It does no harm to the result where padding is masked. Batches grouped by length have less than this finding says.

## Example

Rows of 50 to 4,000 tokens at a batch size of 16: nearly each batch holds one long row, and 71 % is padding.

## Check it by hand

Sum `attention_mask` over some batches of the training loader and divide by the number of its elements.

## References

- https://huggingface.co/docs/transformers/main_classes/trainer (`group_by_length`)
- https://huggingface.co/docs/trl/sft_trainer (packing and padding-free batches)
- https://arxiv.org/abs/2107.02027 (packing without contamination, Krell et al. 2021)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, percent
from trainclinic.dataset.readiness import needs_template
from trainclinic.dataset.rule import SINCE, first_missing, needs_settings, needs_tokenizer

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

SHARE = Threshold("share of padding", 0.5, "1", "expert choice: twice the time that the text needs")
SEEDS = (0, 1, 2)


def check(data: Data) -> Verdict:
    """The share of padding in simulated batches."""
    if missing := needs_settings("packing")(data):
        return NotEvaluated(missing)
    if data.preparation.packing.value or data.plan.order.value == "random-windows":
        return Absent((Evidence("rows share their sequences, so that there is no padding"),))
    batch = data.plan.micro_batch.value
    if batch is None or data.plan.micro_batch.is_assumed:
        return NotEvaluated("rows per batch (`--batch`)")
    if missing := first_missing(needs_tokenizer, needs_template)(data):
        return NotEvaluated(missing)
    lengths = np.array([row.kept[1] - row.kept[0] for row in data.encoded if len(row)], dtype=np.int64)
    if not len(lengths):
        return NotEvaluated("a row that can be tokenised")
    fixed = _fixed_length(data)
    waste = 1 - float(lengths.mean()) / fixed if fixed else _waste(lengths, batch, data.plan.order.value == "shuffled")
    how = f"padded to {fixed:,} tokens" if fixed else f"of {count(batch, 'row')}"
    says = f"{percent(waste)} of the positions of batches {how} are padding"
    spread = Evidence(f"rows have {int(np.median(lengths)):,} tokens in the middle and {int(lengths.max()):,} at most")
    if waste > SHARE.value:
        return Present((Evidence(says), spread))
    if missing := needs_settings("pads_to_maximum")(data):
        return NotEvaluated(missing)
    return Absent((Evidence(says), spread))


def _fixed_length(data: Data) -> int | None:
    """The length that all rows are padded to, where that was stated."""
    preparation = data.preparation
    if preparation.pads_to_maximum.value and not preparation.pads_to_maximum.is_assumed:
        return preparation.max_length.value
    return None


def _waste(lengths: NDArray[np.int64], batch: int, is_shuffled: bool) -> float:  # noqa: FBT001
    """Share of padding when each batch is as long as its longest row."""
    shares = []
    for seed in SEEDS if is_shuffled else SEEDS[:1]:
        order = np.random.default_rng(seed).permutation(len(lengths)) if is_shuffled else np.arange(len(lengths))
        groups = np.arange(0, len(lengths), batch)
        longest = np.maximum.reduceat(lengths[order], groups)
        sizes = np.diff(np.append(groups, len(lengths)))
        shares.append(1 - float(lengths.sum()) / float((longest * sizes).sum()))
    return float(np.mean(shares))


RULE: Rule[Data] = Rule(
    code="LAB007",
    slug="padding-waste",
    severity=Severity.WARNING,
    needs=("rows per batch", "packing", "the tokenizer"),
    check=check,
    thresholds=(SHARE,),
    since=SINCE,
)
