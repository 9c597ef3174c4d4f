"""Near the peak of the schedule one update carries the weights out of the region that the pretraining found.

## Mechanism
The curvature of the loss limits how large a step may be: above about 38 divided by the largest
preconditioned curvature (Adam, beta1 0.9) oscillations along that direction grow instead of dying out.
During warm-up the step grows until the limit is met, or the curvature rises into it later, while the
rate is still near its top. The weights then jump to a place from which the gradient does not lead back.
Usual ranges: up to 5e-5 for full fine-tuning, 5e-4 for adapters and 1e-5 for preference training;
adapters bear about ten times what full fine-tuning does, and recipes are often mixed up.

## What it looks like
- A normal first loss and a normal beginning; then a jump right after a step, with the rate at or near
  its peak.
- No return: the loss settles at 6-12, or flat at the entropy of word frequencies with tiny gradient
  norms (0.03-0.3).
- A restart from a good checkpoint at the same rate fails again, not always at the same step; at half
  the rate it passes.
- Growing gradient norms, and most steps clipped, in the hundred steps before.
- In the lab, full fine-tuning at 0.05: 6.02, 10.57, 9.92 and then 6.30 for good, all inside the
  warm-up.

## What else looks like it
A bad batch makes one to three rows jump and the run recovers within twenty steps; it returns at the
same rows, at any rate. A missing limit on the gradient norm lets one such batch do lasting harm, with
the norm far out in one row and no relation to the peak. An adapter scale that is too large acts the
same at an ordinary rate. Gradients that are never cleared make the norm climb from the very first
steps. NaN in the first steps, or at rate 0, is precision or a kernel. A first loss that is wrong
already cannot come from any rate, and a resume that loses state jumps at the resume.

## How to decide
Go back to the last good checkpoint and run past the step of the jump at half the rate, once with the
same order of data and once with another. Passing both times decides it; failing in the same order only
points at the rows.

## Typical false diagnosis
A corrupted batch at that step. The same batch passes at half the rate. In turn this cause is itself the
most popular false diagnosis: it fits about 9 of 289 public incidents that were looked at, and a lower
rate is what people try first.

## References
- https://github.com/huggingface/transformers/issues/27121
- https://github.com/haotian-liu/LLaVA/issues/1301
- https://github.com/haotian-liu/LLaVA/issues/1375
- https://arxiv.org/abs/2207.14484
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="learning-rate-too-high",
    title="Learning rate too high",
    family="optimisation",
    incidents=9,
    decided_by=("log", "config", "probe"),
    decisive_test="Restart from the last good checkpoint at half the rate, in the same and in another order of data",
    false_diagnosis="a corrupted batch at that step",
    expects=(
        Expect("undivided-accumulation", RARELY, "the sum of micro-batches is a larger step"),
        Expect("divergence-at-peak-learning-rate", USUALLY, "steps are largest where the rate is at its top"),
        Expect("loss-divergence", USUALLY, "outside the basin the gradient does not lead back"),
        Expect("learning-rate-above-usual-range", OFTEN, "recipes of another method bring a rate ten times too large"),
        Expect("plausible-first-loss", USUALLY, "the loaded model is intact until the rate has risen"),
        Expect("loss-plateau", OFTEN, "the run settles at the level of word frequencies or above"),
        Expect("plateau-at-unigram-entropy", OFTEN, "ruined weights still learn how frequent words are"),
        Expect(
            "gradient-norm-growth", SOMETIMES, "oscillations along the sharpest direction grow before they break out"
        ),
        Expect("gradient-norm-outlier", SOMETIMES, "the jump itself has a norm far above its neighbourhood"),
        Expect("loss-spike", SOMETIMES, "smaller excursions come before the last one, or instead of it"),
        Expect("rising-eval-loss", SOMETIMES, "held-out rows suffer as much as training rows"),
        Expect("garbled-generation", SOMETIMES, "only word frequencies are left in the weights"),
        Expect("rise-repeated-after-resume", OFTEN, "the same rate leads out of the basin again"),
        Expect("gradient-clipping-off", RARELY, "without a limit the same rate goes further"),
        Expect("late-nan-onset", RARELY, "diverging weights may overflow in the end"),
    ),
    excluded_by=(
        Excluded("rise-at-negligible-learning-rate", "updates of such a sum leave the loss where it is"),
        Excluded("nan-at-zero-learning-rate", "a rate of 0 changes no weight"),
        Excluded("wrong-value-before-first-update", "the rate has not acted on any weight by then"),
        Excluded("failure-at-every-learning-rate", "runs at clearly lower rates fail alike"),
        Excluded("learning-rate-below-usual-range", "the rate is lower than in runs that work"),
        Excluded("unchanged-weights", "the weights have not moved at all"),
    ),
    confused_with=("corrupt-input-data",),
)
