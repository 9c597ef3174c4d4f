"""Multiply the adapter by at most 2, as alpha over rank.

## Why it works
An adapter adds `scale * B A x` to the output of a frozen matrix. The scale multiplies the output of B and, on the way
back, its gradient. Adam does not care about the size of a gradient, so a scale of 20 makes each step 20 times larger
in effect, while the logged rate looks ordinary. At a scale of 1 to 2 the usual rates of adapters, 1e-4 to 5e-4, mean
what they say. Alpha is then one to two times the rank.
How the scale is made differs: PEFT divides alpha by the rank, with `use_rslora=True` by its square root (alpha 128 at
rank 64 is 16 and not 2), and MLX-LM takes `scale` as the factor itself, with 20.0 in many configurations: write 2.0.

## What it does not do
It does not save the adapters: their factors were trained for the old scale, and read under the new one they give a
tenth of what they had learned. If the live model was good and only the merged one is bad, the two tools compute the
scale differently, and nothing has to be trained again. It cannot explain a wrong first row: B is 0 there.

## References
- https://huggingface.co/docs/peft/package_reference/lora
- https://github.com/ml-explore/mlx-examples/issues/620
- https://github.com/Blaizzy/mlx-vlm/issues/841
- https://github.com/cloneofsimo/lora/issues/240
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="lower-lora-scale",
    title="Lower the scale of the adapter",
    kind="recipe",
    change=(
        "Set alpha to at most twice the rank, so that the scale is 2, and leave `use_rslora` off; where a tool takes "
        "the scale itself, write 2.0. Train anew from the base"
    ),
    treats=(
        Treats("excessive-lora-scale", CURES, "a change of the adapter reaches the output at most doubled"),
        Treats("learning-rate-too-high", EASES, "rate and scale multiply, where an adapter is trained above scale 2"),
    ),
    expects=(
        Expectation(
            "at a scale of {new_lora_scale} instead of {lora_scale} and the same rate the loss passes its old jump and "
            "keeps falling",
            "at a scale of 2 and the same rate the loss passes its old jump and keeps falling",
        ),
        Expectation("after 200 steps the norm of `scale * B A` is below 0.1 of that of the frozen matrix"),
    ),
    check=(
        "Print `{m.scaling['default'] for m in model.modules() if hasattr(m, 'scaling')}`: every value must be 2 or "
        "below, and the tool that serves the adapter must compute the same"
    ),
    risk="A scale of 0.1 or below makes an ordinary rate too low: keep it between 1 and 2",
    minutes=3,
    restart="nothing",
    spoils="trained for another scale, under which alone it says what it learned",
    patches=(
        Patch("adapter.alpha", "a scale of 2 is alpha at twice the rank", of="adapter.rank", times=2.0),
        Patch("adapter.rank_stabilised", "alpha over the square root of the rank is a far larger scale", to=False),
    ),
    edit=Edit(
        before="""\
lora = LoraConfig(r=64, lora_alpha=1280, target_modules="all-linear", task_type="CAUSAL_LM")
""",
        after="""\
lora = LoraConfig(r=64, lora_alpha=128, target_modules="all-linear", task_type="CAUSAL_LM")
""",
        note="Write alpha into the configuration that is saved: other tools compute the scale from there.",
    ),
    alternatives=("lower-learning-rate",),
    pros=("the learning rate means again what others mean by it", "merging rounds less"),
    cons=("the adapters so far are lost",),
)
