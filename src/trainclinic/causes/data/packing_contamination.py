"""Documents that share one packed sequence influence each other, or break the loss of the model that reads them.

## Mechanism
Packing joins short rows to one long one so that no padding is wasted. It is only right when
attention stops at the border between two documents and positions start again there. FlashAttention
with variable lengths does so; most other kernels need a block mask, and without it each document
sees those before it. Some architectures (recurrent layers, sliding windows, linear attention,
image tokens) have no such border at all, and a few give zeros or NaN.
The labels at each border are a second trap: the first token of a document must not be predicted
from the last one of its neighbour.

## What it looks like
Often nothing alarming: a loss that is a little worse than without packing, and a model that drifts
into other topics or ends too late. The sum of two documents scored apart differs from their sum in
a pack, 44.1 against 37.6 in one report. On unsupported architectures the loss is exactly 0 with a
perplexity of 1, from the first row. An evaluation without packing may lie far above the training
loss.
A warning about packing or padding-free batches without FlashAttention is the plainest sign.

## What else looks like it
- Poor data: the same loss with packing off.
- An evaluation in another layout than training: only the gap is wrong, not the model.
- Labels that are all ignored: loss 0 with packing off as well.
- A defective kernel: it fails with one document in the sequence.

## How to decide
Score two documents one by one and then as one packed row: the summed losses must agree to the
third digit. Then permute the two; nothing may change. If they disagree, switch to a kernel with
variable lengths and look again. Toggling packing in a run of fifty steps shows the effect on the
curve.
Read what the library printed while it prepared the data. A line that packing or padding-free
batches were asked for with an attention that does not support them is as good as the measurement.

## Typical false diagnosis
"The data is of low quality". It is the same data; only its neighbours changed.

## References
- [MeetKai/functionary#265](https://github.com/MeetKai/functionary/pull/265): packed and separate
  losses compared, with and without a block mask
- [huggingface/trl#3910](https://github.com/huggingface/trl/issues/3910): packing without
  variable-length attention
- [hiyouga/LlamaFactory#7318](https://github.com/hiyouga/LlamaFactory/pull/7318): block-diagonal
  attention and positions for packed rows
- [TRL, reducing memory](https://huggingface.co/docs/trl/reducing_memory_usage): packing and
  padding-free batches
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="packing-contamination",
    title="Packed sequences that interact",
    family="data",
    incidents=5,
    decided_by=("config", "script", "probe"),
    decisive_test=(
        "Score two documents one by one and as one packed row: the summed losses must agree to the third digit"
    ),
    false_diagnosis="data of low quality",
    expects=(
        Expect("packed-rows-attending-across", ALWAYS, "the kernel does not know where a row ends"),
        Expect("packed-sequences", ALWAYS, "only packed documents have neighbours in their sequence"),
        Expect(
            "loss-differing-with-packing",
            USUALLY,
            "the same documents have another loss when they share a sequence",
        ),
        Expect(
            "padding-free-attention-warning",
            OFTEN,
            "libraries warn when packing meets a kernel without variable lengths",
        ),
        Expect("eval-train-gap", SOMETIMES, "the evaluation reads documents one by one, training reads them in packs"),
        Expect(
            "zero-loss-from-start",
            SOMETIMES,
            "an architecture without document borders returns a loss of 0 for packed rows",
        ),
        Expect("loss-exactly-zero", SOMETIMES, "an unsupported architecture returns 0 for packed rows"),
        Expect("metric-disagreement", RARELY, "perplexity and loss count the tokens of a pack differently"),
        Expect("long-blocks", SOMETIMES, "packs are as long as the context allows"),
        Expect(
            "loss-differing-between-attention-kernels",
            RARELY,
            "one attention implementation respects the borders and another does not",
        ),
    ),
    excluded_by=(Excluded("packed-sequences", "rows that stand alone cannot see a neighbour", when="absent"),),
    confused_with=("corrupt-input-data",),
)
