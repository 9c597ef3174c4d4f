"""Build labels anew for each row, from the messages, so that every answer token and its end are targets.

## Why it works
A mean over no targets is 0/0, clamped to 0.0 or logged as NaN, and sends no gradient back. The reasons are many: roles
that the mask does not know (`gpt` where it asks for `assistant`), a template without generation tags, whose assistant
mask is 0 everywhere, a cached mask that is written to and loses positions with every batch, a second collator that
replaces the labels. One path from messages to labels removes them all. Rename the roles, let the trainer build the
mask, keep nothing between rows, and count the targets before the first step.
TRL does so with `assistant_only_loss=True`: it brings templates with generation tags for the usual families, and
refuses a template that marks nothing. Labels stand in `trainer.train_dataset` before training and can be counted there.

## What it does not do
It does not help where answers lie beyond the length limit, or are empty in the file. A loss of 0.0 beside a gradient
norm of NaN is another fault: there the weights hold NaN. Batches without targets left the weights as they were, so that
no checkpoint is lost; the steps are, and the schedule with them: start a fresh one.

## References
- https://github.com/NVIDIA/Megatron-LM/issues/1269
- https://github.com/snowflakedb/ArcticTraining/pull/335
- https://github.com/axolotl-ai-cloud/axolotl/pull/3098
- https://huggingface.co/docs/trl/sft_trainer
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="supervise-the-answers",
    title="Make every answer a target",
    kind="script",
    change=(
        "Give the trainer `messages` with the roles system, user and assistant and let it mask them, or build labels "
        "per row from a fresh copy; stop before the first step if any row has no target"
    ),
    treats=(
        Treats("fully-masked-labels", CURES, "each row gets its labels from its own messages, and they are counted"),
        Treats("response-template-mismatch", HELPS, "a trainer that masks by role needs no marker"),
        Treats("prompt-mask-misalignment", HELPS, "the template marks the answers, and no lengths are added up"),
        Treats("end-of-turn-outside-loss-mask", EASES, "the templates that TRL brings mark the end of a turn as well"),
    ),
    expects=(
        Expectation("every row has at least 2 targets before the first step, in training and held-out rows"),
        Expectation(
            "the first loss lies in {expected_first_loss} instead of {logged_first_loss}, and the gradient norm is "
            "above 0 in each of the first 10 steps",
            "loss and gradient norm are above 0 and finite in each of the first 10 steps",
        ),
        Expectation("the number of targets of the same batch is the same at step 1 and at step 100"),
    ),
    check=(
        "Print the number of labels that are not -100 for every row of the first batch, and of one batch every 100 "
        "steps: no row may have 0; decode those of 3 rows"
    ),
    risk="A trainer that masks by role needs a template with generation tags, and stops where there is none",
    minutes=20,
    restart="the last checkpoint",
    patches=(
        Patch(
            "loss.targets",
            "answers are what the model has to write",
            to="answers",
            when=("data.form", ("messages", "prompt-completion", "instruction", "question-answer")),
        ),
        Patch("data.drop_empty_answers", "a row without an answer has no target", to=True),
    ),
    edit=Edit(
        before="""\
def encode(row):
    ids = tokenizer.apply_chat_template(row["messages"], return_dict=False)
    labels = list(ids) if row["messages"][-1]["role"] == "model" else [-100] * len(ids)
    return {"input_ids": ids, "labels": labels}
""",
        after="""\
args = SFTConfig("out", assistant_only_loss=True)
trainer = SFTTrainer(model=model, args=args, train_dataset=data.select_columns(["messages"]))
targets = [sum(label != -100 for label in row["labels"][1:]) for row in trainer.train_dataset]
print(f"targets a row: {min(targets)} to {max(targets)}")
trainer.train()
""",
        note="In code of your own write into `mask.clone()`, never into a mask that is kept for the next batch.",
    ),
    commands=("trainclinic data train.jsonl --tokenizer models/base --loss-on answers --show 3",),
    alternatives=("mask-by-character-offsets",),
    pros=("masks by role, with any number of turns", "labels can be counted before training"),
    cons=("needs a template with generation tags", "rows have to be conversations"),
)
