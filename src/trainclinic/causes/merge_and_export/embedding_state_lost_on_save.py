"""Trained embedding or head rows are missing from the saved file, or a tie overwrites them when it is loaded.

## Mechanism
Adapter files hold the adapter and what was declared as to be saved. Embeddings and head that were
made trainable in another way, by resizing, by `requires_grad_(True)` or by training new tokens,
are trained and not written. After loading, the rows of the base stand in their place.
The second road is the tie. Models with tied weights store one matrix for input and output. When
both were trained as separate copies, as `modules_to_save` does, only one of them survives a save
of the merged model, and on loading the configuration ties them again: the trained head is replaced
by the embedding. The output then consists of one token.

## What it looks like
Everything is right until the process ends. After reload or merge: the held-out loss is higher by
some tenths, new tokens never appear, or one token is repeated without end. A list of trainable
parameters names embeddings, a list of saved keys does not. Both the tie in the model's
configuration and `modules_to_save` in the adapter's can be read from files.

## What else looks like it
- Rounding in a quantised merge: many small errors, no single repeated token, and a 4-bit base.
- Tokens that were never trained: bad before the save as well.
- A converter: good after reload in the library, bad elsewhere.
- Weights that were not restored at all: everything learned is gone, not the rows of some tokens.

## How to decide
Compute the loss of one held-out batch before the save and after the reload; they must agree. Then
subtract the head of the reloaded model from that of the live one: a difference of several units is
the lost head. Compare the names of the trainable parameters with the keys of the file; every
trainable one must be there.
With tied weights set `tie_word_embeddings` to false before saving, or ask for the tie to be kept
in the adapter.
New tokens alone can be trained without touching the whole matrix (`trainable_token_indices` in
PEFT), which stores exactly the rows that changed and avoids both roads.

## Typical false diagnosis
"Gibberish means bad training". The same weights spoke properly minutes before, in the process that
trained them.

## References
- [huggingface/transformers#45127](https://github.com/huggingface/transformers/issues/45127): a
  tied head that is lost on reload
- [artidoro/qlora#214](https://github.com/artidoro/qlora/issues/214): trained embeddings that the
  adapter file does not contain
- [hiyouga/LlamaFactory#6749](https://github.com/hiyouga/LlamaFactory/issues/6749): outputs after
  merging with extra modules
- [PEFT troubleshooting](https://huggingface.co/docs/peft/developer_guides/troubleshooting):
  extended vocabularies and saved modules
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Expect

CAUSE = Cause(
    slug="embedding-state-lost-on-save",
    title="Embedding or head rows lost at save, merge or reload",
    family="merge-and-export",
    incidents=4,
    decided_by=("script", "config", "generation", "probe"),
    decisive_test=(
        "Compare the names of the trainable parameters with the keys of the saved file, and the loss of one "
        "batch before the save and after the reload"
    ),
    false_diagnosis="bad training",
    expects=(
        Expect("embeddings-left-out-of-adapter-save", USUALLY, "only the adapter is written"),
        Expect("logits-changed-by-merge", OFTEN, "the saved head or embedding is the old one"),
        Expect("export-changed-output", USUALLY, "the live model is good and the reloaded one is not"),
        Expect(
            "trained-tensors-missing-from-save",
            USUALLY,
            "tensors that were trained and not declared are not written",
        ),
        Expect("eval-loss-changed-by-reload", USUALLY, "the rows of the base stand where trained rows were"),
        Expect("tied-embeddings", OFTEN, "a tie replaces the trained head by the embedding when the model is loaded"),
        Expect("embeddings-in-modules-to-save", OFTEN, "separate copies of tied matrices cannot both be stored"),
        Expect("added-tokens", OFTEN, "new tokens are the reason for training embeddings beside an adapter"),
        Expect("adapter-training", USUALLY, "adapter files hold only what is declared"),
        Expect("repetitive-generation", OFTEN, "a head that does not fit its model prefers one token always"),
        Expect("merged-or-exported-model", OFTEN, "the loss happens when the model is merged or written"),
        Expect("garbled-generation", SOMETIMES, "outputs of a head that was exchanged are random words"),
        Expect("reserved-token-output", RARELY, "untrained rows of new tokens win by accident"),
        Expect("recorded-outputs", OFTEN, "the curve is good and the texts are not, so texts are what people bring"),
    ),
    confused_with=("overfitting",),
)
