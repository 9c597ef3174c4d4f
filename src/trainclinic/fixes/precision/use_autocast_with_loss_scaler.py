"""Run float16 autocast on the device that is used, over float32 weights, and scale the loss while it does.

## Why it works
float16 has no number between 0 and 6e-8, so small gradients become exact zeros. A gradient scaler multiplies the loss
by 65,536 before the backward pass and divides the gradients by the same number before the update: what was 1e-9 is
6.6e-5 on the way and survives. It also looks at every gradient: with an inf or NaN among them it leaves the step out
and halves its scale, so a bad batch costs one step and not the weights. Autocast and scaler act on the device they are
given. Built for "cuda" on another device both do nothing, and the run is an ordinary float32 one; taking the type from
`device.type` ends that. Gradients have to be unscaled before they are clipped, or a limit of 1.0 means 1.0 / 65,536.

## What it does not do
It cannot help where the forward pass leaves the range of float16 (above 65,504): the scale then falls to 1 and the loss
stays NaN. It does not accept float16 weights: "Attempting to unscale FP16 gradients" says that they have to be float32
first. On an Apple GPU and on a CPU there is nothing to gain: compute in float32 there.

## References
- https://docs.pytorch.org/docs/stable/amp.html
- https://docs.pytorch.org/docs/stable/notes/amp_examples.html
- https://github.com/karpathy/nanoGPT/issues/167
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="use-autocast-with-loss-scaler",
    title="Use autocast together with a loss scaler",
    kind="recipe",
    change=(
        "Give autocast and `torch.amp.GradScaler` the type of the device in use, keep the weights in float32, and let "
        "the scaler scale the loss, unscale before the clip, take the step and update itself"
    ),
    treats=(
        Treats("mixed-precision-misconfiguration", CURES, "small gradients survive and bad steps are left out"),
        Treats(
            "half-precision-weights-without-master-copy",
            HELPS,
            "autocast over float32 weights makes float16 weights needless",
        ),
        Treats("fp16-range-overflow", EASES, "a backward pass that overflows costs a step and not the weights"),
    ),
    expects=(
        Expectation(
            "the loss is finite at step {fault_step} and in the 100 steps after it",
            "the loss is finite in all of the first 1,000 steps",
        ),
        Expectation("after the first 20 steps at most 1 step in 100 is skipped, and the scale stays above 1"),
    ),
    check=(
        "Print `model(**batch).logits.dtype` inside the block, `scaler.is_enabled()` and `scaler.get_scale()` every "
        "100 steps: float16, True, and a power of 2 above 1"
    ),
    risk="Clipping before `unscale_` cuts every gradient to almost nothing; one `unscale_` per update is allowed",
    minutes=10,
    restart="before the fault",
    patches=(
        Patch("precision.loss_scaling", "float16 gradients below 6e-8 are 0 without a scale", to=True),
        Patch("precision.compute", "autocast has to fit the device: 16 bits on CUDA, float32 elsewhere", to="auto"),
        Patch("precision.trained_weights", "a scaler can only unscale gradients of float32 weights", to="float32"),
    ),
    edit=Edit(
        before="""\
with torch.autocast("cuda", dtype=torch.float16):
    loss = model(**batch).loss
loss.backward()
torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
optimizer.step()
""",
        after="""\
scaler = torch.amp.GradScaler(device.type, enabled=device.type == "cuda")  # once, before the loop
with torch.autocast(device.type, dtype=torch.float16, enabled=device.type == "cuda"):
    loss = model(**batch).loss
scaler.scale(loss).backward()
scaler.unscale_(optimizer)
torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
scaler.step(optimizer)
scaler.update()
""",
        note="With the Trainer `fp16=True` does all of this; leave it off on every device but CUDA.",
    ),
    commands=("trainclinic lint train.py",),
    alternatives=("use-bfloat16-instead-of-float16", "run-on-cpu"),
    pros=("works on every CUDA card, also a V100 or T4", "11 significant bits instead of the 8 of bfloat16"),
    cons=("activations above 65,504 still overflow", "some steps are skipped while the scale settles"),
)
