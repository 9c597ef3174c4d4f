"""Make the run fit into memory: smaller micro-batches, recomputed activations, and an allocator that gives blocks back.

## Why it works
A disk is about a hundred times slower than memory, so a run that overflows by a tenth can lose nine tenths of its pace.
Half the rows per forward pass with twice the accumulation hold half the activations, and the gradient of an update is
the same. Checkpointing keeps only the input of each layer and computes the rest again: activations shrink several
times over, for a third more computation. Logits are often the largest tensor of all: 8 rows of 1,024 tokens with a
vocabulary of 128,000 take 4.2 GB in float32.
An allocator keeps a block for each shape that it has seen, and new shapes ask for new blocks. Emptying its cache every
few dozen steps, or padding to few lengths, keeps reserved memory near live memory; one report had 72 GB reserved for
6.7 GB in use. A loss that is added up as a tensor keeps the graph of every step, and has to be added up as a number.

## What it does not do
It does not change the loss, and weights so far are right: go on from the last checkpoint. It does not help against
heat, which costs some tenths of the pace and no memory. Where weights, gradients and moments alone exceed the memory
(16 bytes a parameter in a full float32 fine-tune with Adam), adapters or another machine are needed.

## References
- https://docs.pytorch.org/docs/stable/notes/cuda.html
- https://docs.pytorch.org/docs/stable/notes/mps.html
- https://huggingface.co/docs/transformers/model_memory_anatomy
- https://github.com/kyutai-labs/pocket-tts/pull/255
- https://github.com/meta-pytorch/torchtune/issues/2473
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

_MORE_THAN_ONE = (2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 128)
"""Rows per forward pass that can be halved."""

FIX = Fix(
    slug="free-memory",
    title="Make the run fit into memory",
    kind="recipe",
    change=(
        "Close other programs, halve the rows per forward pass and double the accumulation, switch gradient "
        "checkpointing on, and empty the allocator's cache every 50 steps where reserved memory grows"
    ),
    treats=(
        Treats("memory-swapping", CURES, "what fits into memory is never moved to the disk"),
        Treats("block-size-too-large", EASES, "long blocks fit, though they stay as slow as they are"),
    ),
    expects=(
        Expectation(
            "the pace stays within 20 % of {speed} steps per second from the first 100 steps to the last",
            "the pace of the last 100 steps is that of the first 100, within 20 %",
        ),
        Expectation("reserved memory stays below 1.5 times live memory, and swap does not grow during the run"),
        Expectation(
            "losses of the first 10 steps agree with those of the old run to 1 %, since the update is the same"
        ),
    ),
    check=(
        "Log reserved memory, live memory and swap every 50 steps for 500 steps: all three must be level after the "
        "first 50"
    ),
    risk=(
        "Checkpointing adds about a third to the time of a step, and emptying the cache at every step about a tenth; "
        "frozen models need `enable_input_require_grads` beside it"
    ),
    minutes=15,
    restart="the last checkpoint",
    patches=(
        Patch(
            "batch.accumulation",
            "the rows of an update stay the same",
            times=2.0,
            when=("batch.rows", _MORE_THAN_ONE),
        ),
        Patch("batch.rows", "half the rows hold half the activations", times=0.5, when=("batch.rows", _MORE_THAN_ONE)),
        Patch("batch.checkpointing", "activations are computed again instead of being kept", to=True),
    ),
    edit=Edit(
        before="""\
args = TrainingArguments("out", per_device_train_batch_size=8)
""",
        after="""\
model.enable_input_require_grads()
args = TrainingArguments(
    "out",
    per_device_train_batch_size=4,
    gradient_accumulation_steps=2,
    activation_checkpointing=True,
    torch_empty_cache_steps=50,
)
""",
        note=(
            "Older releases of transformers say `gradient_checkpointing`. In an own loop write `total += loss.item()`: "
            "`total += loss` keeps the graph of every step."
        ),
    ),
    commands=(
        "sysctl vm.swapusage && vm_stat 10  # macOS",
        "vmstat 10  # Linux: the columns si and so have to stay at 0",
        "nvidia-smi --query-gpu=memory.used,memory.total --format=csv -l 10",
    ),
    alternatives=("shorten-blocks", "train-on-a-cloud-gpu"),
    pros=("the same update on the same machine", "no row is lost"),
    cons=("a step takes about a third longer than one that fits without it",),
)
