"""Lower the peak of the learning rate to one that adapters or full weights stand for a whole run.

## Why it works
The curvature of the loss limits the size of a step. With Adam at beta1 0.9 the limit is about 38 over the largest
preconditioned curvature: above it a deviation grows from step to step instead of dying out. Half the rate is half of
every step, so a run that fails within the warm-up or near the peak passes the same rows. Usual peaks are up to 5e-4
for adapters, 5e-5 for full fine-tuning and 1e-5 for preference training. A run that left its course wants less than
that: 5e-5 for adapters, 1e-5 for all weights and 1e-6 for preferences are settings that rarely fail, and half the old
rate where that is lower still.
Go on from the weights of a checkpoint before the jump, with a fresh optimizer and 20 steps or more of warm-up. A resume
in the Trainer restores `scheduler.pt`, which holds the old peak, and a new `learning_rate` is then ignored.

## What it does not do
It changes nothing that is wrong in the first logged row, since no update stands before it. It does not help against
NaN at the first update, against a single gradient that is a hundred times larger than the others, or against gradients
that are never cleared: those come back later, at any rate. Weights that have left their course do not find back, so
the checkpoints after the jump are lost.

## References
- https://arxiv.org/abs/2207.14484
- https://github.com/huggingface/transformers/issues/27121
- https://github.com/haotian-liu/LLaVA/issues/1301
- https://github.com/haotian-liu/LLaVA/issues/1375
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

_FULL = "a full fine-tune stands about a tenth of the rate that adapters do"

FIX = Fix(
    slug="lower-learning-rate",
    title="Lower the learning rate",
    kind="recipe",
    change=(
        "Set the peak to at most 5e-5 for adapters, 1e-5 for a full fine-tune and 1e-6 for preference training of all "
        "weights; take half the old peak if it was lower already. Start from weights saved before the jump, with a "
        "fresh optimizer and a warm-up"
    ),
    treats=(
        Treats("learning-rate-too-high", CURES, "no step is large enough any more to leave the region of the start"),
        Treats("batch-size-too-small", HELPS, "the floor that noise leaves is proportional to the rate"),
        Treats("excessive-lora-scale", EASES, "rate and scale multiply, though the scale itself stays"),
        Treats("overfitting", EASES, "the rise of the held-out loss comes later, and is slower"),
    ),
    expects=(
        Expectation(
            "at a peak of {new_learning_rate} instead of {learning_rate} the loss stays on its course for 200 steps "
            "past step {fault_step}",
            "the loss stays on its course for 200 steps past the step at which it had left it",
        ),
        Expectation("the gradient norm stays within 3 times its median once the warm-up is over"),
    ),
    check=(
        "Train past the step of the jump twice, in the same and in another order of rows: both runs must pass. Read "
        "the logged rate at the end of the warm-up as well: it must be the new peak"
    ),
    risk="A rate ten times too low wastes the run: the loss must have fallen visibly after 50 to 100 steps",
    minutes=5,
    restart="before the fault",
    patches=(
        Patch(
            "optimizer.learning_rate",
            "preferences need the smallest steps of all",
            times=0.5,
            at_most=1e-6,
            when=("objective", ("dpo",)),
            strictly=True,
        ),
        Patch(
            "optimizer.learning_rate",
            _FULL,
            times=0.5,
            at_most=1e-5,
            when=("adapter.method", ("full",)),
            strictly=True,
        ),
        Patch("optimizer.learning_rate", "adapters of every rank stand it", times=0.5, at_most=5e-5),
        Patch("schedule.warmup_steps", "the peak should not be met in the first steps", at_least=20),
    ),
    edit=Edit(
        before="""\
args = TrainingArguments(output_dir="out", learning_rate=2e-3, lr_scheduler_type="cosine")
trainer = Trainer(model=get_peft_model(model, lora), args=args, train_dataset=rows)
""",
        after="""\
args = TrainingArguments(output_dir="out", learning_rate=5e-5, warmup_steps=20, lr_scheduler_type="cosine")
trainer = Trainer(model=get_peft_model(model, lora), args=args, train_dataset=rows)
""",
        note="`resume_from_checkpoint` would bring the old peak back: load the weights alone.",
    ),
    alternatives=("lengthen-warm-up", "accumulate-more-rows"),
    pros=("one number", "the same time per step", "works for every shape of the schedule"),
    cons=("more steps to the same loss", "hides a fault that is not the rate until later in the run"),
)
