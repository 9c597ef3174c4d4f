"""Let the rows of added tokens start at the mean of the trained rows, so that they disturb no other token.

## Why it works
New rows drawn with the spread of the configuration differ from trained rows in size and direction. In the output
matrix such a row can win against all trained ones at every position, so that text without any new token is scored
wrongly as well: public reports show 5 nats that became 50 and more, before a single update. A row at the mean gets an
average logit. It takes a small share of the probability, in a vocabulary of 32,000 about 1/32,000 per token, and the
loss of ordinary text moves by less than 0.01. transformers draws new rows around the mean of the old ones since
4.46 unless `mean_resizing=False` is passed. Many checkpoints hold spare rows beyond their tokenizer: new tokens that
fall there are not resized, keep what the file holds, and have to be set to the mean by hand.

## What it does not do
It does not teach the new tokens anything: under an adapter their rows must be trained as well. Checkpoints of a run
that began at ten times the normal loss took large steps to suppress the new rows; begin again from the base.

## References
- https://github.com/huggingface/transformers/issues/8039
- https://github.com/huggingface/transformers/issues/8472
- https://huggingface.co/docs/transformers/main_classes/model
- https://nlp.stanford.edu/~johnhew/vocab-expansion.html
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats

FIX = Fix(
    slug="start-new-rows-at-the-mean",
    title="Start new token rows at the mean",
    kind="script",
    change=(
        "Resize with `mean_resizing=True` after all tokens were added, and set rows that were there but never "
        "trained to the mean of the trained ones, in the embedding and in the head"
    ),
    treats=(
        Treats("uninitialised-new-token-embeddings", CURES, "rows at the mean win against no trained row"),
        Treats("untrained-special-tokens", EASES, "rows of ordinary size end the infinite gradients of tiny ones"),
    ),
    expects=(
        Expectation("a sentence without new tokens has the same loss before and after the resize, within 0.02 nats"),
        Expectation(
            "the first logged loss lies in {expected_first_loss} instead of {logged_first_loss}",
            "the first logged loss is that of the base model within 0.3 nats, instead of a multiple of it",
        ),
        Expectation("no new token is printed by the untrained model in 20 greedy answers"),
    ),
    check=(
        "Score one sentence without new tokens before and after the resize, and compare the norms of the new rows "
        "with the mean norm of the others, in the embedding and in the head"
    ),
    risk="Rows at one mean are all alike: they part only when they are trained",
    minutes=10,
    restart="nothing",
    edit=Edit(
        before="""\
tokenizer.add_tokens(["<call>", "</call>"], special_tokens=True)
model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
""",
        after="""\
tokenizer.add_tokens(["<call>", "</call>"], special_tokens=True)
if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
    model.resize_token_embeddings(len(tokenizer), mean_resizing=True)
""",
        note="Where the matrix was long enough already, copy the mean into `weight.data[ids]` of embedding and head.",
    ),
    commands=("trainclinic lint train.py",),
)
