"""There are few tokens to learn from.

## What it sees

Fewer than 50,000 tokens with a loss in one pass over the data, where all weights of a model are trained.

## Why it matters

Every weight is moved by very little data: the model learns the rows by heart within a few passes, and forgets what it
could do before. An adapter with few parameters, or retrieval from the same data, is then mostly the better answer.

## What it does not mean

A thousand good examples are enough to teach a form or a tone. With an adapter the limit does not hold.

## Example

210 questions with short answers, 9,400 tokens with a loss, trained in full for 10 epochs: evaluation loss rises from
the second epoch on.

## Check it by hand

Count the tokens of the answers with the tokenizer of the model.

## References

- Zhou et al. 2023, LIMA: Less Is More for Alignment, https://arxiv.org/abs/2305.11206
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.dataset.rule import SINCE, first_missing, needs_tokenizer
from trainclinic.dataset.token_counts import token_counts

if TYPE_CHECKING:
    from trainclinic.dataset.data import Data

FEW = Threshold("tokens with a loss", 50_000, "tokens", "expert choice, to be calibrated: a book chapter or two")


def check(data: Data) -> Verdict:
    """Count the targets of one pass."""
    if missing := first_missing(_needs_method, needs_tokenizer)(data):
        return NotEvaluated(missing)
    if not data.encoded:
        return NotEvaluated("a row that can be tokenised")
    if not data.plan.full_weights.value:
        return Absent((Evidence("an adapter is trained, not all weights"),))
    targets = token_counts(data).targets
    seen = Evidence(f"{targets.value:,.0f} tokens carry a loss in one pass")
    return Present((seen,)) if targets.high < FEW.value else Absent((seen,))


def _needs_method(data: Data) -> str | None:
    return "whether all weights are trained (`--run`)" if data.plan.full_weights.is_assumed else None


RULE: Rule[Data] = Rule(
    code="STA001",
    slug="few-target-tokens",
    severity=Severity.WARNING,
    needs=("tokens with a loss", "plan"),
    check=check,
    thresholds=(FEW,),
    since=SINCE,
)
