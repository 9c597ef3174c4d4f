"""Score the answers alone: give every token of system text, questions and template the label -100.

## Why it works
The prompt is given when the model is used, so that writing it is not what it should learn. A loss on everything spends
most of its weight there when prompts are long: with 50 answer tokens behind 950 prompt tokens a mean of 2.0 can hide
answers at 3.0. With prompts at -100 the whole gradient goes to answers, and the number says what is wanted. TRL does so
for rows with `prompt` and `completion`; for `messages` the switch is `assistant_only_loss=True`, with a template that
marks the answers.
The end token belongs to the answer and must stay a target.

## What it does not do
It is a choice and no repair: many good models were trained on everything, and with prompts shorter than the answers the
difference is small. A loss before and after cannot be compared, since another set of tokens is measured; compare on
answer tokens. Texts without a prompt, as in continued pretraining, have nothing to mask. Weights trained on everything
are sound, and training may go on from them.

## References
- https://github.com/axolotl-ai-cloud/axolotl/issues/1100
- https://huggingface.co/docs/trl/sft_trainer
- https://huggingface.co/docs/transformers/main_classes/data_collator
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="mask-prompts-in-labels",
    title="Leave prompts out of the loss",
    kind="recipe",
    change=(
        "Train on rows with `prompt` and `completion`, or set `assistant_only_loss=True` for conversations; in a "
        "script of your own set the labels of everything before an answer to -100"
    ),
    treats=(
        Treats("prompt-in-loss", CURES, "answers and their end tokens are the only targets"),
        Treats("evaluation-artefact", EASES, "held-out rows are scored on what the model has to write"),
    ),
    expects=(
        Expectation("the decoded targets of 20 rows are the answers with their end token, and nothing else"),
        Expectation(
            "the first loss moves by some tenths up to 1 nat from {logged_first_loss}, because other tokens are scored",
            "the first loss moves by some tenths up to 1 nat, because other tokens are scored",
        ),
        Expectation("at least 7 of 8 greedy answers stop instead of writing the next question"),
    ),
    check=(
        "Print `tokenizer.decode([t for t in row['labels'] if t != -100])` for 5 rows of `trainer.train_dataset`: each "
        "must be an answer, complete with its end token"
    ),
    risk="A border that is computed wrongly masks answers: rows without any target must be 0 afterwards",
    minutes=10,
    restart="the last checkpoint",
    patches=(
        Patch(
            "loss.targets",
            "the prompt is given when the model is used",
            to="answers",
            when=("data.form", ("messages", "prompt-completion", "instruction", "question-answer")),
        ),
    ),
    edit=Edit(
        before="""\
def render(row):
    return {"text": f"### Question:\\n{row['question']}\\n### Answer:\\n{row['answer']}{tokenizer.eos_token}"}


trainer = SFTTrainer(model=model, args=SFTConfig("out"), train_dataset=rows.map(render))
""",
        after="""\
def render(row):
    return {"prompt": f"### Question:\\n{row['question']}\\n### Answer:\\n", "completion": row["answer"]}


rows = rows.map(render, remove_columns=rows.column_names)
trainer = SFTTrainer(model=model, args=SFTConfig("out", completion_only_loss=True), train_dataset=rows)
""",
        note="TRL appends the end token to a plain completion itself.",
    ),
    commands=("trainclinic data train.jsonl --tokenizer models/base --loss-on answers --show 3",),
    is_precaution=True,
)
