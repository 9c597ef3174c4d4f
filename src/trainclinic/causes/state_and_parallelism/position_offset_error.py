"""Tokens are given the wrong positions, so attention sees a text that is out of order.

## Mechanism
Rotary embeddings turn queries and keys by an angle that grows with the position, and attention
depends on differences of positions. When a sequence is split over devices (sequence or context
parallelism) each piece must continue the count of the piece before it. If every piece starts at 0,
tokens of different pieces look as if they were at the same place. The same happens when a padded
length is used where the real one is meant, when position ids are not passed through a wrapper, or
when a scaling for long contexts is applied at lengths that need none.
Below the length of one piece, or without the feature, everything is right. The weights and the
labels are right too, so the fault is one of the forward pass alone.
A related fault sits in the data path: rows that are padded on the left without position ids start
to count at the padding, so the first real token stands at position 300 instead of 0. Models with
rotary embeddings forgive a common offset, models with learned positions do not.

## What it looks like
A first loss that depends on the length: 2.1 at 1,024 tokens and 5 to 6 at 2,048 and above, before
any update. It falls during training, since the model can adapt to wrong positions in part, but it
stays above the curve of short rows. The gradient norm is large in the first steps. Outputs of the
trained model are bad at normal inference, where positions are right again.
In a table of first losses over lengths the edge is sharp: nearly constant up to one length, then a
jump of several nats from one power of two to the next. A curve that rises gently with the length
is another matter.

## What else looks like it
- A packed sequence without a position reset: the documents interact; it appears with packing and
  not with the length of one document.
- Weights that were not loaded: high at every length.
- Rows beyond the trained context length of the model: the loss rises slowly with length, without
  an edge, and with one device as well.
- Labels shifted twice: also 5 to 9 at the first step, but at every length.

## How to decide
Compute the loss of the same text in one process at 512, 1,024, 2,048 and 4,096 tokens without a
step. Then repeat it with the parallel setting of the run. An edge at the length of one piece,
which only the parallel setting shows, is the proof. Printing the position ids of the second piece
takes a minute and often ends the search.
If the parallel setting cannot be switched off, feed a text whose second half repeats the first. A
model with right positions predicts the second half almost for free; one with wrong positions does
not.

## Typical false diagnosis
"Long data is hard" or "the learning rate is too high". Longer contexts lower the loss of a working
model, and a value at step 1 contains no learning rate.

## References
- [alibaba/Pai-Megatron-Patch#300](https://github.com/alibaba/Pai-Megatron-Patch/issues/300): first
  loss of 5 to 6 above 1,024 tokens
- [thunlp/Seq1F1B#6](https://github.com/thunlp/Seq1F1B/issues/6): positions under sequence
  splitting
- [RoFormer](https://arxiv.org/abs/2104.09864): rotary position embeddings and why only differences
  count
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="position-offset-error",
    title="Wrong position ids or RoPE offset",
    family="state-and-parallelism",
    incidents=2,
    decided_by=("log", "config", "probe"),
    decisive_test=(
        "Compute the loss of one text at 512, 1,024, 2,048 and 4,096 tokens before any step, once in a single "
        "process and once with the parallel setting of the run"
    ),
    false_diagnosis="long sequences being hard, or a learning rate that is too high",
    expects=(
        Expect(
            "loss-rising-with-sequence-length",
            ALWAYS,
            "positions are right up to the length of one piece and wrong beyond it",
        ),
        Expect("loss-differing-between-layouts", USUALLY, "a sequence in one piece has the right positions"),
        Expect("sequence-parallelism", OFTEN, "the piece after the first one has to continue the count"),
        Expect(
            "initial-loss-too-high",
            USUALLY,
            "attention that sees a text out of order predicts badly before any update",
        ),
        Expect("wrong-value-before-first-update", USUALLY, "the forward pass is wrong from the first batch on"),
        Expect("long-blocks", USUALLY, "only sequences longer than one piece are affected"),
        Expect("several-processes", OFTEN, "the pieces of a sequence lie on different devices"),
        Expect("implausible-evaluation", SOMETIMES, "an evaluation with the same splitting has the same fault"),
        Expect("eval-train-gap", SOMETIMES, "evaluation rows are shorter or are not split"),
        Expect("gradient-norm-outlier", RARELY, "long rows give far larger gradients than short ones"),
    ),
    excluded_by=(Excluded("loss-parting-between-layouts", "positions act from the first forward pass on"),),
    confused_with=("learning-rate-too-high",),
)
