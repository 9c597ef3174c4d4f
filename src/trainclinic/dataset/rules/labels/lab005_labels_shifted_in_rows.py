"""The labels in the file are already moved by one position.

## What it sees

Rows with `input_ids` and `labels` in which more than 95 % of the labels are the id that follows, and fewer than 20 %
the id at their own place.

## Why it matters

The models of transformers move the labels themselves. Moved twice, the model learns to predict the token after the
next: the first loss is far above that of the model, it falls to the entropy of single words, and the text that comes
out looks like language without meaning.

## What it does not mean

Training code with a loss of its own (nanoGPT) wants moved targets. Then nothing is wrong.

## Example

`labels` was written as `input_ids[1:] + [-100]`; the first loss is 9.2 instead of 3.6.

## Check it by hand

Print `input_ids[:8]` and `labels[:8]` of one row below each other: for transformers they are equal or -100.

## References

- https://huggingface.co/docs/transformers/model_doc/gpt2 (labels are moved inside the model)
- https://github.com/huggingface/transformers/issues/47394 (labels moved twice)
- https://github.com/gness1804/friendly-advice-columnist (9.23 before, 3.61 after)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Severity, Verdict
from trainclinic.dataset.readiness import tally_of
from trainclinic.dataset.rule import SINCE, Shares, verdict_on
from trainclinic.encoding.encoded import IGNORED

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

ANY = Threshold("share of rows", 0.05, "1", "expert choice, to be calibrated: a few rows repeat one token by nature")
MOVED = Threshold("labels equal to the next id", 0.95, "1", "the reference check for tokenised data; a copy has 0.05")
OWN = Threshold("labels equal to their own id", 0.20, "1", "in text fewer than a tenth of tokens repeat at once")
LEAST = Threshold("labels", 8, "labels", "fewer can agree by chance")
SHARES = Shares(ANY, ANY)


def check(data: Data) -> Verdict:
    """How many rows have moved labels."""
    rows = [row for row in data.survey.samples if row.ids and row.labels]
    found = [(row.source, says) for row in rows if (says := _find(row)) is not None]
    if not found:
        return NotEvaluated("rows with `input_ids` and `labels`")
    tally = tally_of((source, says or None) for source, says in found)
    return verdict_on(
        tally, "have labels that are moved by one", SHARES, severity=Severity.HARMFUL,
        total=tally.looked if data.survey.has_all else data.survey.rows,
        settle="does the training code move the labels itself? The models of transformers do",
    )  # fmt: skip


def _find(sample: Sample) -> str | None:
    """What a row shows: empty for labels in their place, `None` where they are too few to tell."""
    length = min(len(sample.ids), len(sample.labels))
    ids, labels = (np.asarray(values[:length], dtype=np.int64) for values in (sample.ids, sample.labels))
    places = np.flatnonzero(labels[:-1] != IGNORED)
    if len(places) < LEAST.value:
        return None
    moved, own = (float((labels[places] == ids[places + shift]).mean()) for shift in (1, 0))
    if moved <= MOVED.value or own >= OWN.value:
        return ""
    return f"{moved:.0%} of {len(places):,} labels are the next id, {own:.0%} their own".replace("%", " %")


RULE: Rule[Data] = Rule(
    code="LAB005",
    slug="labels-shifted-in-rows",
    severity=Severity.HARMFUL,
    needs=("rows with `input_ids` and `labels`",),
    check=check,
    thresholds=(ANY, MOVED, OWN, LEAST),
    since=SINCE,
)
