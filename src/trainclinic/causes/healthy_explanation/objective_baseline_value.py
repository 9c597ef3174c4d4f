"""The loss stands at a value that its objective has by construction, so the number itself is right.

## Mechanism
Not every loss is a cross-entropy over a vocabulary. DPO compares the policy with a copy of itself,
so its first loss is ln 2 = 0.6931 with all margins 0. On-policy GRPO and its relatives divide the
probability of the policy by itself and centre the advantages of a group, so that their loss is
near 0 whatever the model learns, and exactly 0 in a group in which all completions have the same
reward. A classifier with k classes starts at ln k. A KL penalty starts at 0. A reward model starts
at ln 2.
Whoever reads these values as those of a language model sees a model that knows everything or
nothing.

## What it looks like
The first row lies at the constant of the objective to three digits, and then the quantities that
matter begin to move: margins and accuracies in preference training, rewards and completion lengths
in reinforcement, accuracy in classification. The loss leaves ln 2 slowly at the small rates of
preference training; with GRPO it stays around 0 with either sign for the whole run. The gradient
norm is small and finite.
A loss of 0.0 in single rows of group-based reinforcement means that all completions of the group
earned the same reward. When that happens in most rows, the task is too easy or too hard for the
model, or the reward does not discriminate; the objective itself still works.

## What else looks like it
- A preference run without a signal: the loss is still at ln 2 at the end and the margins are
  exactly 0, in every row.
- A frozen adapter: a gradient norm of exactly 0 while the rate is alive.
- A language-model loss of 0: labels ignored, or NaN behind a filter.
- Label faults: they belong to cross-entropy over a vocabulary.

## How to decide
Name the objective and compute its starting value. Then look at the second quantity: margins,
rewards or accuracy after twenty to fifty steps at full rate. If it moves, the value was the
baseline; if it stays at exactly 0, look for a missing signal.

## Typical false diagnosis
"Nothing is learned". For these objectives the loss is not the measure of what is learned.

## References
- [TRL, DPO trainer](https://huggingface.co/docs/trl/dpo_trainer): what margins and rewards mean
- [TRL, GRPO trainer](https://huggingface.co/docs/trl/grpo_trainer): why the loss is near 0
- [Direct preference optimization](https://arxiv.org/abs/2305.18290): the loss and its value at
  equal policies
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, Cause, Expect
from trainclinic.causes.never_healthy import never_healthy

CAUSE = Cause(
    slug="objective-baseline-value",
    title="Loss value that the objective has by construction",
    family="healthy-explanation",
    incidents=0,
    decided_by=("log", "config"),
    decisive_test=(
        "Compute the starting value of the objective, and look whether margins, rewards or accuracy move "
        "after fifty steps at full rate"
    ),
    false_diagnosis="nothing being learned",
    expects=(
        Expect(
            "first-loss-at-objective-baseline",
            ALWAYS,
            "a policy that equals its reference has this loss by construction",
        ),
        Expect("preference-objective", OFTEN, "preference losses start at ln 2"),
        Expect("sampled-completions-objective", OFTEN, "the loss of an on-policy objective is centred at 0"),
        Expect("loss-at-log-two", RARELY, "at the small rates of preference training the loss leaves ln 2 slowly"),
        Expect("flat-loss-from-start", SOMETIMES, "an objective with centred advantages has no loss that falls"),
        Expect(
            "initial-loss-too-low",
            SOMETIMES,
            "the constant of the objective is far below any cross-entropy of text",
        ),
        Expect("zero-gradient-norm", SOMETIMES, "a group of equal rewards has no gradient"),
        Expect("loss-exactly-zero", SOMETIMES, "a group of equal rewards has a loss of exactly 0"),
        Expect("loss-collapse-to-zero", RARELY, "preference losses go to 0 when the pairs are easy"),
        Expect("noisy-loss", SOMETIMES, "a loss around 0 is all noise"),
    ),
    excluded_by=never_healthy(
        "loss-exactly-zero",
        "zero-gradient-norm",
        "initial-loss-too-high",
        "initial-loss-above-uniform",
        "loss-divergence",
    ),
    confused_with=("zero-preference-signal", "frozen-adapter"),
)
