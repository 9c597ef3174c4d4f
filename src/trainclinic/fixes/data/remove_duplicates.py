"""Keep one row of every group of copies, exact and near ones, before anything is split or counted.

## Why it works
A row that occurs 50 times has 50 votes in every pass, and is known by heart after the first few. Once each row occurs
once, the loss counts different texts, and the model is fitted to what they have in common. Exact copies are found by
hashing rows after case and white space are folded; near copies by the share of word 3-grams (MinHash, similarity 0.5
and above). Up to 1 % of exact and 5 % of near copies is ordinary; above 10 % and 20 % they shape the loss curve.
Cleaning before the split also settles the held-out rows: of rows that occur three times, nearly every held-out one has
a twin in training when a tenth is drawn at random.
Where repetition was meant as a weight, say so in the sampler (`interleave_datasets` with probabilities) and keep the
file without copies.

## What it does not do
It does not stop learning by heart over many passes: a pass over unique rows repeats them all. It does not remove rows
that share an answer, such as 500 questions with one refusal; count answers apart. A training loss that ends higher
afterwards is the aim and no damage.

## References
- https://arxiv.org/abs/2107.06499
- https://arxiv.org/abs/2205.10487
- https://huggingface.co/docs/datasets/process
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="remove-duplicates",
    title="Remove duplicated rows",
    kind="data",
    change=(
        "Write a copy of the file in which every row, and every group of rows that differ little, occurs once; do it "
        "before the rows are split"
    ),
    treats=(
        Treats("duplicate-samples", CURES, "each text counts once, and is seen once in a pass"),
        Treats("train-eval-leakage", HELPS, "rows that occur once cannot lie on both sides of a split"),
        Treats("overfitting", EASES, "copies work like further passes, and those are gone"),
    ),
    expects=(
        Expectation("a count of the new file finds 0 exact copies and less than 1 % near copies"),
        Expectation(
            "after as many steps the training loss ends above {last_loss}, and the held-out loss below what it was",
            "after as many steps the training loss ends higher than before, and the held-out loss lower",
        ),
    ),
    check=(
        "Compare the loss of the last checkpoint on 200 rows that occurred once and on 200 that occurred often: below "
        "a ratio of 1.5 the copies did little"
    ),
    risk="Copies that stood for a wanted weight lose it, and short answers that many questions share may go with them",
    minutes=10,
    restart="the best checkpoint",
    patches=(Patch("data.drop_duplicates", "copies are further passes over a part of the rows", to=True),),
    edit=Edit(
        before="""\
rows = load_dataset("json", data_files="train.jsonl", split="train")
parts = rows.train_test_split(test_size=0.05, seed=42)
""",
        after="""\
rows = load_dataset("json", data_files="train.jsonl", split="train")
seen: set[str] = set()
keys = [" ".join(row["text"].lower().split()) for row in rows]
first = [at for at, key in enumerate(keys) if key not in seen and not seen.add(key)]
parts = rows.select(first).train_test_split(test_size=0.05, seed=42)
""",
        note="This finds exact copies; near ones need MinHash, which `trainclinic data --repair` does.",
    ),
    commands=("trainclinic data train.jsonl", "trainclinic data train.jsonl --repair cleaned/ --split 0.05"),
    is_precaution=True,
)
