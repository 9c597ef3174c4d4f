"""The gradient norm is far below that of any ordinary run, from the first rows on.

## What it sees
Three or more norms above 0 whose median, over the first twenty rows and over all, lies below 0.01 while the loss is
well above 0, in the training of a language model or of an adapter on one.

## Why it matters
At such a loss every output is wrong by tenths, and the gradient of all trained tensors together is 0.05-10. A hundredth
of that means that most of them get none: only what lies behind a cut in the graph, or a few scaled-down tensors, still
hears of the loss.

## What it does not mean
It is not a learning rate that is too low: the norm is measured before the rate is applied. It is not convergence, since
the loss is high. Adam divides by the size of the gradient, so a small one that reaches every tensor can train well.

## Example
`{"loss": 2.21, "grad_norm": 0.004, "learning_rate": 0.0001}` in every row.

## Check it by hand
After `loss.backward()`, list the trained parameters with `p.grad` of `None` or 0, and the norm of each of the others.

## References
- https://github.com/lm-sys/FastChat/pull/1489
- https://github.com/locuslab/open-unlearning/issues/178
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.findings.stated import ADAPTERS
from trainclinic.signals.initial_loss import begins_in_the_middle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.record.series import Floats, Series
    from trainclinic.signals.measured import Measured

TINY = Threshold(
    "median gradient norm",
    0.01,
    "1",
    "of 25 public logs with a loss above 0.5 the lowest median of the first rows is 0.08, an eighth of which is 0.01",
)
HIGH = Threshold(
    "median loss", 0.5, "nats", "below it a model is sure of most tokens, and its gradient small with reason"
)
ROWS = Threshold("norms above 0", 3, "rows", "one row may be a batch with hardly a target")
EARLY = 20
"""Rows that count as the first."""
OTHER_ADAPTERS = tuple(word for word in ADAPTERS if word not in ("lora", "dora", "adapter"))
"""Methods that train something so small that no usual norm is known."""


def check(run: Measured) -> Verdict:
    """Compare the norms with those of ordinary runs, where a loss says that there is something to learn."""
    found, loss = run.gradients, run.train_loss
    if found is None:
        return NotEvaluated(missing="`train/grad_norm`")
    norm = found.norm
    above = np.flatnonzero(np.isfinite(norm.value) & (norm.value > 0.0))
    if above.size < max(ROWS.value, len(norm) / 2):
        return NotEvaluated(missing=f"at least {ROWS.value} gradient norms above 0, and no more zeros than those")
    value = norm.value[above]
    middle = max(float(np.median(value[:EARLY])), float(np.median(value)))
    if middle >= TINY.value:
        return Absent((_evidence(norm, above, f"median gradient norm of the log is {middle:.2g}"),))
    if loss is None or not np.isfinite(loss.value).any() or (level := _median(loss)) < HIGH.value:
        return NotEvaluated(missing=f"a loss above {HIGH.value}: near 0 a gradient is small with reason")
    if (missing := _unusual(run, norm, middle, value)) is not None:
        return NotEvaluated(missing=missing)
    says = (
        f"gradient norm is {float(np.min(value)):.2g} to {float(np.max(value)):.2g} in "
        f"{count(above.size, 'row')}, usual is 0.05 to 10"
    )
    beside = Evidence(f"median loss is {level:.3g}", loss.source(0), int(loss.step[0]), "train/loss")
    return Present((_evidence(norm, above, says), beside), settle="the gradient norm of each trained tensor")


def _median(series: Series) -> float:
    return float(np.median(series.value[np.isfinite(series.value)]))


def _unusual(run: Measured, norm: Series, middle: float, value: Floats) -> str | None:
    """What would make such a norm ordinary, or leave open what is usual."""
    if run.objective.is_language_model is False:
        return "the loss of a language model"
    if begins_in_the_middle(run, norm):
        return "the beginning of the run"
    facts = run.record.facts
    method = (facts.text("method") or "").lower()
    limit, rank, alpha = facts.number("max_grad_norm"), facts.number("lora_rank"), facts.number("lora_alpha")
    if any(word in method for word in OTHER_ADAPTERS):
        return f"the usual norm of `{method}` training"
    if limit is not None and 0 < limit < 2 * TINY.value and float(np.max(value)) <= 1.01 * limit:
        return "the norm before clipping: none is above the limit"
    if rank and alpha and alpha > 0 and middle >= TINY.value * min(1.0, alpha / rank):
        return f"the norm at an adapter scale of 1: `lora_alpha` / `r` is {alpha / rank:.2g}"
    return None


def _evidence(norm: Series, rows: NDArray[np.intp], says: str) -> Evidence:
    first = int(rows[0])
    return Evidence(says, norm.source(first), int(norm.step[first]), "train/grad_norm")


RULE = Rule(
    code="NUM122",
    slug="tiny-gradient-norm",
    severity=Severity.WARNING,
    needs=("train/grad_norm", "train/loss", "max_grad_norm"),
    check=check,
    thresholds=(TINY, HIGH, ROWS),
    since="0.2",
)
