"""Keep some rows out of training, drawn before anything is copied, and evaluate on them during the run.

## Why it works
The training loss says how well rows are known, not how well the task is: only rows that were never read can tell both
apart, and show the step from which more training does harm. A twentieth of the rows is enough in most cases: with 200
rows whose losses scatter by 0.5 nats the mean has an error of 0.035, with 50 rows of 0.07. Copies have to go first,
and rows of one prompt, document or conversation stay together, or the held-out part measures memory: where each row
occurs three times, nearly every held-out one has a twin in training. Ten evaluations in a run draw the curve well
enough to see a minimum. Rows drawn at random with a fixed seed are the same in the next run, so that runs can be
compared.

## What it does not do
It does not prevent overfitting: it shows it, and stopping at the best checkpoint acts on it. Checkpoints that have read
the rows cannot be judged by them; only new rows can do that. A held-out part of a file says nothing about questions of
another kind.

## References
- https://scikit-learn.org/stable/common_pitfalls.html
- https://arxiv.org/abs/2107.06499
- https://huggingface.co/docs/datasets/process
"""

from __future__ import annotations

from trainclinic.fixes.fix import EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="hold-rows-out",
    title="Hold rows out for evaluation",
    kind="data",
    change=(
        "Remove copies, draw 5 % of the rows (at least 50) at random by prompt or document, leave them out of training "
        "and evaluate on them ten times in a run"
    ),
    treats=(
        Treats("train-eval-leakage", HELPS, "the evaluation gets rows that training does not read"),
        Treats("overfitting", EASES, "the step is seen from which more training does harm"),
        Treats("duplicate-samples", EASES, "copies are removed before the rows are drawn"),
    ),
    expects=(
        Expectation("0 held-out rows are among the training rows after folding case and white space"),
        Expectation(
            "the first `eval_loss` lies near {first_loss}, and ten evaluations show where it is lowest",
            "the first `eval_loss` lies within 0.3 nats of the training loss, and ten evaluations show its minimum",
        ),
    ),
    check="Intersect the sets of normalised prompts of both parts: the result must be empty",
    risk="Fewer rows to train on: below some 500 rows hold 10 % out and train on all of them in a last run",
    minutes=5,
    restart="nothing",
    spoils="trained on rows that are held out now",
    patches=(
        Patch("data.held_out", "without rows of its own an evaluation measures memory", at_least=0.05),
        Patch("data.drop_duplicates", "a copy of a held-out row would be trained on", to=True),
    ),
    edit=Edit(
        before="""\
rows = load_dataset("json", data_files="train.jsonl", split="train")
trainer = SFTTrainer(model, args=SFTConfig(output_dir="out"), train_dataset=rows, eval_dataset=rows)
""",
        after="""\
rows = load_dataset("json", data_files="train.jsonl", split="train")
parts = rows.train_test_split(test_size=0.05, seed=42)
args = SFTConfig(output_dir="out", eval_strategy="steps", eval_steps=0.1)
trainer = SFTTrainer(model, args=args, train_dataset=parts["train"], eval_dataset=parts["test"])
""",
        note="`eval_steps=0.1` is a tenth of the run; remove copies before the split.",
    ),
    commands=("trainclinic data train.jsonl --repair cleaned --split 0.05",),
    pros=("one call, and the same rows in every run with the same seed",),
    cons=("fewer rows to train on", "rows that are related by more than their text may still be divided"),
    is_precaution=True,
)
