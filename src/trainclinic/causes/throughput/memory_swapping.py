"""The run needs more memory than there is, so pages move to disk or the allocator keeps fighting for room.

## Mechanism
On machines with unified memory nothing fails when memory runs out: the system moves pages to the
disk, which is a hundred times slower, and the run goes on at a fraction of its pace. On others the
allocator frees and asks again at every step. Two ways lead there. The live tensors themselves are
too many. Or the allocator keeps blocks for every shape that it has seen, and with batches of
varying length there are always new shapes: reserved memory climbs from step to step while live
memory stays the same.
The numbers that are computed do not change; only the time does.
A run may begin to swap because of something outside it: a browser, a second notebook that still
holds its model, an evaluation that loads another copy. The pages that go to disk are then not its
own, and the pace recovers when the other program ends.

## What it looks like
Steps become slower as memory grows: in steps when one boundary after the other is crossed, or
smoothly over the first hundreds of steps, by a factor of two to twenty. Reserved or driver memory
is several times the live memory (72 against 6.7 GB in one report). The pace does not come back
after a pause, but it does after emptying the cache or restarting the process. The disk is busy
while the device waits.
Evaluations with generation or larger batches are a typical beginning: the pace is normal up to the
first evaluation and never again after it, since the blocks that the evaluation used stay reserved.

## What else looks like it
- Heat: a smaller loss (some tenths of the pace), no growth of memory, gone after a rest.
- A sleep: one gap, and the old pace afterwards.
- Longer rows later in the data: seconds per step follow the tokens of the batch.
- Repeated compilation: single slow steps at new shapes, memory flat.

## How to decide
Log reserved and live memory and the swap counter beside the seconds per step
(`torch.mps.driver_allocated_memory`, `torch.cuda.memory_reserved`, `vm_stat`, `vmstat`). Then run
with all batches padded to one length, or with the cache emptied at each step, or with half the
batch: if memory stays flat and so does the pace, it was this. Swap that grows during the run is
proof on its own.

## Typical false diagnosis
"The machine is throttling" or "this backend is slow". Heat takes tens of per cent and not nine
tenths, and a slow backend is slow from the first step on.
Where the pace after an interruption is what it was before, swapping is the false diagnosis itself.

## References
- [kyutai-labs/pocket-tts#255](https://github.com/kyutai-labs/pocket-tts/pull/255): driver memory
  at ten times the live memory, twelve times slower
- [meta-pytorch/torchtune#2473](https://github.com/meta-pytorch/torchtune/issues/2473): speed that
  falls while allocated memory grows
- [pytorch/pytorch#188045](https://github.com/pytorch/pytorch/pull/188045): allocator growth with
  variable shapes
- [PyTorch CUDA memory notes](https://docs.pytorch.org/docs/stable/notes/cuda.html): reserved and
  allocated memory
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Expect

CAUSE = Cause(
    slug="memory-swapping",
    title="Swapping or allocator growth",
    family="throughput",
    incidents=4,
    decided_by=("log", "environment", "probe"),
    decisive_test=(
        "Log reserved and live memory and the swap counter per step, then repeat with all batches padded to one length"
    ),
    false_diagnosis="heat or a slow backend",
    expects=(
        Expect("accumulated-loss-graph", SOMETIMES, "every iteration keeps its graph"),
        Expect("memory-growth", USUALLY, "cached blocks of ever new shapes add up while live memory stays the same"),
        Expect("throughput-collapse", USUALLY, "a disk is hundreds of times slower than memory"),
        Expect("throughput-step-change", OFTEN, "the pace falls to another level when memory is full"),
        Expect("slower-pace-after-gap", USUALLY, "memory that is short is still short after a pause"),
        Expect("throughput-drift", OFTEN, "the share of pages on disk grows step by step"),
        Expect("apple-gpu", OFTEN, "unified memory overflows to the disk instead of failing"),
        Expect("variable-length-batches", OFTEN, "each new length asks for blocks of another size"),
        Expect("long-blocks", SOMETIMES, "long sequences take memory that is not there"),
        Expect("tiny-batch", SOMETIMES, "who is short of memory has already made the batch small"),
        Expect("idle-device-stall", SOMETIMES, "the device waits while pages come back from disk"),
        Expect("cumulative-speed-bias", RARELY, "a mean since the start hides how slow the run has become"),
    ),
    confused_with=("thermal-throttling",),
)
