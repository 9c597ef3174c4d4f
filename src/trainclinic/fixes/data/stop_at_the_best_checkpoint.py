"""Keep the checkpoint with the lowest held-out loss, and stop when a few evaluations in a row have not improved it.

## Why it works
From the minimum of the held-out loss on, what the model still learns is special to its training rows. The weights at
that minimum were stored if evaluation and saving happen at the same steps; they are the best model of the run, and
taking them costs nothing. For the next run a patience of three evaluations ends the training shortly after the minimum,
and `load_best_model_at_end` puts those weights back.
Ten evaluations in a run are enough to place the minimum to a tenth of it. Their error matters: with 200 held-out rows
it is some hundredths of a nat, and a rise below twice that is no rise. One bad evaluation is therefore no reason to
stop, and two or three in a row are.

## What it does not do
It does not make the minimum lower: that takes more rows, a smaller rate or a smaller rank. It does not recognise a
held-out part that leaked, whose loss never rises. A loss that rises together with the training loss is divergence, and
a distance that was there at the first evaluation comes from two ways of computing. Where no checkpoint near the minimum
was kept, the run has to be repeated up to there.

## References
- https://huggingface.co/docs/transformers/main_classes/callback
- https://huggingface.co/docs/transformers/main_classes/trainer
- https://arxiv.org/abs/2305.16264
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="stop-at-the-best-checkpoint",
    title="Stop at the best checkpoint",
    kind="recipe",
    change=(
        "Use the checkpoint with the lowest held-out loss. Evaluate and save at the same steps, at least ten times in "
        "a run, and stop after three evaluations without improvement"
    ),
    treats=(
        Treats("overfitting", CURES, "the weights from before the rise are kept, and no step is made after it"),
        Treats("duplicate-samples", EASES, "it ends before the copies are known word for word"),
        Treats("learning-rate-too-high", EASES, "weights from before the divergence are kept, the fault stays"),
        Treats("evaluation-artefact", EASES, "decisions rest on one column that is compared with itself alone"),
    ),
    expects=(
        Expectation(
            "the checkpoint of step {best_step} answers new prompts better than the last one",
            "the checkpoint at the lowest held-out loss answers new prompts better than the last one",
        ),
        Expectation(
            "the next run ends within 3 evaluations of its lowest held-out loss, and stores the weights of that minimum"
        ),
    ),
    check=(
        "Compare 20 answers to prompts from neither part of the data, of the best and of the last checkpoint, without "
        "knowing which is which"
    ),
    risk="With fewer than about 100 held-out rows the minimum is chance, and training may stop too early",
    minutes=10,
    restart="the best checkpoint",
    patches=(
        Patch("evaluation.patience", "what is learned after the minimum does not hold for new rows", to=3),
        Patch("evaluation.every_steps", "ten evaluations place the minimum to a tenth of the run", to=0),
        Patch("checkpoints.every_steps", "one can go back only to weights that were saved", to=0),
        Patch("data.held_out", "a minimum can be seen on rows alone that are not trained on", at_least=0.05),
    ),
    edit=Edit(
        before="""\
args = TrainingArguments("out", num_train_epochs=10, eval_strategy="epoch", save_strategy="no")
trainer = Trainer(model=model, args=args, train_dataset=train, eval_dataset=held_out)
""",
        after="""\
args = TrainingArguments(
    "out", num_train_epochs=3, eval_strategy="steps", eval_steps=0.1, save_strategy="steps", save_steps=0.1,
    load_best_model_at_end=True, metric_for_best_model="eval_loss", greater_is_better=False, save_total_limit=3,
)
stop = EarlyStoppingCallback(early_stopping_patience=3)
trainer = Trainer(model=model, args=args, train_dataset=train, eval_dataset=held_out, callbacks=[stop])
""",
        note="`eval_steps=0.1` means a tenth of all steps; the `Trainer` accepts only equal strategies for both.",
    ),
    alternatives=("train-fewer-epochs", "answer-by-retrieval"),
    pros=("costs no step, where the checkpoint was kept", "finds the right number of passes by itself"),
    cons=(
        "the learning rate has not come down yet where it stops",
        "needs some 100 held-out rows and room for checkpoints",
    ),
)
