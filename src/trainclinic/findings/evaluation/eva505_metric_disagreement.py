"""Two logged numbers that must agree differ.

## What it sees
Relations between metrics of one log: perplexity is the exponential of the loss, two columns that both claim the
cross-entropy of one split are equal, and the final mean that a trainer reports is the mean of its rows.

## Why it matters
One of the two is not what its name says: computed on other tokens, with another shift or mask, in another unit or over
another window. Decisions that rest on the wrong one are wrong, and curves of different runs cannot be compared.

## What it does not mean
It does not say which of the two is wrong, and it does not mean that training is broken. A total loss may contain
auxiliary terms; a mean of exponentials is larger than the exponential of a mean.

## Example
`loss/train/total` 10.25 beside `LanguageCrossEntropy` 9.26 at the same batch: one of them does not shift the labels.

## Check it by hand
Recompute both from one batch: `cross_entropy(logits[:, :-1], labels[:, 1:])` and its exponential.

## References
- mosaicml/llm-foundry issue 288: a metric without the shift that the loss has
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.record.source import Source
from trainclinic.signals.measured import Measured
from trainclinic.signals.twin_losses import SUMMARY_SHARE, TWIN_SHARE, Twins

RESUMED = (
    "A trainer that was resumed divides the loss summed since then by all steps, so its mean is too small; "
    "the rows are right."
)


def check(run: Measured) -> Verdict:
    """Collect every checked pair and report those that differ."""
    relations = [one for one in run.arithmetic.relations if "perplexity" in one.name]
    twins = run.twin_losses
    if not relations and not twins:
        return NotEvaluated("two metrics that must agree, such as `loss` and `perplexity`")
    evidence = [
        Evidence(f"{one.says}, so `{one.name}` does not hold", _source(run, one.series, one.step), one.step, one.series)
        for one in relations
        if not one.holds
    ]
    differing = [pair for pair in twins if not pair.agree]
    only_summary = not evidence and all(pair.what == "summary" for pair in differing)
    evidence += [_differ(run, pair) for pair in differing]
    if evidence and only_summary:
        return Present(tuple(evidence), means=RESUMED, severity=Severity.NOTE)
    if evidence:
        return Present(tuple(evidence), settle="both numbers recomputed from one batch")
    return Absent((Evidence(f"{count(len(relations) + len(twins), 'relation')} between metrics hold"),))


def _differ(run: Measured, pair: Twins) -> Evidence:
    if pair.what == "summary":
        says = (
            f"the final report says a mean training loss of {number(pair.right_value)}, "
            f"the rows up to step {pair.step:,} have {number(pair.left_value)}"
        )
        fact = run.record.facts.get("final_train_loss")
        return Evidence(says, fact.source if fact else None, pair.step, "train/loss")
    says = (
        f"`{pair.left}` is {number(pair.left_value)} and `{pair.right}` is {number(pair.right_value)} "
        f"at step {pair.step:,}, and so throughout"
    )
    return Evidence(says, _source(run, pair.right, pair.step), pair.step, pair.left)


def _source(run: Measured, name: str, step: int | None) -> Source | None:
    series = run.record.get(name)
    return None if series is None or step is None else series.source_at(step)


RULE = Rule(
    code="EVA505",
    slug="metric-disagreement",
    severity=Severity.WARNING,
    needs=("train/loss", "eval/loss", "train/perplexity", "eval/perplexity", "final_train_loss"),
    check=check,
    thresholds=(
        Threshold("difference of two cross-entropies", TWIN_SHARE, "share", "other averaging of the same batches"),
        Threshold("difference of mean and rows", SUMMARY_SHARE, "share", "an unlogged last window and uneven spacing"),
    ),
)
