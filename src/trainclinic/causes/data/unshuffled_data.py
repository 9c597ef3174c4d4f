"""Rows come in an order that the model can feel: source after source, alike in every pass, or unlike on each rank.

## Mechanism
Stochastic gradient descent wants each batch to be a sample of everything. When rows lie source by
source, or when long documents are cut into blocks after the shuffle, neighbouring batches share
their content. The loss then shows what is being read rather than how much has been learned, and
the model forgets the last source while it reads the next.
With several processes the fault has two more forms. Without `set_epoch` each pass repeats the
first one. With a different seed on each rank every rank draws its own permutation, so that the
ranks read some rows twice and others never.
None of this can produce values that are not finite, and none of it depends on the learning rate.

## What it looks like
The loss moves between a few levels and stays on each for a while, or repeats a sawtooth with the
period of the sources. The levels come back when the source comes back. Steps up and down lie at
the edges of sources or shards, and a held-out loss, which mixes all sources, takes no part in
them. In each pass the same pattern lies at the same place.
Losses of neighbouring rows then resemble each other more than rows at random do: the lag-one
correlation of the detrended loss is high, and it vanishes after shuffling.

## What else looks like it
- Batches grouped by length: a period of a few dozen steps, because each group begins with its
  longest rows. It is intended and harmless.
- A memorisation staircase: steps down only, at epoch boundaries only.
- A learning rate at the edge of stability: the swings follow the rate and are not tied to the
  rows.
- One damaged shard: a single excursion and not a pattern.

## How to decide
Colour the loss by the source of the batch, or print the source counts of twenty neighbouring
batches: each should hold all sources in their shares. Hash the row indices of the first batches of
two epochs and of all ranks: epochs must differ, ranks must not overlap.
Then shuffle once, after tokenising and cutting, and compare two hundred steps.
A cheap proof without code: sort the rows by a random key in a copy of the file and train for two
epochs of the same length. Levels that were separate become one noisy level in the middle.

## Typical false diagnosis
"The learning rate is too high" or "training is unstable". Halving the rate leaves the steps where
they are, since they belong to the rows.

## References
- [hiyouga/LlamaFactory#5247](https://github.com/hiyouga/LlamaFactory/issues/5247): long books
  become contiguous blocks when they are cut after shuffling
- [pytorch/torchtitan#128](https://github.com/pytorch/torchtitan/issues/128): order of the data on
  several ranks
- [NVlabs/LongLive#71](https://github.com/NVlabs/LongLive/issues/71): each rank shuffles with its
  own seed
- [PyTorch data loading](https://docs.pytorch.org/docs/stable/data.html):
  `DistributedSampler.set_epoch`
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="unshuffled-data",
    title="Wrong sample order or sampler",
    family="data",
    incidents=6,
    decided_by=("log", "script", "data"),
    decisive_test=(
        "Print the source of each row in twenty neighbouring batches, and a hash of the row indices for each "
        "epoch and rank"
    ),
    false_diagnosis="a learning rate that is too high, or unstable training",
    expects=(
        Expect("training-without-shuffle", OFTEN, "rows come in the order of the file"),
        Expect("shuffled-before-grouping", OFTEN, "what was shuffled is larger than what is trained on"),
        Expect("unseeded-shuffle-per-process", OFTEN, "each process has an order of its own"),
        Expect("dropped-result-of-a-data-method", SOMETIMES, "the shuffled copy is thrown away"),
        Expect("blocked-sources", USUALLY, "neighbouring rows come from the same source"),
        Expect("loss-jumping-between-levels", OFTEN, "each source has its own level and is read in one piece"),
        Expect("periodic-loss-pattern", OFTEN, "the same blocks come round at the same distance"),
        Expect("several-data-sources", OFTEN, "blocks need sources that differ"),
        Expect("spike-at-data-boundary", OFTEN, "the level changes where one source or shard ends"),
        Expect("loss-spike", SOMETIMES, "a short block of harder rows lifts the loss and lets it go"),
        Expect("noisy-loss", SOMETIMES, "batches that share their content scatter more than mixed ones"),
        Expect("several-processes", SOMETIMES, "samplers of several ranks have to agree on one order"),
        Expect(
            "normal-eval-beside-abnormal-train",
            SOMETIMES,
            "the held-out rows mix all sources and take no part in the swings",
        ),
        Expect(
            "packed-sequences",
            SOMETIMES,
            "cutting long texts into blocks after the shuffle keeps neighbours together",
        ),
    ),
    excluded_by=(Excluded("random-crops", "crops from random places have no order that could be wrong"),),
    confused_with=("learning-rate-too-high",),
)
