"""Tokens were added and their new rows hold values that the model cannot live with.

## Mechanism
Adding tokens makes the embedding and output matrices longer. The new rows are drawn at random with the
spread of the model's configuration, which is not the spread of trained rows: large against the rest in
models with small or scaled embeddings, and different in mean. In the output matrix such a row wins
against all trained rows at every position, so the probability of the right token falls everywhere, even
in text that contains no new token. With tied matrices the input is hurt as well. Rows that start as the
mean of the old ones take part without taking over.

## What it looks like
- One text scored before and after the resize, with another loss: 5 nats become 50 and more in small
  models, while larger siblings with another spread of their rows are unchanged.
- A first training loss of ten times the normal one, or in the hundreds, that falls steeply in the first
  steps.
- Generation prints a new token over and over, from the very first position.
- With an adapter and frozen matrices the loss stays high, because the rows cannot learn.

## What else looks like it
Reserved rows that came with the checkpoint and were never trained do not disturb other tokens: they are
too small, not too large. A tokenizer of another model shifts the meaning of all ids and does not fall
steeply. Weights that were not loaded start at ln V and not above. A learning rate that is too high
needs steps to do harm, and this loss is wrong before the first one.

## How to decide
Score one sentence with the untouched model, resize, and score it again. A change of more than a few
hundredths decides it. The norms of the new rows beside those of the old, and their logits, show which
matrix is at fault.

## Typical false diagnosis
A learning rate that is too high, because the first rows are giant. The first forward pass already gives
that number, at any rate.

## References
- https://github.com/huggingface/transformers/issues/8039
- https://github.com/huggingface/transformers/issues/8472
- https://github.com/huggingface/transformers/pull/45079
- https://huggingface.co/docs/transformers/main_classes/model
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="uninitialised-new-token-embeddings",
    title="Random embedding rows for newly added tokens",
    family="tokens-and-templates",
    incidents=6,
    decided_by=("log", "script", "generation", "probe"),
    decisive_test="Score one sentence without new tokens before and after the resize: the loss must not change",
    false_diagnosis="a learning rate that is too high",
    expects=(
        Expect("frozen-embeddings-of-added-tokens", OFTEN, "new rows that are not trained stay what they were"),
        Expect("outlying-token-row-norms", OFTEN, "new rows are drawn at another size than the trained ones"),
        Expect("loss-changed-by-token-resize", USUALLY, "a random output row beats the trained ones everywhere"),
        Expect("added-tokens", ALWAYS, "without added tokens there are no new rows"),
        Expect("new-tokens-without-initialisation", ALWAYS, "nothing sets the new rows to the mean of the old ones"),
        Expect("initial-loss-too-high", USUALLY, "the new rows take probability from every right token"),
        Expect("wrong-value-before-first-update", USUALLY, "the first forward pass uses the new rows already"),
        Expect("initial-loss-above-uniform", OFTEN, "rows of large norm are confidently wrong, worse than guessing"),
        Expect("reserved-token-output", USUALLY, "the new token has the largest logit at every position"),
        Expect("repetitive-generation", OFTEN, "nothing in the text changes which row wins"),
        Expect("recorded-outputs", OFTEN, "the same new token over and over is what people show"),
        Expect("endless-generation", SOMETIMES, "the row of the end token loses against the new one"),
        Expect("tied-embeddings", SOMETIMES, "one matrix serves as input and output, so a bad row acts twice"),
        Expect("implausible-weight-values", SOMETIMES, "a report shows row norms far from those of the old rows"),
        Expect("adapter-training", SOMETIMES, "frozen matrices keep the random rows for the whole run"),
        Expect("initial-loss-near-uniform", RARELY, "where new rows are many but small they only flatten the output"),
    ),
    excluded_by=(Excluded("loss-changed-by-token-resize", "the resize left the loss as it was", when="absent"),),
    confused_with=("learning-rate-too-high",),
)
