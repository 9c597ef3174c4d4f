"""Micro-batch or per-rank losses are summed, or averaged without regard to how many tokens each one scored.

## Mechanism
The loss of an optimizer step should be the mean over all its target tokens, over every micro-batch and every rank. Two
things go wrong. Sums in place of means: a model class or a custom `compute_loss` that ignores `num_items_in_batch`
while the trainer no longer divides leaves loss and gradient larger by exactly the accumulation (or the number of
devices). Means of means: each micro-batch is divided by its own token count, so a row with 20 targets weighs as much as
one with 2,000; the optimum moves a little, and batch 1 x 32 is not the same as batch 32 x 1.

## What it looks like
Sums in place of means:
- first loss and gradient norm are the right ones times an integer, while `eval_loss` is normal (10.59 beside 1.95 at an
  accumulation of 5, and 2.12 at an accumulation of 1);
- twice the accumulation, twice the loss: 6.4, 13.7, 69 and 138 at 2, 4, 16 and 32;
- Adam hardly minds the factor, so the curve still falls, though clipping now acts on every step.

Means of means:
- two settings with the same global batch end a few percent apart, small micro-batches always worse;
- ranks print one common loss over very different numbers of tokens.

## What else looks like it
- A high learning rate: evaluation suffers as well, and the factor is no integer.
- A label fault: the first loss is high in the evaluation too.
- A batch that is too small: more noise, no offset.
- A release that converges worse: compare evaluation losses, not training losses.

## How to decide
1. Divide the logged loss by the accumulation, and by the number of devices: one quotient equals the evaluation.
2. Train ten steps on the same global batch, once as 1 x n and once as n x 1, same seed, no dropout. The losses must
   agree within 0.5 %.
3. In the code: a `compute_loss` without `num_items_in_batch`, or a model that accepts `**kwargs` and ignores the count,
   gives the factor; a mean per micro-batch gives the drift.

Compare evaluation losses, never training losses, across releases.

## Typical false diagnosis
"The new release converges worse", "the loss explodes" or "it needs another learning rate".

## References
- https://github.com/huggingface/transformers/pull/34191
- https://github.com/huggingface/transformers/pull/35438
- https://github.com/huggingface/transformers/issues/37766
- https://huggingface.co/docs/accelerate/usage_guides/gradient_accumulation
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, SOMETIMES, USUALLY, Cause, Expect

CAUSE = Cause(
    slug="gradient-accumulation-misnormalisation",
    title="Loss wrongly normalised over micro-batches or ranks",
    family="loss-definition",
    incidents=10,
    decided_by=("log", "config", "script", "probe"),
    decisive_test=(
        "Train 10 steps on the same global batch with accumulation 1 and with n, same seed and no dropout: the logged "
        "losses must agree within 0.5 %"
    ),
    false_diagnosis="a worse release, an exploding loss or a learning rate that needs changing",
    expects=(
        Expect("undivided-accumulation", OFTEN, "the sum of the micro-batches is taken for their mean"),
        Expect("mean-loss-per-device", OFTEN, "a mean of means weighs tokens unequally"),
        Expect(
            "loss-override-ignoring-item-count",
            OFTEN,
            "neither the Trainer nor the override divides",
        ),
        Expect("loss-differing-between-layouts", OFTEN, "a sum over ranks grows with their number"),
        Expect("loss-multiple-of-accumulation", USUALLY, "summed micro-batches give the right loss times their number"),
        Expect("loss-differing-with-accumulation", USUALLY, "equal global batches are weighted differently"),
        Expect("gradient-accumulation", USUALLY, "with one micro-batch per step there is nothing to normalise"),
        Expect("normal-eval-beside-abnormal-train", OFTEN, "evaluation averages over tokens and has no factor"),
        Expect("eval-train-gap", OFTEN, "the training loss carries a factor that the evaluation does not"),
        Expect("defect-in-accumulation", OFTEN, "trainers of 2024 and 2025 had this fault in listed releases"),
        Expect("initial-loss-too-high", OFTEN, "the first loss is the normal one times the accumulation"),
        Expect("initial-loss-above-uniform", SOMETIMES, "a large factor lifts the first loss above ln V"),
        Expect("wrong-value-before-first-update", SOMETIMES, "the factor is there in the first row"),
        Expect("variable-length-batches", SOMETIMES, "means of means differ only where token counts differ"),
        Expect("several-processes", SOMETIMES, "ranks with different token counts are averaged in the same way"),
        Expect("loss-differing-between-releases", SOMETIMES, "the accounting changed from one release to the next"),
        Expect("metric-disagreement", SOMETIMES, "loss and perplexity or rank losses no longer fit together"),
    ),
    confused_with=("learning-rate-too-high",),
)
