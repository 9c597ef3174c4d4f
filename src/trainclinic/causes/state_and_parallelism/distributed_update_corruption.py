"""The sharded optimizer writes wrong values into the weights although gradients and learning rate are harmless.

## Mechanism
A sharded optimizer reduces gradients, updates a float32 master copy of its own shard and gathers
the result into the weights of the model. Each hand-over can be wrong. When communication overlaps
with computation, a buffer may be read before the reduction into it has ended, so some gradients
are half-finished sums. When the master copy is created before the checkpoint is loaded, the first
step overwrites the loaded weights with the values of an initialised model. When bf16 gradients are
accumulated in place across ranks, small contributions vanish or a stale buffer is added twice.
The size of the damage has nothing to do with the learning rate: a master copy of other weights
replaces the model completely even at a rate of 1e-9.

## What it looks like
One or two ordinary rows, then a cliff. 2.28 becomes 11.05 after one step at a rate of 2.4e-9; or
every micro-batch after the first real step is NaN, which a trainer's filter prints as 0.0.
DeepSpeed replaces a NaN norm by -1 for each parameter group, so the gradient norm then stands at
exactly 1.0, 1.41421356 or 1.7320508. Runs at other rates fail at the same step.
Which step it is may change between identical launches when the fault is a race.

## What else looks like it
- A learning rate that is too high: fails later at a lower rate, and not at 1e-9.
- Weights that were not loaded: wrong in the first row already.
- A defective attention kernel: NaN in the gradients of the first backward pass, with one device as
  well.
- Half-precision parameters: the same timing (after the first update), but a single device is
  enough and the parameters are fp16.

## How to decide
Run ten steps on a single device without the sharded optimizer; the loss must stay at its first
level. Then switch on one thing at a time: stage 1 without overlap, with overlap (`overlap_comm`),
stage 2, offload. A logger of communications that makes the fault vanish means a race, since it
serialises the calls.
Compare a checksum of the weights before and after one step at a learning rate of 0: they must not
differ.

## Typical false diagnosis
"The learning rate is too high", and lowering it by a factor of ten or a thousand. A cliff of nine
nats in one step at 1e-9 cannot come from an update of that size.

## References
- [deepspeedai/DeepSpeed#5242](https://github.com/deepspeedai/DeepSpeed/issues/5242): overlapped
  communication and NaN
- [deepspeedai/DeepSpeed#5347](https://github.com/deepspeedai/DeepSpeed/issues/5347): NaN at the
  second step under ZeRO-2
- [EleutherAI/gpt-neox#947](https://github.com/EleutherAI/gpt-neox/issues/947): from 2.28 to 11.05
  in one step at a rate of 2.4e-9
- [hiyouga/LlamaFactory#9567](https://github.com/hiyouga/LlamaFactory/issues/9567): a constant norm
  of sqrt(3) that stands for three NaN norms
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="distributed-update-corruption",
    title="Update corrupted by the sharded optimizer",
    family="state-and-parallelism",
    incidents=6,
    decided_by=("log", "config", "environment", "probe"),
    decisive_test=(
        "Run ten steps from the same checkpoint on one device without the sharded optimizer, then switch its "
        "features on one at a time, `overlap_comm` last"
    ),
    false_diagnosis="a learning rate that is too high",
    expects=(
        Expect("gradients-not-synchronised", OFTEN, "each process follows its own gradients"),
        Expect("missing-distributed-sampler", SOMETIMES, "all processes train on the same rows"),
        Expect("device-map-under-distributed-launch", RARELY, "every process spreads the model over all devices"),
        Expect("sharded-training", ALWAYS, "the fault is in the code that shards the optimizer"),
        Expect("several-processes", USUALLY, "the hand-over that goes wrong is one between processes"),
        Expect("nan-after-first-update", OFTEN, "the first step that is written is the first wrong one"),
        Expect(
            "constant-gradient-norm",
            OFTEN,
            "DeepSpeed prints -1 for each NaN norm, and the root of their number stands in every row",
        ),
        Expect("persistent-nan", OFTEN, "weights that were overwritten stay overwritten"),
        Expect("nan-hidden-as-zero", OFTEN, "every later micro-batch is NaN and the trainer's filter prints 0.0"),
        Expect("loss-exactly-zero", OFTEN, "every later micro-batch is NaN and is printed as 0.0"),
        Expect("failure-at-every-learning-rate", OFTEN, "the damage does not depend on the size of the update"),
        Expect("plausible-first-loss", OFTEN, "the weights are intact until the first step is written"),
        Expect("defect-in-sharding", OFTEN, "races of this kind belong to a few releases"),
        Expect(
            "nan-gradient-norm", SOMETIMES, "a half-finished sum can hold anything, but DeepSpeed prints no NaN norm"
        ),
        Expect(
            "loss-divergence",
            SOMETIMES,
            "other finite weights lift the loss to the level of an untrained model for good",
        ),
        Expect(
            "rise-at-negligible-learning-rate",
            OFTEN,
            "the write replaces weights, whatever the rate of the update was",
        ),
        Expect("loss-parting-between-layouts", ALWAYS, "another layout writes its updates on another path"),
        Expect("loss-differing-between-layouts", OFTEN, "later rows differ, and the first one agrees"),
        Expect("bfloat16-training", SOMETIMES, "bf16 needs the separate master copy whose hand-over fails"),
    ),
    excluded_by=(
        Excluded("wrong-value-before-first-update", "what is wrong before the first update was not written by it"),
        Excluded("normal-eval-beside-abnormal-train", "overwritten weights would spoil the evaluation too"),
    ),
    confused_with=("learning-rate-too-high",),
)
