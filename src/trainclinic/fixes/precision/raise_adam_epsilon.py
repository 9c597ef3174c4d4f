"""Give Adam an epsilon that float16 can hold, where the trained weights have to stay in float16.

## Why it works
Adam divides by the root of a running mean of squared gradients, plus epsilon. Held in float16 the mean is 0 for every
gradient below about 5e-3, and an epsilon of 1e-8 is 0 too: the smallest number of the format is 6e-8. A first step at a
rate of 1e-4 shows it: a gradient of 0 gives NaN, gradients of 1e-5 to 1e-3 give infinity. With an epsilon of 1e-4 the
same gradients give updates of 0, 1e-5 and 1e-3: every division is one by something. An epsilon of 1e-7 is not enough,
although it is above 0: the update for a gradient of 1e-3 is then 0.84, and the weights are lost in another way.
It is a way round for memory that cannot hold float32, and a test that takes a minute: if NaN goes away with nothing
but a larger epsilon, the division was the cause. A fused AdamW, the default of transformers 5 from torch 2.8 on,
divides in float32 and has no need of it; plain `adamw_torch` and `torch.optim.AdamW` have.

## What it does not do
It does not give the update digits: below half the spacing of a float16 weight it is still lost. Where the mean of
squares is 0, the rate is multiplied by gradient / epsilon: small gradients learn too slowly, and one of 5e-3 moves 50
times the rate, so the rate has to be lower than usual. Float32 weights are the repair, and with them 1e-8 is right.

## References
- https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html
- https://github.com/google-deepmind/optax/issues/1754
- https://github.com/afiaka87/glide-finetune/pull/6
"""

from __future__ import annotations

from trainclinic.fixes.fix import HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="raise-adam-epsilon",
    title="Raise Adam's epsilon above the resolution of float16",
    kind="recipe",
    change=(
        "Set Adam's epsilon to 1e-4 while trained weights are float16, with a peak rate of at most 1e-5; train "
        "float32 weights instead as soon as memory allows it"
    ),
    treats=(
        Treats("half-precision-weights-without-master-copy", HELPS, "nothing is divided by 0, though digits are lost"),
        Treats("half-precision-adapter-weights", HELPS, "a gradient of 0 gives an update of 0 instead of 0/0"),
    ),
    expects=(
        Expectation(
            "every loss of the first 50 steps is finite, beginning near {first_loss} instead of {logged_first_loss}",
            "every loss of the first 50 steps is finite, where the second or third was NaN",
        ),
        Expectation("0 trained elements are NaN or infinite after 10 updates"),
    ),
    check=(
        "Take one `optimizer.step()` on one batch and count non-finite trained elements, with an epsilon of 1e-8 and "
        "of 1e-4: some thousands against 0"
    ),
    risk="Gradients between 1e-4 and 5e-3 move their weights up to 50 times the learning rate in float16",
    minutes=2,
    restart="nothing",
    spoils="written after a division by 0, and most hold NaN",
    patches=(
        Patch(
            "optimizer.epsilon",
            "1e-8 is 0 in float16",
            at_least=1e-4,
            when=("precision.trained_weights", ("float16",)),
        ),
        Patch(
            "optimizer.learning_rate",
            "updates in float16 overshoot where squares are 0",
            at_most=1e-5,
            when=("precision.trained_weights", ("float16",)),
        ),
    ),
    edit=Edit(
        before="""\
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
""",
        after="""\
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, eps=1e-4)
""",
        note="With the Trainer: `adam_epsilon=1e-4`; write 1e-8 again once the trained weights are float32.",
    ),
    alternatives=("use-bfloat16-instead-of-float16", "run-on-cpu"),
    pros=("one number, and no more memory", "tells within a minute whether the division was the cause"),
    cons=("the updates stay coarse", "small gradients learn too slowly and larger ones too fast"),
)
