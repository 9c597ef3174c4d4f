"""Raise the peak of the learning rate until a budget of steps can reach the weights that have to change.

## Why it works
Adam moves a weight by about the rate in each step, whatever the size of its gradient. A run of 300 steps with a linear
decay from 1e-6 travels at most 1.5e-4, which is hardly more than nothing for adapters whose second factor starts at
exactly 0. Adapters train at 1e-4 to 5e-4, full fine-tunes at 5e-6 to 5e-5, preference training of all weights at 5e-7
to 1e-5. The most frequent slip is a default for full fine-tuning under an adapter: `SFTConfig` has 2e-5, and adapters
want 5 to 10 times that.
The weights of the old run are sound and may be the start of the next one. Take them without their optimizer and
scheduler: the latter holds the old peak.

## What it does not do
It does not help where the gradient norm is exactly 0, where an optimizer holds the parameters of another model, or
where weights in bfloat16 round updates away: the first two have no rate that works, the third needs float32. A rate
that fell to 0 because the schedule was stepped too often is a fault of the schedule.

## References
- https://huggingface.co/docs/trl/sft_trainer
- https://huggingface.co/docs/transformers/main_classes/trainer
- https://arxiv.org/abs/2408.11029
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="raise-learning-rate",
    title="Raise the learning rate",
    kind="recipe",
    change=(
        "Set the peak to 1e-4 for adapters, 1e-5 for a full fine-tune, and ten times the old one for preference "
        "training. See that the warm-up takes at most a tenth of the steps"
    ),
    treats=(
        Treats("learning-rate-too-low", CURES, "the distance that a run can travel grows in proportion to the rate"),
        Treats("bf16-update-rounding", EASES, "a larger update more often exceeds half the spacing of a weight"),
    ),
    expects=(
        Expectation(
            "at a peak of {new_learning_rate} instead of {learning_rate} the loss falls about as far in 50 steps as in "
            "500 before, or farther",
            "the loss falls in 50 steps farther than in 500 before",
        ),
        Expectation("updates are between 1e-5 and 1e-3 of the norm of each trained matrix"),
    ),
    check=(
        "Train 50 steps at ten times the old peak on the same rows: the loss must fall about ten times as far. If it "
        "does not move at all, the rate was not the reason"
    ),
    risk="Preference training stands a tenth of these rates: 5e-6 to 1e-5 with adapters, 5e-7 to 1e-6 without",
    minutes=5,
    restart="the last checkpoint",
    patches=(
        Patch(
            "optimizer.learning_rate",
            "preference training goes on at 5e-7 to 1e-5",
            at_least=1e-6,
            when=("objective", ("dpo",)),
            strictly=True,
        ),
        Patch(
            "optimizer.learning_rate",
            "full weights learn at 5e-6 to 5e-5",
            at_least=1e-5,
            when=("adapter.method", ("full",)),
            strictly=True,
        ),
        Patch("optimizer.learning_rate", "adapters start at 0 and learn at 1e-4 to 5e-4", at_least=1e-4),
        Patch("schedule.warmup_steps", "a longer warm-up may end after the run itself", at_most=100),
    ),
    edit=Edit(
        before="""\
args = SFTConfig(output_dir="out", learning_rate=1e-6, warmup_steps=1000)
trainer = SFTTrainer("Qwen/Qwen3-0.6B", args=args, train_dataset=rows, peft_config=LoraConfig(r=16))
""",
        after="""\
args = SFTConfig(output_dir="out", learning_rate=1e-4, warmup_steps=0.05)
trainer = SFTTrainer("Qwen/Qwen3-0.6B", args=args, train_dataset=rows, peft_config=LoraConfig(r=16))
""",
        note="Below 1 `warmup_steps` is a share of all steps.",
    ),
    commands=("trainclinic lint train.py --select OPT009,OPT010",),
    pros=("one number", "the same time per step"),
    cons=("above 5e-4 adapters leave their course", "more forgetting of what the model could do before"),
)
