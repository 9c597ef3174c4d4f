"""An adapter is merged into 4-bit or otherwise coarser weights, and the rounding swallows what it had learned.

## Mechanism
An adapter adds a small matrix to a large one: the change is often a thousandth of the weight.
While the adapter runs beside its base the two are added in the precision of the activations and
nothing is lost. Merging writes the sum back into the storage of the base. A 4-bit code has sixteen
values per block, so the sum is rounded to the code that the base had already, or to its neighbour.
The change is lost where it is small and exaggerated where it tips a code.
A milder form: the adapter was trained on a dequantised 4-bit base and is merged into the original
16-bit weights, or the other way round. Then it is added to weights that it was not trained on.

## What it looks like
Training and the live adapter are good; the merged model makes small mistakes everywhere, swaps
words, misses the end, or has lost the new style in part. Its loss on held-out rows is a few
hundredths to tenths of a nat above that of base plus adapter. A library prints that merging into a
4-bit layer may change generations because of rounding errors. Nothing in the training log hints at
it.
How much is lost depends on the size of the change and not on the quality of the training: a long
run with a large change survives a merge that erases a short one.

## What else looks like it
- Lost embedding rows or a tied head: one token for ever, or new tokens that never appear, and not
  a general blur.
- A converter or server: the merged model is still good in the library that merged it.
- A scale of the adapter that is too large: already noisy before merging.
- Overfitting: visible in the live adapter and in the held-out loss.

## How to decide
Compare the logits of base plus adapter with those of the merged model on ten prompts, in one
process. Then load the base in 16 bit, attach the same adapter, merge there and compare again. If
the 16-bit merge agrees with the adapter and the 4-bit merge does not, it was the rounding.
Quantise again only after the merge, and measure the loss once more.
Where memory is short, do not merge at all: serve the base with the adapter beside it, which is
exact. Or merge in 16 bit on the processor, which takes minutes, and quantise the result with a
method that looks at data.

## Typical false diagnosis
"Overfitting" or "bad training". The adapter beside its base answers well, so the training was not
the problem.

## References
- [huggingface/peft#2321](https://github.com/huggingface/peft/issues/2321): other outputs after
  merging into a 4-bit base
- [huggingface/peft#1043](https://github.com/huggingface/peft/issues/1043): merging and quantised
  weights
- [huggingface/transformers#31293](https://github.com/huggingface/transformers/issues/31293): a
  merged model that is worse than its adapter
- [QLoRA](https://arxiv.org/abs/2305.14314): what 4-bit storage keeps
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="low-bit-merge-rounding",
    title="Adapter merged into quantised or other-dtype weights",
    family="merge-and-export",
    incidents=4,
    decided_by=("script", "config", "generation", "probe"),
    decisive_test=(
        "Merge the same adapter into the 16-bit base and compare the logits of base plus adapter, 16-bit "
        "merge and 4-bit merge on ten prompts"
    ),
    false_diagnosis="overfitting or bad training",
    expects=(
        Expect("merge-into-quantised-base", ALWAYS, "the sum is rounded to the steps of the quantised base"),
        Expect("logits-changed-by-merge", USUALLY, "the merge rounds weights to few bits"),
        Expect("export-changed-output", ALWAYS, "the adapter beside its base is good and the merged model is not"),
        Expect("merged-or-exported-model", ALWAYS, "only merging writes the sum back into coarse storage"),
        Expect("adapter-training", ALWAYS, "there is nothing to merge without an adapter"),
        Expect("four-bit-base", USUALLY, "sixteen values per block cannot hold a change of a thousandth"),
        Expect("quantised-merge-warning", USUALLY, "libraries warn when an adapter is merged into quantised layers"),
        Expect("eval-loss-changed-by-reload", OFTEN, "the rounded weights have another loss on the same rows"),
        Expect("endless-generation", SOMETIMES, "a small change such as the habit of stopping is lost first"),
        Expect("garbled-generation", SOMETIMES, "rounding in every layer blurs the choice of words"),
        Expect("eight-bit-base", RARELY, "256 values lose less, but still lose"),
        Expect("recorded-outputs", OFTEN, "the curve is good and the texts are not, so texts are what people bring"),
    ),
    excluded_by=(Excluded("adapter-training", "a full fine-tune has no adapter to merge", when="absent"),),
    confused_with=("overfitting",),
)
