"""A preference objective compares the policy with itself, so its loss is ln 2 and its gradient nothing.

## Mechanism
Direct preference optimisation scores a pair by the difference of two log-ratios, policy over reference,
times beta, and passes it through a logistic loss. If the ratios are all zero the loss is -ln 0.5 =
0.6931, whatever the pair. At the first step that is right, for policy and reference start equal. It
stays so when beta is 0, when the policy is frozen, when the reference is the very object that is
trained, or when it is updated to the policy at every step. With beta 0 the gradient is zero by formula;
with a shared object the ratio is zero for any weights.

## What it looks like
- `loss` 0.6931 in every row, to the last digit, with `rewards/margins`, `rewards/chosen` and
  `rewards/rejected` at 0.
- `rewards/accuracies` at 0 or at a coin's half, depending on how ties are counted.
- A gradient norm of exactly 0, or one that is alive and changes nothing that is measured.
- Log-probabilities of the policy that equal those of the reference digit for digit.

## What else looks like it
The first rows of every healthy run: the margins leave 0 within tens of steps there. Hard or
contradictory pairs keep the loss around ln 2, yet it scatters and the rewards spread. A frozen adapter
is one way to this state and is the better name when the gradient norm is 0 and trainable parameters are
missing. A rate that is too low leaves margins that are tiny and grow.

## How to decide
Train on one pair for five steps and print its margin: exactly 0 decides it. Then read beta where the
loss is computed, and compare a weight of the policy with the same weight of the reference: equal, or
even the same object, names the way.

## Typical false diagnosis
More steps are needed. Zero times any number of steps stays zero.

## References
- https://github.com/huggingface/trl/issues/1627
- https://huggingface.co/docs/trl/dpo_trainer
- https://arxiv.org/abs/2305.18290
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, SOMETIMES, Cause, Excluded, Expect

CAUSE = Cause(
    slug="zero-preference-signal",
    title="Preference objective with no signal",
    family="trainable-parameters",
    incidents=1,
    decided_by=("log", "config"),
    decisive_test="Train on one preference pair for five steps and print its margin: exactly 0 decides it",
    false_diagnosis="too few steps",
    expects=(
        Expect("loss-at-log-two", ALWAYS, "a margin of 0 gives -ln 0.5 for every pair"),
        Expect("preference-objective", ALWAYS, "only a preference loss compares policy and reference"),
        Expect("zero-gradient-norm", OFTEN, "beta 0 multiplies the gradient by 0"),
        Expect("zero-gradient-norm-from-start", OFTEN, "beta and the reference are what they are from the first step"),
        Expect("flat-loss-from-start", OFTEN, "the loss keeps its first value to the last digit"),
        Expect("unchanged-weights", SOMETIMES, "a gradient of zero moves no weight"),
        Expect("constant-gradient-norm", SOMETIMES, "the same ratio in every pair repeats the same norm"),
        Expect("identical-curves-under-changed-settings", SOMETIMES, "every setting gives ln 2"),
        Expect("failure-at-every-learning-rate", SOMETIMES, "no rate turns a zero into a step"),
        Expect("adapter-training", SOMETIMES, "with an adapter the reference is the same model, switched off or not"),
    ),
    excluded_by=(
        Excluded("first-loss-at-objective-baseline", "margins left zero after the first rows"),
        Excluded("loss-at-log-two", "the loss left ln 2", when="absent"),
        Excluded("preference-objective", "no pairs are compared in this run", when="absent"),
    ),
    confused_with=("learning-rate-too-low",),
)
