"""The device waits for its input, because reading or preparing the next batch takes longer than a step.

## Mechanism
A step can start only when its batch is there. Loaders hide their work behind the computation of
the step before, in worker processes that run ahead by a few batches. Without workers nothing is
hidden: reading, decoding, tokenising and collating stand in line with the step. With workers that
are too slow the queue runs dry again and again, and after each dry spell a few batches come at
once. Cold disks, network file systems, many small files and shards that are opened on first use
have the same effect, mostly at the beginning or at shard borders.
Tokenising on the fly, decoding images or audio, decompressing, and shuffling a large index are the
usual loads. Augmentations that draw random numbers per row are slow in Python. A loader that
copies a large list into each worker pays at the start of each epoch.

## What it looks like
Slow steps at a regular distance, often equal to the prefetched batches or the shard length, with a
device utilisation near 0 meanwhile; or a pace that is low from the start and indifferent to the
size of the model. The first steps of each epoch are slow when workers are started anew. Memory is
flat, clocks are high when the device works, and the loss does not care.
The period tells the reason. It equals workers times prefetched batches when the queue drains, the
rows of a shard when files are opened, and an epoch when workers are restarted
(`persistent_workers` is off by default).

## What else looks like it
- Evaluations and saves: regular as well, and due at those steps by the configuration.
- Repeated compilation: at new shapes, with a busy processor and compiler messages.
- Heat: smooth, and the device is busy.
- Logging or synchronising at each step: a constant cost, no stalls.

## How to decide
Measure the time from the end of one step to the arrival of the next batch. A third of the step or
more is a bottleneck. The cheapest proof is to feed one cached batch for fifty steps: if the pace
jumps, the loader is the limit. Then add workers, tokenise beforehand, or move the files to a local
disk, one at a time.
Before adding workers look at the processor: if all cores are busy, more workers make it worse and
work has to be moved to a preparation step. If they are idle as well, the disk or the network is
the limit, and a local copy of the data is the remedy.

## Typical false diagnosis
"The model is too large" or "the card is slow". A device that is idle half of the time would not
gain by being faster.

## References
- [deepinsight/insightface#1570](https://github.com/deepinsight/insightface/issues/1570): stalls of
  the pipeline while the device is idle
- [PyTorch data loading](https://docs.pytorch.org/docs/stable/data.html): workers, prefetching and
  pinned memory
- [PyTorch performance
  tuning](https://docs.pytorch.org/tutorials/recipes/recipes/tuning_guide.html): loading in
  parallel
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Expect

CAUSE = Cause(
    slug="slow-data-loading",
    title="Input pipeline too slow",
    family="throughput",
    incidents=1,
    decided_by=("log", "config", "probe"),
    decisive_test="Feed one cached batch for fifty steps: if the pace jumps, the loader is the limit",
    false_diagnosis="a model that is too large or a slow device",
    expects=(
        Expect("waiting-for-data", ALWAYS, "the time that a step waits for its batch is what is lost"),
        Expect("idle-device-stall", USUALLY, "the device has nothing to do until the batch arrives"),
        Expect("periodic-stall", OFTEN, "the queue runs dry each time the prefetched batches are used up"),
        Expect(
            "loader-without-workers",
            OFTEN,
            "without workers the preparation of a batch stands in line with the step",
        ),
        Expect("slow-first-steps", SOMETIMES, "files are opened and caches filled at the beginning"),
        Expect("time-gap", RARELY, "a network file system that hangs stops the run for a while"),
        Expect("throughput-step-change", RARELY, "later shards may lie on slower storage"),
        Expect("variable-length-batches", RARELY, "longer rows take longer to prepare"),
        Expect("several-processes", RARELY, "all ranks wait for the slowest loader"),
    ),
    confused_with=("thermal-throttling",),
)
