"""Prepare the data once before training, and let worker processes make the next batches while the device computes.

## Why it works
A step starts when its batch is there. Without workers, reading, tokenising and collating stand in line with it, and the
device idles for as long as they take. Rows that were tokenised once and stored need only to be read and padded, which
takes about a millisecond a batch. What is left is hidden by two to four workers that run two batches ahead; above that
a text loader gains nothing. `persistent_workers` keeps them alive between epochs, so that no epoch starts with seconds
of process creation.
Look at the processor first. Where all cores are busy, more workers take time from each other, and the work belongs into
the preparation. Where they idle as well, the disk or the network is the limit, and a copy on a local disk helps.

## What it does not do
It does not change the order of the rows, nor the loss, as long as rows draw no random numbers. It does not help where
the device is at full load: then the model is what takes the time. Single slow steps at new lengths are compilations,
and slow steps at every evaluation are evaluations.

## References
- https://docs.pytorch.org/docs/stable/data.html
- https://docs.pytorch.org/tutorials/recipes/recipes/tuning_guide.html
- https://huggingface.co/docs/datasets/process
- https://github.com/deepinsight/insightface/issues/1570
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="prepare-batches-in-workers",
    title="Prepare batches in worker processes",
    kind="recipe",
    change=(
        "Tokenise all rows once and store them on a local disk, then read them with two to four persistent workers and "
        "pinned memory on CUDA"
    ),
    treats=(
        Treats("slow-data-loading", CURES, "the next batch is ready before the step before it ends"),
        Treats("graph-recompilation", EASES, "waiting and compiling no longer add up, the compilations stay"),
    ),
    expects=(
        Expectation("a step waits for its batch for less than 5 % of its time, and the device is busy above 90 %"),
        Expectation(
            "the pace rises above {speed} steps per second, towards that of one cached batch that is fed again and "
            "again",
            "the pace rises towards that of one cached batch that is fed again and again",
        ),
    ),
    check=(
        "Time 50 steps with the loader and 50 with one cached batch: both must differ by less than 5 %, and losses "
        "with 0 and with 4 workers must agree"
    ),
    risk=(
        "Each worker holds a copy of what the data set keeps in Python lists, and random numbers of NumPy may repeat "
        "in all of them without a seed per worker"
    ),
    minutes=15,
    restart="the last checkpoint",
    patches=(Patch("batch.workers", "batches are made while the device computes", at_least=2),),
    edit=Edit(
        before="""\
rows.set_transform(lambda batch: tokenizer(batch["text"], truncation=True, max_length=1024))
args = TrainingArguments("out", dataloader_num_workers=0)
""",
        after="""\
rows = rows.map(lambda batch: tokenizer(batch["text"]), batched=True, num_proc=4, remove_columns=rows.column_names)
rows = rows.filter(lambda row: len(row["input_ids"]) <= 1024)
args = TrainingArguments("out", dataloader_num_workers=4, dataloader_persistent_workers=True)
""",
        note="On Windows and macOS the script needs `if __name__ == '__main__':`, as workers import it anew.",
    ),
)
