"""Every label of a row or batch is ignored, for a reason that no narrower cause explains.

## Mechanism
The loss averages over the positions whose label is not -100, or whose loss mask is 1. When no such
position is left, a plain mean is 0/0, a clamped one is 0, and in both cases no gradient reaches the
weights. Reasons beyond truncation, markers and boundaries are many: a mask tensor that is cached and
then edited in place, so that it loses positions with every batch; an assistant mask from a template
without generation markers; a role filter that knows other role names; labels that a second collator
overwrites. This cause stands for all of them, and gives way as soon as the log or the data supports a
narrower one.

## What it looks like
- Loss exactly 0.0 and gradient norm exactly 0.0, from the first row or, with an edited cache, after a
  normal beginning.
- NaN in single batches, or in the evaluation only, when a batch happens to hold no target.
- Token accuracy 0.0 while the token count grows.
- Weights and generations as before training: nothing was damaged, and nothing was learned.

## What else looks like it
Weights full of NaN log 0.0 too, with a NaN norm beside it and garbage or empty generations. A frozen
adapter has gradient norm 0.0 as well, but a loss that is finite and positive. A policy objective can
log 0.0 by construction. Memorised data gives a small positive loss, not an exact zero.

## How to decide
Print the number of labels that are not -100 for each row of the first batch and, if the fault comes
later, of one batch every hundred steps. A count of 0 decides it. Then decode what is masked, and follow
the code that built the mask.

## Typical false diagnosis
Numeric instability. No number is unstable here: the loss is the mean of an empty set, in every
precision alike.

## References
- https://github.com/NVIDIA/Megatron-LM/issues/1269
- https://github.com/snowflakedb/ArcticTraining/pull/335
- https://github.com/axolotl-ai-cloud/axolotl/pull/3098
- https://huggingface.co/docs/trl/sft_trainer
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="fully-masked-labels",
    title="Every label ignored for another or unnamed reason",
    family="supervised-tokens",
    incidents=6,
    decided_by=("log", "data", "probe"),
    decisive_test="Print the number of labels that are not -100 for every row of the first and of the first bad batch",
    false_diagnosis="numeric instability",
    expects=(
        Expect("cached-mask-modified-in-place", SOMETIMES, "masked positions stay masked in all later rows"),
        Expect("foreign-ignore-index", RARELY, "a mask with the wrong value hits the wrong tokens"),
        Expect("rows-without-targets", ALWAYS, "no position of the row is scored"),
        Expect("loss-exactly-zero", USUALLY, "a clamped mean over no target is 0"),
        Expect("zero-gradient-norm", OFTEN, "a loss without targets has no gradient"),
        Expect("zero-token-accuracy", OFTEN, "no scored token can be right"),
        Expect(
            "zero-gradient-norm-from-start",
            SOMETIMES,
            "where labels are wrong from the beginning, so is the first gradient",
        ),
        Expect(
            "zero-loss-from-start",
            SOMETIMES,
            "a wrong mask may hit the first batch already, an edited one comes to it later",
        ),
        Expect("empty-target-warning", OFTEN, "the log says that all labels of a batch are ignored"),
        Expect("rows-without-labels-report", OFTEN, "a count of labels per row is 0"),
        Expect("completion-only-loss", OFTEN, "a mask that hides prompts is the usual place of the fault"),
        Expect("nan-loss", SOMETIMES, "an unclamped mean over no target is 0/0"),
        Expect("recovering-nan-rows", SOMETIMES, "only some batches happen to hold no target"),
        Expect("nan-eval-loss", SOMETIMES, "one evaluation batch without targets makes the mean NaN"),
        Expect("wrong-value-before-first-update", SOMETIMES, "an empty batch needs no update to be empty"),
        Expect("nan-at-zero-learning-rate", SOMETIMES, "0/0 does not depend on the rate"),
    ),
    excluded_by=(Excluded("rows-without-targets", "every row has target tokens", when="absent"),),
    confused_with=("fp16-range-overflow", "learning-rate-too-high"),
)
