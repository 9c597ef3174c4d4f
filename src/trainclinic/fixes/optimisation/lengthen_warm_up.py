"""Let the learning rate rise over more steps before it reaches its peak.

## Why it works
Two things are missing in the first steps. Adam has averaged hardly any gradients: its second moment remembers about
1/(1 - beta2) steps, 1,000 at the default 0.999, and until then a few gradients decide how large the steps are. And the
loss is steepest where training begins. A rate that rises slowly stays below the limit of stability while the curvature
falls, and often reaches a peak that would have thrown the weights away in step 5. Some 5 to 10 % of the run are enough,
20 steps at the least. After a resume without optimizer state the same holds: 20 to 50 steps of warm-up take the edge
off a bump of some tenths of a nat.

## What it does not do
It does not make a peak possible that is too high in itself: then the jump comes later, when the peak is reached. It
does not help against a first row that is already wrong, because the first logged loss has met no update or only tiny
ones, nor against NaN at the first update of 16-bit weights. A warm-up longer than the run never reaches its peak.

## References
- https://arxiv.org/abs/2207.14484
- https://arxiv.org/abs/2406.09405
- https://huggingface.co/docs/transformers/main_classes/optimizer_schedules
"""

from __future__ import annotations

from trainclinic.fixes.fix import EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="lengthen-warm-up",
    title="Lengthen the warm-up",
    kind="recipe",
    change=(
        "Let the rate rise over 5 to 10 % of the steps, at least 50 where the loss had jumped in the warm-up; count "
        "them in optimizer steps, not in micro-batches"
    ),
    treats=(
        Treats("learning-rate-too-high", HELPS, "the curvature falls while the rate is still below its limit"),
        Treats("optimizer-state-lost-on-resume", HELPS, "small steps fill the moments before large ones use them"),
        Treats("excessive-lora-scale", EASES, "the adapter grows more slowly, to the same size"),
    ),
    expects=(
        Expectation("the loss falls, or stays within its noise, over the first 100 steps"),
        Expectation(
            "the loss does not jump at step {fault_step}, nor when the rate reaches its peak of {new_learning_rate}",
            "the loss does not jump, neither where it did before nor when the rate reaches its peak",
        ),
    ),
    check=(
        "Log loss, gradient norm and rate at every step up to 20 steps past the peak. If the loss leaves its course at "
        "the same rate as before, only later, the peak has to be lowered"
    ),
    risk="In a run of 200 steps a warm-up of 100 takes away half of the training",
    minutes=2,
    restart="before the fault",
    patches=(Patch("schedule.warmup_steps", "moments and curvature need some 50 steps to settle", at_least=50),),
    edit=Edit(
        before="""\
args = TrainingArguments(output_dir="out", learning_rate=1e-4, lr_scheduler_type="constant")
""",
        after="""\
args = TrainingArguments(
    output_dir="out", learning_rate=1e-4, warmup_steps=0.1, lr_scheduler_type="constant_with_warmup"
)
""",
        note="`warmup_steps` below 1 is a share of all steps; `constant` ignores it.",
    ),
    alternatives=("lower-learning-rate",),
    pros=("keeps the peak, and with it the speed of the rest of the run", "one number"),
    cons=("does not help where the peak itself is too high", "takes 5 to 10 % of the steps"),
)
