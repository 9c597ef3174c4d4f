"""One outlying or non-finite gradient is applied without a limit, and the weights never recover.

## Mechanism
Rare batches have gradients a hundred times larger than the rest: a few very short targets, odd
characters, a row of padding. A limit on the global norm turns such a gradient into an ordinary step.
Without one, plain SGD takes a step a hundred times too large, and Adam stores the square in its second
moment: the direction is wrong at once and the effective rate too small for a thousand steps after. A
gradient of NaN is worse, since clipping passes it on: only a guard that skips the step helps. Own
loops, and setups in which a wrapper takes over the step, frequently have neither.

## What it looks like
- Hundreds of good rows, one row in which loss or gradient norm is far out, and no way back; or NaN for
  ever.
- The same at rates as low as 4.5e-7, and at another step with another order of the data.
- `max_grad_norm` 0 or absent, or a loop with `step()` directly after `backward()`.
- Gradient norms that are ordinary up to the row before.

## What else looks like it
A rate that is too high fails near the top of the schedule, after norms that grew for a while, and not
at one batch. Corrupt rows spoil the run at the same rows again; with clipping they would cost three
steps. Gradients that are never cleared grow from the first step. Float16 overflow hits with a limit
just the same. A clipped run can still spike and come back; that is harmless.

## How to decide
Replay the batch of the bad step on the last good checkpoint and print its gradient norm beside that of
ten other batches. A hundredfold norm, and a run that survives the batch with a limit of 1.0 and a skip
of non-finite steps, decide it.

## Typical false diagnosis
The learning rate. A tenth of the rate survives a tenth more, until a batch comes that is ten times
worse, and NaN is NaN at every rate.

## References
- https://github.com/openvla/openvla/pull/334
- https://github.com/ml-explore/mlx-lm/issues/1658
- https://github.com/huggingface/accelerate/pull/4025
- https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="missing-gradient-clipping",
    title="No gradient clipping or non-finite guard",
    family="optimisation",
    incidents=3,
    decided_by=("log", "config", "script"),
    decisive_test="Replay the batch of the bad step on the last good checkpoint with a norm limit of 1.0 and without",
    false_diagnosis="the learning rate",
    expects=(
        Expect("late-clipping", SOMETIMES, "a clip after the step changes nothing"),
        Expect("clip-before-unscale", RARELY, "a clip of scaled gradients is no clip"),
        Expect("gradient-clipping-off", USUALLY, "no limit on the norm is configured, or it is 0"),
        Expect("gradient-norm-outlier", OFTEN, "one batch has a gradient far above all others"),
        Expect("persistent-nan", OFTEN, "a non-finite step was applied, and weights do not heal"),
        Expect("late-nan-onset", OFTEN, "the bad batch comes when it comes, after many good ones"),
        Expect("loss-divergence", OFTEN, "the metric never comes back after one step"),
        Expect("non-finite-weights", SOMETIMES, "a NaN gradient that nothing stops is written into every weight"),
        Expect("loss-spike", SOMETIMES, "milder outliers cost some tens of steps"),
        Expect("isolated-giant-loss", SOMETIMES, "the batch that does the harm has a loss of its own"),
        Expect("nan-loss", OFTEN, "after the bad step every forward pass is NaN"),
        Expect("tiny-batch", SOMETIMES, "in a batch of one an odd row is not averaged away"),
        Expect("failure-at-every-learning-rate", SOMETIMES, "a non-finite gradient is so at every rate"),
        Expect("bfloat16-training", SOMETIMES, "without a loss scaler nothing looks for non-finite steps"),
        Expect("sharded-training", RARELY, "a wrapper that takes over the step may leave the guard out"),
    ),
    excluded_by=(
        Excluded("wrong-value-before-first-update", "no gradient has been applied by then"),
        Excluded("nan-at-zero-learning-rate", "the forward pass is non-finite before any gradient was applied"),
    ),
    confused_with=("learning-rate-too-high",),
)
