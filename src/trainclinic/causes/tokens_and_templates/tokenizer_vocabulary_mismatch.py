"""Tokenizer and model disagree about the ids: some do not exist in the model, or all mean something else.

## Mechanism
An embedding is a table that is read by row number. A pad or chat token that was added to the tokenizer
without resizing the model gets a number beyond the last row; on an accelerator the lookup trips an
assertion in the kernel, often reported lines later, on the CPU it is a plain index error. When all ids
exist, but come from the tokenizer of another checkpoint, nothing crashes: each id selects the row of
some other word. The text is scored as a random sequence on which the model is confident and wrong.

## What it looks like
- `device-side assert triggered` or `srcIndex < srcSelectDimSize` at the first forward pass, or at the
  first row that contains the new token.
- A printed id that is equal to or larger than the printed vocabulary size, in two configurations side
  by side.
- With a foreign tokenizer: a first loss above ln V (17 nats in an experiment with random ids on a sharp
  model), and a slow fall. Outputs are a mix of words from everywhere.

## What else looks like it
New rows with unsuitable values also start above ln V; there the tokens were added and the model was
resized. Weights that were not loaded start at ln V, not above, because random weights have no opinion.
A double label shift stays well below ln V. Broken characters in the data leave the ids valid and the
loss only somewhat higher.

## How to decide
Compare the largest id in the tokenised data with the number of rows of the embedding. Then encode a
common sentence and score it with the untouched model: a perplexity that is ordinary clears the pairing
of the two.

## Typical false diagnosis
A fault of CUDA, the driver or the memory. The same ids raise an index error on the CPU, with the line
that causes it.

## References
- https://github.com/01-ai/Yi/issues/448
- https://github.com/meta-llama/llama-cookbook/issues/189
- https://github.com/huggingface/transformers/issues/22778
- https://huggingface.co/docs/transformers/main_classes/tokenizer
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="tokenizer-vocabulary-mismatch",
    title="Token ids that the model does not have or reads otherwise",
    family="tokens-and-templates",
    incidents=2,
    decided_by=("log", "config", "script"),
    decisive_test="Compare the largest token id of the data with the embedding rows, and run one batch on the CPU",
    false_diagnosis="a fault of CUDA or the driver",
    expects=(
        Expect("added-tokens-without-resize", OFTEN, "ids beyond the embedding have no row"),
        Expect("tokenizer-of-another-model", OFTEN, "its ids mean other words to the model"),
        Expect("tokens-added-after-resize", SOMETIMES, "the embedding was enlarged too early"),
        Expect("numeric-pad-id", RARELY, "an id that is a word is taken for padding"),
        Expect("token-id-beyond-vocabulary", USUALLY, "an id lies at or above the number of embedding rows"),
        Expect("device-side-assert", USUALLY, "the lookup of a row that does not exist trips the kernel's index check"),
        Expect("exception-in-log", USUALLY, "the failed lookup ends the run"),
        Expect("added-tokens", OFTEN, "a token was added to the tokenizer and the model kept its size"),
        Expect("initial-loss-above-uniform", SOMETIMES, "ids of another tokenizer make the model confidently wrong"),
        Expect("initial-loss-too-high", SOMETIMES, "each id selects the row of another word"),
        Expect("wrong-value-before-first-update", SOMETIMES, "ids are wrong before any weight has moved"),
        Expect(
            "garbled-generation", SOMETIMES, "output ids are decoded with another table than they were learned with"
        ),
        Expect("token-ids-differing-between-tools", SOMETIMES, "two vocabularies give one text two lists of ids"),
        Expect("new-tokens-without-initialisation", SOMETIMES, "the script adds tokens and never touches the model"),
        Expect("initial-loss-near-uniform", RARELY, "a blunt model on foreign ids is no better than guessing"),
    ),
    excluded_by=(
        Excluded("nan-after-first-update", "a lookup fails or is wrong at once, and is not changed by an update"),
    ),
    confused_with=("mps-instability",),
)
