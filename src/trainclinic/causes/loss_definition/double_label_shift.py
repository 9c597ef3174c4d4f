"""Targets that were moved by one position already are handed to a model or loss that moves them once more.

## Mechanism
Next-token training compares the output at position t with token t+1. Either the data loader makes that shift
(`y = ids[1:]`) or the model does (Hugging Face causal language models shift `labels` inside). When both do, the output
at t is scored against token t+2, with t+1 unseen. The first loss is that of a model which is confident about the wrong
token: worse than a plain table of word frequencies. Training then unlearns the confidence. A small adapter ends at the
unigram entropy of the data, where context is of no use; a full fine-tune goes on to what t says about t+2.

## What it looks like
- A pretrained model starts at 8-10 nats where 1-4 is right, yet below the level of uniform guessing: a GPT-2 that
  started at 9.23 was 2.7 nats worse than a table of its data's word frequencies (6.5).
- The loss falls at once, then stands at 6-7 with an ordinary gradient norm; nothing is NaN.
- A full fine-tune goes lower, to 5-6, and stands there.
- Train and validation loss agree, since both are scored the same way.
- Single evaluations may jump up and come back, more with adapters than with full fine-tuning.
- On very regular text the excess can be small (1.6 where 1.0 is right).
- Text is made of frequent words in no order.

## What else looks like it
- Weights that were not loaded: a first loss at or above ln V (10.8 for GPT-2), with a message about new weights.
- A foreign tokenizer or untrained new tokens: above ln V, or hundreds of nats.
- A wrong chat template: less than one nat above the normal start, and it fades.
- A sum in place of a mean: an integer multiple of the right loss, with a normal evaluation.
- A learning rate that is too high: normal first loss, then a jump to the same plateau.
- Wrong positions: high only above a length.

## How to decide
One batch of the untouched model, no gradient:

    for k in range(4):
        size = logits.size(1) - k
        print(k, cross_entropy(logits[:, :size].flatten(0, 1), ids[:, k:].flatten()))

The untouched model is best at k = 1. If the loss that the script reports equals k = 2, the labels are shifted twice; if
it equals k = 1, they are not. Handing over `labels=input_ids` instead must bring the first loss down to 1-4 at once
(9.23 became 3.61 for the GPT-2 above), with the same data and rate.

## Typical false diagnosis
"The model is too small", LoRA rank, learning rate, batch or block size, corrupt data at the step of a jump, or simply
"converged": the plateau is the entropy of the words, not of the language.

## References
- https://github.com/huggingface/transformers/pull/46898
- https://github.com/huggingface/transformers/pull/47090
- https://github.com/huggingface/transformers/issues/47394
- https://huggingface.co/docs/transformers/model_doc/gpt2
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Expect

CAUSE = Cause(
    slug="double-label-shift",
    title="Labels shifted twice",
    family="loss-definition",
    incidents=7,
    decided_by=("log", "script", "probe"),
    decisive_test=(
        "On one batch of the untouched model compute the cross-entropy of `logits[:, :-k]` against `ids[:, k:]` for "
        "k = 0 to 3, and see which one the script's own loss equals: 1 is right, 2 is this fault"
    ),
    false_diagnosis="a model, rank, batch or learning rate that is too small, or plain convergence",
    expects=(
        Expect("lower-loss-at-other-shift", USUALLY, "the loss is that of the token after the next"),
        Expect("shifted-labels-to-shifting-model", USUALLY, "the loader shifts and so does the model"),
        Expect("initial-loss-too-high", USUALLY, "an intact model is confident about t+1 and is scored on t+2"),
        Expect("plateau-at-unigram-entropy", USUALLY, "without the token in between, context is of little use"),
        Expect("loss-plateau", OFTEN, "the run settles early, above where an intact model ends"),
        Expect("wrong-value-before-first-update", USUALLY, "the targets are wrong from the first batch on"),
        Expect("garbled-generation", OFTEN, "the model learns the word after next: frequent words in no order"),
        Expect("metric-disagreement", SOMETIMES, "a metric with a single shift disagrees with the loss"),
        Expect("loss-spike", SOMETIMES, "low-rank adapters under this fault wobble between evaluations"),
        Expect("loss-differing-between-releases", SOMETIMES, "the second shift came or went with a release"),
        Expect("sequence-parallelism", RARELY, "code that splits sequences shifts labels before it splits"),
    ),
    confused_with=(
        "batch-size-too-small",
        "learning-rate-too-low",
        "block-size-too-large",
        "corrupt-input-data",
        "mps-instability",
        "normal-convergence",
    ),
)
