"""Gradients are never cleared, so each step uses the sum of all gradients since the beginning.

## Mechanism
A backward pass adds to the gradients that are there. A loop that calls `step()` without `zero_grad()`
uses, at step n, the sum over n batches, most of them computed at weights that are long gone. The sum
grows about in proportion to n as long as the gradients agree, and points more and more backwards in
time. SGD then takes steps that grow with n. Adam normalises their size, but not their direction: it
acts like a momentum without any forgetting, overshoots every minimum and cannot turn. Hidden forms: the
call stands behind a condition that is never true, or clears another optimizer.

## What it looks like
- A gradient norm that climbs from the very first rows, nearly in a straight line: at step 100 it is
  tens of times that of step 1.
- A loss that falls for some tens of steps, turns, and rises slowly and without noise.
- A lower rate delays the turn and does not avoid it.
- An own training loop; frameworks that run the loop clear the gradients themselves.

## What else looks like it
A rate that is too high breaks out suddenly, near the peak, after steady norms. Missing clipping needs
an outlier, and the norm is ordinary before and after it. Memorisation raises the norm too, while the
loss falls. An optimizer over stale parameters lets the live gradients pile up in the same line; its
loss stays flat because the weights never move. Accumulation on purpose adds a fixed number of batches
and then starts again from zero.

## How to decide
Print the gradient norm right after `backward()` for ten steps on one repeated batch at rate 0: it must
stay the same, and n-fold values decide it. Or read the loop: between two steps there must be one
`zero_grad`, on the same optimizer.

## Typical false diagnosis
A learning rate that is too high. Lowering it changes when the loss turns; the norm climbs in the same
line.

## References
- https://github.com/tenstorrent/tt-blacksmith/pull/711
- https://pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html
- https://pytorch.org/tutorials/recipes/recipes/zeroing_out_gradients.html
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="missing-zero-grad",
    title="Gradients never cleared",
    family="optimisation",
    incidents=1,
    decided_by=("log", "script"),
    decisive_test="Repeat one batch ten times at rate 0 and print the gradient norm: it must not grow",
    false_diagnosis="a learning rate that is too high",
    expects=(
        Expect("no-zero-grad", ALWAYS, "no call clears the gradients between two steps"),
        Expect("gradient-norm-growth", ALWAYS, "step n uses the sum of n gradients"),
        Expect("loss-divergence", USUALLY, "a sum that points backwards in time cannot turn at a minimum"),
        Expect("plausible-first-loss", USUALLY, "the model is intact, and the first gradient is right"),
        Expect("gradient-clipping-off", SOMETIMES, "loops that forget to clear forget to clip"),
        Expect("failure-at-every-learning-rate", SOMETIMES, "a lower rate turns later, but turns"),
        Expect("loss-plateau", SOMETIMES, "an optimizer that normalises the sum circles far from the minimum"),
        Expect("late-nan-onset", SOMETIMES, "growing steps leave the range in the end"),
    ),
    excluded_by=(
        Excluded(
            "rise-at-negligible-learning-rate", "a sum of gradients still moves by the rate, and the rates are nothing"
        ),
        Excluded("trainer-log-rows", "the Trainer clears the gradients after each step itself"),
        Excluded("zero-gradient-norm-from-start", "a growing sum of gradients is not zero"),
        Excluded("wrong-value-before-first-update", "in the first step there is nothing to clear"),
        Excluded("nan-after-first-update", "the second sum is at most twice an ordinary gradient"),
    ),
    confused_with=("learning-rate-too-high",),
)
