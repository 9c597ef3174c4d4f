"""Make the sharded optimizer wait for its gradients, sum them in float32, and copy its master weights after loading.

## Why it works
Three hand-overs go wrong. A reduction that runs beside the backward pass may be read before it has ended:
`overlap_comm: false` makes each one end first, at the cost of the time that was hidden. Gradients of many
micro-batches that are summed in bfloat16 lose what is below 1/256 of the sum: `grad_accum_dtype: fp32` keeps it, for 4
bytes a parameter in place of 2. And a float32 master copy that was taken before the checkpoint was loaded puts the
values of an untrained model back at the first update, even at a rate of 1e-9: load first, then build the engine. With
plain data-parallel training the forward pass has to go through the wrapper: `model.module(...)` goes around it, and the
weights of the processes drift apart.
Change one thing at a time, against a single device that runs the same ten steps.

## What it does not do
It does not help where one device without sharding fails as well: that is precision, a kernel or the data. If the fault
stays without overlap, go down from stage 3 or 2 to stage 1, leave offloading out, and take a newer release.

## References
- https://github.com/deepspeedai/DeepSpeed/issues/5242
- https://github.com/deepspeedai/DeepSpeed/issues/5347
- https://github.com/EleutherAI/gpt-neox/issues/947
- https://www.deepspeed.ai/docs/config-json/
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats

FIX = Fix(
    slug="synchronise-updates",
    title="Synchronise the updates of all processes",
    kind="script",
    change=(
        "Set `overlap_comm` to false and `grad_accum_dtype` to fp32, load the checkpoint before the engine or the "
        "optimizer is built, and call the wrapped model, not `model.module`, in training"
    ),
    treats=(
        Treats("distributed-update-corruption", CURES, "an update uses sums that are complete, of the loaded weights"),
        Treats("pretrained-weights-not-loaded", HELPS, "an engine that is built after loading shards loaded weights"),
        Treats("bf16-update-rounding", EASES, "small gradients survive their summation, though not the update"),
    ),
    expects=(
        Expectation(
            "the loss passes step {fault_step} at its old level, and 10 steps agree with one device within 1 %",
            "ten steps agree with those of one device without sharding within 1 %",
        ),
        Expectation("the gradient norm is at no row exactly 1.0, 1.41421356 or 1.7320508"),
    ),
    check=(
        "Take one step at a rate of 0: a checksum of the weights must be the same before and after it. Then train ten "
        "steps twice: both logs must agree on every process"
    ),
    risk="Steps take longer without overlap, and float32 sums need 2 more bytes for each parameter",
    minutes=30,
    restart="before the fault",
    edit=Edit(
        before="""\
deepspeed = {"zero_optimization": {"stage": 2, "overlap_comm": True, "contiguous_gradients": True}}
""",
        after="""\
deepspeed = {
    "zero_optimization": {"stage": 2, "overlap_comm": False, "contiguous_gradients": True},
    "data_types": {"grad_accum_dtype": "fp32"},
    "bf16": {"enabled": True},
}
""",
        note="At stage 3 `overlap_comm` is on unless it is switched off.",
    ),
    commands=("python -m pip install --upgrade deepspeed", "trainclinic lint train.py --select DST005"),
    pros=("the sharding stays, and with it the memory that it saves",),
    cons=("steps take longer", "has to be found by switching off one thing after the other"),
)
