"""The first loss is not where an intact run of this model starts.

## What it sees

The path's own loss of a few batches before any update, dropout off, against three references: the range expected of
this model; the loss of guessing, which is the logarithm of the vocabulary; and the entropy of the frequencies of the
targets (with the Miller-Madow correction), where enough of them were seen. Beside it stands the loss over all tokens of
the rows, prompts included: a model that predicts those is not an empty one, however strange its targets are to it.

## Why it matters

A pretrained model that starts at the loss of guessing has lost its weights; above it, it is confident and wrong: labels
out of place, another tokenizer, new rows without a start. A loss several times too high is often a sum where a mean was
meant. No training mends what is wrong before it.

## What it does not mean

A first loss a little above a range may be the data: another language, code, a format that the model has not seen. Below
a range it may be data that the model knows already. Outside the range alone the finding is a warning. Short answers in
a new format, with an end token that was never trained, may start above guessing while whole rows are predicted well:
that is no finding.

## Example

First loss 10.4 for a pretrained model with 32,000 tokens, whose loss of guessing is 10.37: the output layer was
initialised anew.

## Check it by hand

Print `model(**batch).loss` for one batch before training, and `math.log(model.config.vocab_size)`. This probe answers
the deciding test `loss-before-training`.

## References

- Miller 1955, Note on the bias of information estimates (the correction (K-1)/2N)
- https://github.com/karpathy/nanoGPT (first losses of GPT-2)
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.probes.live import IGNORED
from trainclinic.probes.rule import Cost, probe

if TYPE_CHECKING:
    from trainclinic.probes.live import Live

ABOVE = Threshold("nats above guessing", 1.0, "nats/token", "random weights of the usual size start within 0.3 of it")
NEAR = Threshold("nats around guessing", 0.3, "nats/token", "random weights of the usual size start within it")
SLACK = Threshold("nats outside a range", 0.1, "nats/token", "a few batches differ by this much from the whole")
PATH = Threshold("relative distance", 0.05, "1", "a path within it returns the mean loss of the next token")
SEEN = Threshold("targets per distinct one", 10.0, "1", "with fewer the entropy of frequencies is too low")
BROAD = Threshold("share of guessing", 0.5, "1", "narrow answers have few words, which no pretrained model expects")


def look(live: Live) -> Verdict:
    """Compare the first loss with the references."""
    losses = live.first_losses
    if not all(map(math.isfinite, losses)):
        return NotEvaluated("a finite first loss")
    loss = sum(losses) / len(losses)
    guessing = math.log(live.vocabulary) if live.vocabulary > 1 else None
    entropy, each = _entropy(live)
    evidence = [Evidence(f"the first loss is {number(loss)} nats per target (mean of {len(losses)} batches)")]
    evidence.append(Evidence(f"over all tokens of the rows it is {number(live.offsets.whole)}"))
    if guessing is not None:
        evidence.append(Evidence(f"guessing among {live.vocabulary:,} tokens gives {number(guessing)}"))
    evidence.append(
        Evidence(f"the frequencies of the targets give {number(entropy)} ({number(each, 2)} targets per kind)")
    )
    if live.expected_first_loss:
        low, high = live.expected_first_loss
        evidence.append(Evidence(f"expected: {number(low)} to {number(high)}{_source(live)}"))
    if guessing is None and live.expected_first_loss is None:
        return NotEvaluated("the range expected of this model, or the rows of its output layer (`vocabulary`)")
    found = _judged(live, loss, guessing) or _beside(live, loss, guessing, entropy if each >= SEEN.value else None)
    return Absent(tuple(evidence)) if found is None else Present(tuple(evidence), found[1], severity=found[0])


def _judged(live: Live, loss: float, guessing: float | None) -> tuple[Severity, str] | None:
    """What guessing says."""
    if guessing is None or (live.expected_first_loss is not None and loss <= live.expected_first_loss[1]):
        return None
    seen = live.offsets
    is_empty = not seen.whole < guessing - NEAR.value
    is_next_token = seen.distance(1) <= PATH.value * abs(seen.own)
    if loss > guessing + ABOVE.value and (is_empty or not is_next_token):
        severity = Severity.HARMFUL if live.pretrained or not is_next_token else Severity.WARNING
        return (
            severity,
            "The first loss is worse than guessing: the model is confident and wrong, or losses are added up",
        )
    if live.pretrained and loss > guessing - NEAR.value and is_empty:
        return Severity.HARMFUL, "A pretrained model starts as one that knows nothing"
    return None


def _beside(live: Live, loss: float, guessing: float | None, entropy: float | None) -> tuple[Severity, str] | None:
    """What the range and the frequencies of the targets say; both are milder."""
    if live.expected_first_loss:
        low, high = live.expected_first_loss
        if loss > high + SLACK.value:
            return Severity.WARNING, "The first loss is above what this model starts with"
        if loss < low - SLACK.value:
            return Severity.WARNING, "The first loss is below what this model starts with"
        return None
    is_broad = guessing is not None and entropy is not None and entropy > BROAD.value * guessing
    if live.pretrained and is_broad and entropy is not None and loss > entropy + NEAR.value:
        return Severity.WARNING, "The first loss is worse than a table of the frequencies of these targets"
    return None


def _entropy(live: Live) -> tuple[float, float]:
    """Entropy of the frequencies of the targets in nats, and how many targets there are per distinct one."""
    counts: Counter[int] = Counter()
    for row in live.view.rows:
        counts.update(label for label in row.labels if label != IGNORED)
    total = sum(counts.values())
    plain = -sum(one / total * math.log(one / total) for one in counts.values())
    return plain + (len(counts) - 1) / (2 * total), total / len(counts)


def _source(live: Live) -> str:
    return f" ({live.expected_from})" if live.expected_from else ""


RULE = probe(
    code="PRB102",
    slug="first-loss-outside-expectation",
    severity=Severity.HARMFUL,
    question="Is the first loss where an intact run of this model starts?",
    needs=("the path's own loss", "labels", "vocabulary", "expected first loss"),
    look=look,
    cost=Cost.FORWARD,
    thresholds=(ABOVE, NEAR, SLACK, PATH, SEEN, BROAD),
)
