"""The context block is longer than the rows, the memory or the kernel can use.

## Mechanism
A block that is padded to its full length costs its full length: memory of the logits grows with block
times vocabulary, and that of plain attention with the square of the block. When the rows are a few
hundred tokens long, most of it is padding. When the memory is not sufficient, the run fails at its
longest rows, or the allocator grows and, on machines with shared memory, pages to disk. Long blocks
also meet limits of kernels and large intermediate tensors. What they do not do, as long as they fit the
positions of the model, is make the loss wrong: the mean per token over long rows is, if anything, a
little lower, because later tokens have more context.

## What it looks like
- An allocation failure in the first steps, or at the first long row after hundreds of steps.
- Memory that climbs with every new length, and a speed that falls in steps when the limit is reached.
- Blocks of several thousand tokens over data with a median of a few hundred.
- A normal first loss and a normal curve up to the failure.

## What else looks like it
Positions beyond what the model was trained with give a high loss above one length only; that is an
error of positions. A length limit that is too small cuts answers. Recompilation at new lengths makes
single steps slow, not later ones. Heat slows a run smoothly. A leak of graphs or tensors grows at
constant length, too.

## How to decide
Compare the block with the lengths of the rows (median and 99th percentile) and with the model's
positions, then run fifty steps with half of it. Memory and time per token that fall, with the same
loss, decide it. A loss that is equally wrong with a short block excludes it.

## Typical false diagnosis
This is mostly itself the false diagnosis: a high plateau is explained with a block that the model
"cannot handle". GPT-2 has 1024 positions, and a block of 256 uses a quarter of them; the plateau had
its origin in the labels.

## References
- https://github.com/meta-pytorch/torchtune/issues/2473
- https://github.com/kyutai-labs/pocket-tts/pull/255
- https://huggingface.co/docs/transformers/perf_train_gpu_one
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="block-size-too-large",
    title="Context block too large for data or memory",
    family="optimisation",
    incidents=0,
    decided_by=("log", "config"),
    decisive_test="Run 50 steps with half the block and compare memory, time per token and loss",
    false_diagnosis="usually itself the false diagnosis, of a wrong loss that a shorter block would not change",
    expects=(
        Expect("long-blocks", ALWAYS, "only blocks of thousands of tokens strain memory and kernels"),
        Expect("plausible-first-loss", USUALLY, "the mean per token does not rise with the length of a block"),
        Expect("memory-growth", OFTEN, "each longer row needs a larger reservation"),
        Expect("exception-in-log", OFTEN, "the longest rows do not fit, and the allocation fails"),
        Expect("throughput-step-change", SOMETIMES, "from the limit of the memory on pages go to disk"),
        Expect("throughput-drift", SOMETIMES, "the allocator searches longer and longer for free blocks"),
        Expect("variable-length-batches", SOMETIMES, "short rows in long blocks are mostly padding"),
        Expect("recompilation-warning", RARELY, "many lengths below a large limit are many shapes"),
    ),
    excluded_by=(
        Excluded("wrong-value-before-first-update", "a block that fits the positions does not change a mean per token"),
        Excluded("loss-exactly-zero", "longer blocks cut no answers off"),
        Excluded("nan-after-first-update", "the length of a block is the same before and after an update"),
    ),
)
