"""More passes make the model better on the rows it trains on and worse on new ones.

## Mechanism
After a row has been seen, its next sight lowers its loss by what is special to it and no longer by
what it has in common with new text. With small sets, high rates and several passes the share of
the special grows until the predictions become too sure of themselves, and the loss on new rows
rises while that on the old ones still falls.
The definition needs both sides. A held-out loss that is flat while the training loss falls is
memorisation without harm; a training loss that rises is something else altogether.

## What it looks like
The held-out loss has a minimum and climbs from it by more than its own error, in two evaluations
or more, while the training loss keeps falling. The distance between both grows from pass to pass.
The training loss steps down at epoch boundaries. The model recites training rows for prompts that
come near them. Accuracy may still improve while the loss worsens, because wrong answers become
more confident.
In numbers: a rise of 0.05 nats over three evaluations with an error of 0.01 each is overfitting;
the same rise with an error of 0.05 is nothing. A distance of a few per cent between the two curves
is ordinary at every stage.

## What else looks like it
- A constant distance from the first evaluation on: the two sides are computed differently, or
  their rows differ.
- Memorisation with a flat held-out loss: benign.
- An evaluation that rises together with the training loss: divergence or a spike.
- Loss 0.0 with a NaN gradient norm: no learning at all.
- Both losses falling to 0: the model sees the future, or the rows leaked.
- A model that got worse by merging or exporting: its adapter is still good.

## How to decide
Put both curves over one axis and take the error of an evaluation into account: a few hundred rows
have an error of some hundredths of a nat. If the rise is larger, go back to the checkpoint at the
minimum and compare its outputs on new prompts. Fewer passes, a lower rate or more data must move
the minimum to the right.

## Typical false diagnosis
As a false diagnosis it is among the most popular. It is refuted by an evaluation that does not
rise, by a training loss that has not fallen below the entropy of word frequencies, by weights that
do not change, and by a distance that was there before the second pass began. A distance of a few
per cent is a property of any split.
Where it is true, people change sampling settings first.

## References
- [tatsu-lab/stanford_alpaca#236](https://github.com/tatsu-lab/stanford_alpaca/issues/236):
  training loss in steps, evaluation rising
- [Scaling data-constrained language models](https://arxiv.org/abs/2305.16264): how many passes
  help
- [Can LLMs learn from a single example?](https://www.fast.ai/posts/2023-09-04-learning-jumps/):
  memorisation with its curves
- [Early stopping in the Trainer](https://huggingface.co/docs/transformers/main_classes/callback):
  `EarlyStoppingCallback`
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="overfitting",
    title="Overfitting by too many passes",
    family="data",
    incidents=19,  # one reported as a fault, 18 among 224 public logs: few call it one
    decided_by=("log", "data", "generation"),
    decisive_test=(
        "Compare the checkpoint at the lowest held-out loss with the last one on prompts that are in neither "
        "part of the data"
    ),
    false_diagnosis="sampling settings",
    expects=(
        Expect(
            "rising-eval-loss",
            ALWAYS,
            "a held-out loss that rises while the training loss falls is the definition",
        ),
        Expect("repeated-passes", USUALLY, "rows have to be seen again to be learned by heart"),
        Expect("epoch-boundary-drop", OFTEN, "rows that were seen in the last pass are recognised in this one"),
        Expect("eval-train-gap", SOMETIMES, "the distance grows with every pass"),
        Expect("duplicate-rows", SOMETIMES, "copies work like further passes"),
        Expect("loss-collapse-to-zero", SOMETIMES, "a small set is known by heart at the end"),
        Expect("learning-rate-above-usual-range", SOMETIMES, "a high rate memorises in fewer passes"),
    ),
    excluded_by=(
        Excluded("rising-eval-loss", "the held-out loss was followed and does not rise", when="absent"),
        Excluded("joint-fall-to-zero", "the held-out loss falls as well, so new rows are not the ones that suffer"),
        Excluded("nan-hidden-as-zero", "a loss of 0 that hides NaN is not a small loss"),
        Excluded("plateau-at-unigram-entropy", "a loss at the entropy of word frequencies has learned no row by heart"),
        Excluded("zero-gradient-norm-from-start", "nothing was learned, so nothing was learned too well"),
        Excluded("unchanged-weights", "weights that do not change cannot fit anything too well"),
        Excluded("no-trainable-parameters", "without trainable parameters nothing is fitted"),
    ),
    confused_with=("learning-rate-too-low",),
)
