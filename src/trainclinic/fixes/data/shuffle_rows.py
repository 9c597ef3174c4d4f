"""Draw the rows in random order, anew in every epoch, after they have been cut into what one step reads.

## Why it works
A gradient of 8 or 32 rows speaks for the whole file only if those rows are a sample of it. Sorted by source, every
batch of one stretch holds the same kind of text: the loss shows which source is being read, and the weights follow the
source that came last. A random order makes neighbouring batches alike in their mixture and unlike in their content, so
that the lag-one correlation of the detrended loss falls to about 0.
The order has to be drawn at the level of training examples. A shuffle of books before they are cut into blocks of
1,024 tokens leaves hundreds of blocks of one book side by side. With several processes the seed has to be the same on
all of them and the epoch part of it, or ranks share rows and leave others out.
The weights so far are finite and merely lean towards the source that was read last: one pass in random order
corrects that.

## What it does not do
It does not remove spikes that follow the learning rate, and it changes nothing for a file that was mixed already. Steps
down at whole epochs stay: they are memory and have nothing to do with order. Rows that are grouped by length on purpose
have a period of some dozens of steps, which is harmless.

## References
- https://docs.pytorch.org/docs/stable/data.html
- https://huggingface.co/docs/datasets/process
- https://github.com/hiyouga/LlamaFactory/issues/5247
- https://github.com/NVlabs/LongLive/issues/71
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="shuffle-rows",
    title="Shuffle the rows in every epoch",
    kind="recipe",
    change=(
        "Tokenise and cut first, then draw the examples in random order with one seed for all processes, and a new "
        "order in each epoch"
    ),
    treats=(
        Treats("unshuffled-data", CURES, "every batch is then a sample of all sources"),
        Treats("batch-size-too-small", EASES, "gradients of unlike rows cancel less than those of one source mislead"),
    ),
    expects=(
        Expectation(
            "the loss moves around one level: the means of any two windows of 50 steps within an epoch differ by less "
            "than their scatter"
        ),
        Expectation(
            "the order of the second epoch shares no run of 10 rows with the first, whose length is "
            "{steps_per_epoch} steps",
            "the order of the second epoch shares no run of 10 rows with the first",
        ),
    ),
    check=(
        "Print the sources of 20 neighbouring batches and the first 10 row indices of two epochs: all sources occur in "
        "their shares, and the indices differ"
    ),
    risk=("A run that goes on from a checkpoint has to replay the same order, so the seed must be stored"),
    minutes=5,
    restart="the last checkpoint",
    patches=(Patch("data.shuffle", "a batch has to be a sample of all sources", to=True),),
    edit=Edit(
        before="""\
rows.shuffle(seed=42)
blocks = rows.map(cut_into_blocks, batched=True, remove_columns=rows.column_names)
loader = DataLoader(blocks, batch_size=8, shuffle=False)
""",
        after="""\
blocks = rows.map(cut_into_blocks, batched=True, remove_columns=rows.column_names)
order = torch.Generator().manual_seed(42)
loader = DataLoader(blocks, batch_size=8, shuffle=True, generator=order)
""",
        note=(
            "`rows.shuffle` returns a new data set and leaves the old one as it is; the Trainer shuffles by itself, "
            "and a `DistributedSampler` needs `set_epoch(epoch)`."
        ),
    ),
    commands=("trainclinic data train.jsonl --order shuffled --at-step 100 --batch 8 --seed 42",),
    is_precaution=True,
)
