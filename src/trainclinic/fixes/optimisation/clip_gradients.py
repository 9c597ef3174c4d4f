"""Limit the global norm of the gradient to 1.0, and skip a step whose gradient is not finite.

## Why it works
A few very short targets, odd characters or a row of padding can have a gradient a hundred times larger than the rest.
Scaled down to a norm of 1.0 it is one step like any other. Without a limit Adam puts its square into the second moment,
which forgets with a half-life of about 700 steps at beta2 0.999: the steps are too small for all that time, after one
that was wrong. Healthy fine-tunes have norms between 0.1 and 10; where most exceed the limit, Adam hardly minds, since
a common factor cancels.
A limit does nothing against NaN: NaN times any factor is NaN, and an infinite norm turns the infinite entry into NaN.
So look at the norm that `clip_grad_norm_` returns, and leave that step out if it is not finite. With a float16 gradient
scaler the norm is only right after `scaler.unscale_(optimizer)`, and the scaler leaves such steps out by itself.

## What it does not do
It does not cure a rate that is too high, because Adam divides by the size of the gradients anyway. It does not repair
the row that was responsible. Where every step is clipped far down, the limit may hide something else: a sum in place of
a mean, or gradients that are never cleared.

## References
- https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
- https://github.com/openvla/openvla/pull/334
- https://github.com/ml-explore/mlx-lm/issues/1658
- https://github.com/huggingface/accelerate/pull/4025
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="clip-gradients",
    title="Clip gradients, and skip those that are not finite",
    kind="recipe",
    change=(
        "Set the limit of the gradient norm to 1.0, applied after the gradients are unscaled and before the optimizer "
        "steps; leave out a step whose norm is NaN or infinite"
    ),
    treats=(
        Treats("missing-gradient-clipping", CURES, "no gradient weighs more than an ordinary one"),
        Treats("corrupt-input-data", HELPS, "damaged rows cost a few steps in place of the run"),
        Treats("learning-rate-too-high", EASES, "a first excursion stays small, while the steps remain too large"),
        Treats("batch-size-too-small", EASES, "an odd row that no other averages away is limited"),
    ),
    expects=(
        Expectation(
            "the loss is back on its course within 20 steps of step {fault_step}, at a limit of {max_grad_norm}",
            "the loss is back on its course within 20 steps of the row that had ended it",
        ),
        Expectation("after a row whose norm is 10 times the median the next 5 losses lie where those before it did"),
    ),
    check=(
        "Replay the batch of the bad step on the last good checkpoint: its norm before clipping may be a hundredfold, "
        "and the loss of ten other batches must be the same after the step within 5 %"
    ),
    risk="A limit far below the ordinary norm (0.01) turns every step into one of equal length and slows training",
    minutes=3,
    restart="before the fault",
    patches=(
        Patch(
            "optimizer.max_grad_norm",
            "one outlying gradient is enough to spoil the moments",
            to=1.0,
            when=("optimizer.max_grad_norm", (0.0,)),
        ),
        Patch("guard.stop_on_non_finite", "clipping passes NaN on", to=True),
    ),
    edit=Edit(
        before="""\
for batch in loader:
    model(**batch).loss.backward()
    optimizer.step()
    optimizer.zero_grad()
""",
        after="""\
for batch in loader:
    model(**batch).loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    if torch.isfinite(norm):
        optimizer.step()
    optimizer.zero_grad()
""",
        note="With the Trainer this is `max_grad_norm=1.0`; it clips, but does not skip.",
    ),
    commands=("trainclinic lint train.py --select OPT012,PRC006",),
    is_precaution=True,
)
