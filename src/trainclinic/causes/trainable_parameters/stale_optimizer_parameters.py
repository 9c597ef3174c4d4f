"""The optimizer steps parameters that are not, or no longer, those of the model in use.

## Mechanism
An optimizer keeps references to the parameter objects it was given. When the model is wrapped, sharded,
cast into new tensors, given an adapter or a new head, or loaded again after that, the objects change
and the references do not. The forward and backward pass run on the live model; the steps go to objects
that nobody reads. With two models in one script the second optimizer is often built from the first
model. Nothing raises an error. Since `zero_grad` clears the gradients of the stale parameters only,
those of the live ones pile up from step to step.

## What it looks like
- A loss that bounces around its first value for the whole run, at any learning rate.
- Gradient norms that are alive, and frequently grow in a straight line because nothing clears them.
- Identical evaluation losses to the last digit, and a saved model that equals the loaded one.
- A parameter count of the optimizer that differs from that of the model.

## What else looks like it
A frozen adapter has gradient norms of exactly 0, and so has a fully cut graph; here they are not zero.
A rate that is too low lowers the loss a little, in proportion to the summed rate. Updates that bfloat16
rounds away need bfloat16 weights and a small rate, and change at least the small parameters. Missing
`zero_grad` shows the same growing norms, but its weights move and the loss rises.

## How to decide
Compare the identities of the tensors in `optimizer.param_groups` with those of `model.parameters()`;
the sets must be equal. Or change nothing and hash a weight before and after one step: equal, with a
non-zero gradient, decides it.

## Typical false diagnosis
The data, or a learning rate. A model that cannot lower the loss of one single batch in fifty steps is
not held back by either of them.

## References
- https://github.com/rasbt/dora-from-scratch/pull/1
- https://github.com/intelligent-machine-learning/dlrover/issues/584
- https://pytorch.org/docs/stable/optim.html
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="stale-optimizer-parameters",
    title="Optimizer that holds other parameters",
    family="trainable-parameters",
    incidents=2,
    decided_by=("log", "script", "probe"),
    decisive_test="Compare `id()` of the tensors in `optimizer.param_groups` with those of `model.parameters()`",
    false_diagnosis="the data, or the learning rate",
    expects=(
        Expect("optimizer-of-another-model", OFTEN, "the optimizer holds the parameters of another model"),
        Expect("parameters-outside-optimizer", USUALLY, "the optimizer was built for other tensors"),
        Expect("optimizer-built-too-early", ALWAYS, "the model is wrapped or replaced after the optimizer was built"),
        Expect("flat-loss-from-start", USUALLY, "the live weights never move"),
        Expect("unchanged-weights", USUALLY, "steps go to tensors that the model no longer uses"),
        Expect("gradient-norm-growth", OFTEN, "`zero_grad` clears the stale tensors, so live gradients pile up"),
        Expect(
            "identical-curves-under-changed-settings", SOMETIMES, "no rate and no schedule reaches the live weights"
        ),
        Expect("failure-at-every-learning-rate", SOMETIMES, "the rate multiplies steps that nobody reads"),
        Expect("sharded-training", SOMETIMES, "sharding replaces the parameters by flat ones"),
        Expect("plausible-first-loss", USUALLY, "the loaded model is intact and stays so"),
        Expect("noisy-loss", RARELY, "without any gain the noise of the batches is all that moves"),
        Expect("adapter-training", SOMETIMES, "attaching an adapter changes which parameters are trained"),
    ),
    excluded_by=(
        Excluded("loss-exactly-zero", "the live model keeps the positive loss of its weights"),
        Excluded("loss-collapse-to-zero", "weights that are never stepped cannot learn the data to nothing"),
        Excluded("nan-after-first-update", "no update reaches the live weights"),
    ),
    confused_with=("learning-rate-too-low",),
)
