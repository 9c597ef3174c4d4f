"""The gradient of each step is mostly noise of the few rows it was computed from, at a rate too large for that.

## Mechanism
A gradient over B rows is the true gradient plus noise whose variance falls with 1/B. The batch at which
both are equal, the gradient noise scale, is small early in a fine-tune and grows as the loss falls. Far
below it, each step is nearly a random walk: the loss falls more slowly per row than it could, and ends
on a floor that is proportional to the learning rate over the batch. The noise is unbiased. It makes no
number non-finite, moves no level at step 0, and does not favour a wrong answer. Half the rate, or twice
the accumulation, removes half of the floor.

## What it looks like
- Rows that scatter by more than a seventh of their level, around a mean that falls slowly.
- Evaluation losses that are smooth where the training rows are wild.
- One to four rows per update in the settings, and no accumulation.
- A level at the end that drops at once when the rate decays.

## What else looks like it
Rows of short answers scatter widely at any batch, and a smoothed curve of theirs falls perfectly well.
Single rows in a log are noisier than means over ten steps. Batches grouped by length jump between
levels without any noise in the gradient. A learning rate that is too high leaves its level for good. A
high first loss, zeros and NaN are not noise.

## How to decide
Estimate the noise scale from the gradient norms at two batch sizes (the micro-batch and the accumulated
one, as a ratio of means with an interval). Only a batch below a tenth of it is dominated by noise. Or
accumulate eight times as many rows for 200 steps: the same loss per step clears the batch, a clearly
lower one decides it.

## Typical false diagnosis
This is itself the false diagnosis of many reports. In one public case a batch of 8 was blamed for a
plateau at 6.6; the same batch trained from 3.61 to 3.10 once the labels were right. Heads of attention
do not share a batch, and a mean that is wrong at step 0 has not met a gradient.

## References
- https://arxiv.org/abs/1812.06162
- https://github.com/CerebrasResearch/nanoGNS
- https://huggingface.co/docs/transformers/perf_train_gpu_one
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, SOMETIMES, Cause, Excluded, Expect

CAUSE = Cause(
    slug="batch-size-too-small",
    title="Batch too small for the gradient noise",
    family="optimisation",
    incidents=0,
    decided_by=("config", "probe"),
    decisive_test="Accumulate eight times as many rows per update for 200 steps and compare the loss at equal steps",
    false_diagnosis="usually itself the false diagnosis, of a fault that more rows per update would not change",
    expects=(
        Expect("noisy-loss", ALWAYS, "noise of the gradient that matters is noise of the rows as well"),
        Expect("tiny-batch", ALWAYS, "only few rows per update leave the noise that large"),
        Expect("plausible-first-loss", ALWAYS, "noise is unbiased, and at step 0 no gradient was used"),
        Expect("loss-still-falling", SOMETIMES, "each row is used less well, so the curve is late and not stuck"),
        Expect("flat-loss-from-start", OFTEN, "what a step gains is less than what the next one loses"),
        Expect("learning-rate-above-usual-range", SOMETIMES, "noise hurts in proportion to the rate"),
        Expect("drop-in-decay-phase", SOMETIMES, "the floor of the noise sinks with the rate"),
        Expect("gradient-norm-outlier", SOMETIMES, "an odd row is not averaged away"),
        Expect("loss-spike", SOMETIMES, "one hard row makes up most of a batch"),
    ),
    excluded_by=(
        Excluded("wrong-value-before-first-update", "no gradient has been used by then, of any batch"),
        Excluded("nan-at-zero-learning-rate", "no gradient has been used by then, of any batch"),
        Excluded("nan-after-first-update", "noise of a gradient is finite, and one step of it harmless"),
        Excluded("loss-exactly-zero", "few rows have a noisy loss and not one of exactly 0"),
        Excluded("zero-gradient-norm-from-start", "a noisy gradient is large and not 0"),
    ),
)
