"""The evaluation is computed in another way than the training loss, so two numbers that should agree do not.

## Mechanism
An evaluation has its own loader, collator, batch size, precision and metric. Each of them can
differ from training: packing on one side only, a mask over the prompt on one side only, padding
that counts, logits and labels that are not shifted in a self-written metric, a missing begin
token, a template that is left out, float16 without a scaler, a mean of means over batches of
unequal size. The model is the same. Only the question is another one.
As long as both numbers are compared with themselves nothing is lost. Wrong decisions come from
comparing them with each other, or with numbers of other people.

## What it looks like
A distance between training and evaluation that is there at the first evaluation, before anything
could be memorised, and that stays. Perplexity and loss that do not fit by the exponential. Two
columns for the same quantity that differ. An accuracy near 0 beside a good loss. A perplexity in
the thousands for a model that writes well. Train curve, gradient norm and outputs are
inconspicuous.
The size of the distance can hint at the reason. The share of prompt tokens explains some tenths of
a nat, padding that counts an arbitrary amount that follows the batch size, a metric that does not
shift a value near that of guessing, and a missing begin token anything up to thousands in
perplexity.

## What else looks like it
- Overfitting: the distance begins small and grows, and the evaluation rises.
- A held-out set of another kind: the distance is real; the base model has it too.
- Numbers that leave the fp16 range in evaluation: NaN and not a wrong number.
- Weights that are wrong: outputs are wrong as well.

## How to decide
Run the evaluation code on a batch of training rows, without a step and with dropout off. It must
give the training loss of this batch. If it does not, print for one row the ids, the labels that
count and their number on both sides; the first difference is the fault. Score the same text with a
plain cross-entropy by hand as the judge.

## Typical false diagnosis
"Overfitting". Something that is there before the second sight of any row is not overfitting.

## References
- [hiyouga/LlamaFactory#7318](https://github.com/hiyouga/LlamaFactory/pull/7318): packed training
  against unpacked evaluation
- [mosaicml/llm-foundry#288](https://github.com/mosaicml/llm-foundry/pull/288): a metric that did
  not shift its labels
-
  [EleutherAI/lm-evaluation-harness#2049](https://github.com/EleutherAI/lm-evaluation-harness/pull/2049):
  perplexity in the thousands without a begin token
- [TRL, SFT trainer](https://huggingface.co/docs/trl/sft_trainer): `eval_packing` and what the loss
  counts
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Expect

CAUSE = Cause(
    slug="evaluation-artefact",
    title="Evaluation computed differently from training",
    family="evaluation-and-reporting",
    incidents=2,
    decided_by=("log", "config", "script"),
    decisive_test=(
        "Run the evaluation code on one batch of training rows without a step: it must give the training loss "
        "of this batch"
    ),
    false_diagnosis="overfitting",
    expects=(
        Expect("metrics-on-unshifted-logits", SOMETIMES, "the metric compares positions that do not belong together"),
        Expect("evaluation-with-gradients", RARELY, "dropout is on while it is measured"),
        Expect("metric-disagreement", OFTEN, "one quantity that is computed in two ways has two values"),
        Expect("eval-train-gap", OFTEN, "another mask or layout shifts the level from the first evaluation on"),
        Expect(
            "implausible-evaluation",
            OFTEN,
            "a wrong question to a sound model gives a value that no sound model has",
        ),
        Expect("uninterrupted-evaluation", USUALLY, "without an evaluation there is nothing to compute differently"),
        Expect("eval-below-train", RARELY, "counting prompts or padding makes an evaluation too easy"),
        Expect("plausible-first-loss", SOMETIMES, "the training side is in order"),
        Expect("packed-sequences", SOMETIMES, "packing is applied to one side only"),
        Expect("completion-only-loss", SOMETIMES, "the mask over the prompt is applied to one side only"),
        Expect("zero-token-accuracy", RARELY, "a metric that does not shift compares each token with its neighbour"),
    ),
    confused_with=("overfitting",),
)
