"""Find the rows or cached tensors that are damaged, make them anew or leave them out, and let loading fail loudly.

## Why it works
A damaged row fails whenever it is drawn: in every precision, at every rate, on every device. One scan over what is
stored finds it before any training, since it needs no model and runs at the speed of the disk. Text has to have at
least one visible character and the columns that the loader reads; tensors have to be finite. Once those rows are gone
or written again, the step at which the run failed has nothing left to fail on.
Substituted data is the second case. An `except` branch that puts built-in rows in place of a file that could not be
read hides the error and trains on something else; without that branch the run stops in its first second.
Checkpoints from before the first such batch are intact. Those after it hold NaN, or weights that were pulled towards
garbage by a single large gradient.

## What it does not do
It does not help where the batch of the failure runs cleanly through the untouched base model: then numbers or settings
are at fault, and rows are innocent. It does not judge whether text is good, only whether it can be read. A NaN in the
step after the first update, or only in padded rows, comes from somewhere else.

## References
- https://github.com/huggingface/diffusers/issues/7563
- https://arxiv.org/abs/2204.02311
- https://docs.pytorch.org/docs/stable/generated/torch.isfinite.html
- https://huggingface.co/docs/datasets/process
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="remove-corrupt-rows",
    title="Remove or rebuild damaged rows",
    kind="data",
    change=(
        "Scan every stored row for values that are not finite, empty columns and unreadable text; write what is "
        "damaged again from its source or leave it out, and delete every `except` that puts other data in its place"
    ),
    treats=(
        Treats("corrupt-input-data", CURES, "a row that is not there cannot fail"),
        Treats("empty-answers", EASES, "rows of length 0 are found in the same scan"),
        Treats("fp16-range-overflow", EASES, "rows of garbage have the largest activations"),
    ),
    expects=(
        Expectation(
            "the run passes step {fault_step} with the same seed, and its losses stay finite for the 100 steps after",
            "the run passes the step at which it failed with the same seed, and stays finite for the 100 steps after",
        ),
        Expectation("a scan of all rows reports 0 values that are not finite and 0 rows of length 0"),
    ),
    check=(
        "Feed the batch at which the run failed to the untouched base model, before and after: the loss must be finite "
        "only afterwards"
    ),
    risk=(
        "Where the row was innocent the failure comes back a few steps later, and rare but good rows may have been lost"
    ),
    minutes=30,
    restart="before the fault",
    patches=(
        Patch("guard.stop_on_non_finite", "a row that slips through must not reach the weights", to=True),
        Patch("guard.true_losses", "a damaged row shows only in losses that nobody has filtered", to=True),
    ),
    edit=Edit(
        before="""\
try:
    rows = load_dataset("json", data_files="train.jsonl", split="train")
except Exception:
    rows = synthetic_rows()
""",
        after="""\
rows = load_dataset("json", data_files="train.jsonl", split="train")
usable = rows.filter(lambda row: row["text"] is not None and row["text"].strip() != "")
print(f"{len(rows) - len(usable)} of {len(rows)} rows are empty and left out")
""",
        note="For cached tensors ask `torch.isfinite(tensor).all()` of every file, and write the cache again.",
    ),
    commands=(
        "trainclinic data train.jsonl",
        "trainclinic data train.jsonl --repair cleaned/",
    ),
)
