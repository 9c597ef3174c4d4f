"""The data use special tokens that the checkpoint never learned, and their embeddings stay frozen.

## Mechanism
A base checkpoint carries the chat and reserved tokens of its family as rows of the embedding and of the
output matrix, but its training text never contained them. These rows hold start values: all alike,
close to zero, or unusually small. An instruct template on such a base asks for exactly these tokens. An
adapter changes the layers between and leaves both matrices frozen, so the hidden state can turn towards
a row that means nothing, or that it shares with 200 other reserved tokens. The answer is learned well;
the end marker stays improbable. A row of tiny norm under a normalising layer can also produce huge
gradients.

## What it looks like
- Answer tokens with probability 1.0 and an end-of-turn token at 0.05 after them.
- Outputs that do not stop, or that print `<|reserved_special_token_12|>` and its neighbours.
- A warning that untrained tokens were found while the embeddings are not trainable.
- An infinite or NaN gradient norm now and then; the loss itself looks normal and ends a little high.

## What else looks like it
If the end token is not a target at all (masked, missing, outside the mask), a label preview shows it;
here the label is there. New tokens that were added and never initialised lift the first loss by an
order of magnitude; reserved rows that exist in the file do not. The same template on the instruct model
of the family works at once, which separates this from a wrong template. A rate that is too low leaves
the whole answer untrained, not its end.

## How to decide
Compare the norm of the embedding and output rows of every special token in the data with the mean of
all rows, and read the probability of the end token after a training answer. Rows far below the mean, or
identical to each other, decide it.

## Typical false diagnosis
A missing end token, or sampling parameters. The end token is in the data and in the labels; the model
has no way to point at it. Training longer with the same adapter cannot change frozen rows.

## References
- https://github.com/meta-pytorch/torchtune/issues/2429
- https://github.com/unslothai/unsloth/issues/1056
- https://github.com/hiyouga/LlamaFactory/issues/5593
- https://github.com/huggingface/trl/issues/1578
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="untrained-special-tokens",
    title="Special tokens whose embeddings were never trained",
    family="tokens-and-templates",
    incidents=7,
    decided_by=("log", "config", "data", "generation", "probe"),
    decisive_test="Compare the norms of the embedding rows of all special tokens in the data with the mean row norm",
    false_diagnosis="a missing end token, or sampling parameters",
    expects=(
        Expect("chat-markup-on-base-model", USUALLY, "the base checkpoint never learned its markup tokens"),
        Expect("outlying-token-row-norms", USUALLY, "rows that were never trained keep their initial size"),
        Expect("improbable-stop-token", OFTEN, "the head row of the stop token was never trained"),
        Expect("untrained-token-warning", OFTEN, "some libraries look for rows that were never trained"),
        Expect("chat-template-on-base-model", USUALLY, "base checkpoints hold the chat tokens as untrained rows"),
        Expect("adapter-training", ALWAYS, "an adapter leaves the embeddings frozen; full training would move them"),
        Expect("endless-generation", USUALLY, "the end marker stays improbable although it is a target"),
        Expect("reserved-token-output", OFTEN, "the hidden state points at rows that all untrained tokens share"),
        Expect("repetitive-generation", SOMETIMES, "an answer that cannot be closed starts again"),
        Expect("implausible-weight-values", SOMETIMES, "a report shows row norms near zero for these tokens"),
        Expect("added-tokens", RARELY, "new tokens whose rows are copied or averaged stay frozen all the same"),
        Expect("nan-gradient-norm", SOMETIMES, "rows of tiny norm give infinite gradients behind a normalising layer"),
        Expect("finite-loss-with-nan-gradient-norm", SOMETIMES, "the overflow is in the backward pass only"),
        Expect("recorded-outputs", OFTEN, "the curve is good and the texts are not, so texts are what people bring"),
    ),
    excluded_by=(Excluded("embeddings-in-modules-to-save", "the embeddings are trained in this run"),),
    confused_with=("missing-eos-in-targets", "learning-rate-too-low"),
)
