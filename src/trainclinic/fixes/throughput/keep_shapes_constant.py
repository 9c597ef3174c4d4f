"""Give a compiled model few shapes: pad to multiples of 128, drop the odd last batch, or leave it uncompiled.

## Why it works
Compiled code holds for the shapes that it was compiled for. With every batch padded to its own longest row, a run meets
hundreds of lengths, and each new one may cost seconds to minutes, until the limit of 8 versions is reached (the default
of PyTorch) and the code runs uncompiled for good. Padded to multiples of 128, rows of up to 1,024 tokens have 8
lengths; to one fixed length, a single one. The last batch of an epoch has fewer rows and is one more shape: drop it.
Warm up with one batch of each length, and the rest of the run has none left to compile.
Constant shapes also keep the allocator from collecting blocks of all sizes, which is how reserved memory grows to
several times what is in use.
Compilation pays only in long runs. Where padding costs more than it wins, `torch_compile=False` is the better cure: no
graph, no guard, nothing to compile again.

## What it does not do
It does not change the loss, provided that padding is masked in attention and in the labels. It does not help against
Python values that change in each step, such as a counter in `forward`: the log of the compiler names these. A slow
first step alone is the normal compilation.

## References
- https://docs.pytorch.org/docs/stable/torch.compiler_dynamic_shapes.html
- https://docs.pytorch.org/docs/stable/torch.compiler_troubleshooting.html
- https://huggingface.co/docs/transformers/main_classes/data_collator
- https://github.com/pytorch/pytorch/pull/188045
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="keep-shapes-constant",
    title="Keep the shapes of batches constant",
    kind="recipe",
    change=(
        "Pad batches to multiples of 128 tokens and drop the last incomplete batch, or switch `torch.compile` off "
        "where the run is shorter than an hour"
    ),
    treats=(
        Treats("graph-recompilation", CURES, "a graph that fits every batch is compiled once"),
        Treats("memory-swapping", HELPS, "the allocator uses its blocks again instead of asking for new sizes"),
    ),
    expects=(
        Expectation(
            "after the first 50 steps no step takes more than 3 times the median, and the pace stays at or above "
            "{speed} steps per second",
            "after the first 50 steps no step takes more than 3 times the median",
        ),
        Expectation("`TORCH_LOGS=recompiles` prints at most 8 lines, all of them within the first epoch"),
    ),
    check=(
        "Run 50 steps with `TORCH_LOGS=recompiles` and count the shapes of the batches: there must be as few graphs as "
        "shapes"
    ),
    risk="With short rows, padding to 128 or to one length may double the work of a step",
    minutes=15,
    restart="the last checkpoint",
    patches=(Patch("model.compiled", "code that is not compiled has no shape to be compiled for", to=False),),
    edit=Edit(
        before="""\
collator = DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=-100)
args = TrainingArguments("out", torch_compile=True)
""",
        after="""\
collator = DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=-100, pad_to_multiple_of=128)
args = TrainingArguments("out", torch_compile=True, dataloader_drop_last=True)
""",
        note="`SFTConfig(pad_to_multiple_of=128)` does the same in TRL.",
    ),
    commands=("TORCH_LOGS=recompiles python train.py 2>&1 | grep -c 'Recompiling function'",),
    alternatives=("turn-off-fused-kernels",),
    pros=("keeps what compilation wins", "steady memory"),
    cons=("padding is computed for nothing", "one compilation for each length at the start"),
)
