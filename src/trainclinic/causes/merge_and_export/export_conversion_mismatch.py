"""The exported or served model reads tokens, weights or scales in another way than the model that was trained.

## Mechanism
A converter copies more than numbers. It has to know how the attention heads are ordered and
grouped, how the tokenizer splits text before its merges, which special tokens are added, which
template wraps a chat, and with which factor an adapter is applied. Each of these is written down
in another form on the other side, and an older converter guesses. Rotary embeddings need a
permutation of rows that depends on grouped heads. A pre-tokenizer that is not known is replaced by
a default one. An adapter whose scale is alpha over the root of the rank is applied with alpha over
the rank.
The weights of the training are untouched, which is why the original library still gives good
answers.

## What it looks like
Good outputs under the training library and junk under the other runtime for the same prompt:
digits without end, missing spaces, answers in the wrong role, or slightly worse text all over.
Precision makes no difference: 16 and 32 bit exports fail alike. A dump of token ids shows one id
on one side and five pieces on the other. For a scale the difference is a factor such as the root
of the rank.

## What else looks like it
- Rounding in a quantised merge: the merged model is already worse in the training library.
- Lost rows: the reloaded model is already worse in the training library.
- Quantisation of the export: 4-bit is worse, 16-bit is right.
- A template that is missing on the server: the ids of the text agree, but the markers around it
  are absent.
- Overfitting, which no runtime can add.

## How to decide
Take one prompt as plain text. Dump the ids on both sides: any difference ends the search at the
tokenizer or the template. If the ids agree, feed the ids and compare the logits of the first
position, in 16 bit on both sides. If these differ, look at heads and rotary order; if only the
adapter makes them differ, divide the two changes: a constant factor is a scale.
Keep one such comparison (ids and first logits of three prompts) beside every exported file, so
that a new converter or server can be checked in a minute.

## Typical false diagnosis
"Bad training" or "overfitting". Look at the answer of the training library to the same prompt
first.

## References
- [ggml-org/llama.cpp#7062](https://github.com/ggml-org/llama.cpp/issues/7062): a pre-tokenizer
  that was converted wrongly
- [jzhang38/TinyLlama#24](https://github.com/jzhang38/TinyLlama/issues/24): digits without end
  after conversion, in 16 and in 32 bit
- [unslothai/unsloth#3899](https://github.com/unslothai/unsloth/issues/3899): other outputs in the
  serving runtime
- [Rank-stabilised LoRA](https://arxiv.org/abs/2312.03732): a scale that both sides must know
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="export-conversion-mismatch",
    title="Exported or served model that differs from the trained one",
    family="merge-and-export",
    incidents=7,
    decided_by=("generation", "config", "probe"),
    decisive_test=(
        "Dump the token ids of one prompt on both sides, then the logits of the first position for equal ids, in 16 bit"
    ),
    false_diagnosis="bad training or overfitting",
    expects=(
        Expect("logits-changed-by-merge", SOMETIMES, "the converted weights compute something else"),
        Expect("export-changed-output", ALWAYS, "the training library answers well and the other runtime does not"),
        Expect("merged-or-exported-model", USUALLY, "only a model that leaves its library can be read differently"),
        Expect(
            "token-ids-differing-between-tools",
            OFTEN,
            "the tokenizer is the part that is most often converted wrongly",
        ),
        Expect("garbled-generation", OFTEN, "rows in the wrong order or wrong ids give junk"),
        Expect("repetitive-generation", SOMETIMES, "a model that reads wrong positions falls into loops"),
        Expect("endless-generation", SOMETIMES, "an end token with another id never stops the server"),
        Expect("role-leakage", SOMETIMES, "the server wraps a chat differently than the training did"),
        Expect("large-adapter-scale", SOMETIMES, "scales that one side computes differently are large ones"),
        Expect("loss-differing-between-releases", RARELY, "a newer converter gives other numbers for the same file"),
        Expect("recorded-outputs", OFTEN, "the curve is good and the texts are not, so texts are what people bring"),
    ),
    excluded_by=(
        Excluded("export-changed-output", "the same prompts were answered alike on both sides", when="absent"),
    ),
    confused_with=("overfitting", "learning-rate-too-high"),
)
