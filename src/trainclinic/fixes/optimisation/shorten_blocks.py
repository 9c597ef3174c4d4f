"""Cut the length limit down to what the rows need and the memory bears.

## Why it works
A block that is padded to its limit costs its limit. The logits alone take rows x length x vocabulary values: four rows
of 4,096 tokens over 128,256 entries are 8.4 GB in float32, and the loss keeps more than one copy. Plain attention grows
with the square of the length. At half the limit the logits are half as large and attention a quarter. If the 99th
percentile of the rows is 700 tokens, a limit of 1,024 loses next to nothing, and pads far less than 4,096.
Padding to the longest row of a batch instead of the limit saves the rest.

## What it does not do
It does not change a loss that is wrong: the mean per token over short blocks is, if anything, a little higher. It must
not cut answers: rows above the limit are left out, not shortened, or they lose their end token first. Count them
beforehand. If the answers themselves are longer than the limit, memory has to come from elsewhere: fewer rows per pass
with more accumulation, gradient checkpointing, or another device.

## References
- https://github.com/meta-pytorch/torchtune/issues/2473
- https://github.com/kyutai-labs/pocket-tts/pull/255
- https://huggingface.co/docs/transformers/perf_train_gpu_one
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="shorten-blocks",
    title="Shorten the blocks",
    kind="recipe",
    change=(
        "Halve the length limit, or set it to the 99th percentile of the row lengths; leave longer rows out, and pad "
        "to the longest row of each batch"
    ),
    treats=(
        Treats("block-size-too-large", CURES, "logits take half the memory, and plain attention a quarter"),
        Treats("memory-swapping", HELPS, "the longest rows decide how much memory is reserved"),
        Treats("position-offset-error", HELPS, "a row that fits one device has only positions of its own"),
        Treats("graph-recompilation", EASES, "fewer lengths are possible below a lower limit"),
    ),
    expects=(
        Expectation(
            "at {new_max_length} tokens instead of {max_length} peak memory falls by a third or more in 50 steps",
            "at half the length peak memory falls by a third or more in 50 steps",
        ),
        Expectation("the loss of the rows that remain is the same within 2 % in the first 50 steps"),
    ),
    check=(
        "Put the longest 50 rows first and train 50 steps: peak memory must leave a tenth free and stay flat. Count "
        "the rows above the new limit: fewer than 2 % may be left out"
    ),
    risk="Answers that exceed the limit are lost to training; where they are the point, the limit has to stay",
    minutes=5,
    restart="the last checkpoint",
    patches=(
        Patch("text.max_length", "memory grows with the longest row, and plain attention with its square", times=0.5),
        Patch("text.too_long", "a row that is cut loses its end token first", to="drop"),
    ),
    edit=Edit(
        before="""\
args = SFTConfig(output_dir="out", max_length=8192, per_device_train_batch_size=4)
""",
        after="""\
rows = rows.filter(lambda row: len(tokenizer.apply_chat_template(row["messages"])["input_ids"]) <= 1024)
args = SFTConfig(output_dir="out", max_length=1024, per_device_train_batch_size=4)
""",
        note="Without the filter TRL cuts longer rows at the end, silently.",
    ),
    commands=("trainclinic data train.jsonl --tokenizer models/base --max-length 1024",),
    alternatives=("train-on-a-cloud-gpu",),
    pros=("less memory and time in every step", "no change of the loss"),
    cons=("long rows are lost",),
)
