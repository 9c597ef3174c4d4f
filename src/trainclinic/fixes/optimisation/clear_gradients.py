"""Set the gradients to nothing after every optimizer step, once, and on the same optimizer.

## Why it works
`backward()` adds to the gradients that are already there. What is never cleared is a sum over all batches since the
beginning: at step 100 its norm is tens of times that of step 1, and most of it was computed at weights that no longer
exist. Adam removes the size from it and keeps the direction, so that it acts like a momentum that never forgets. After
`optimizer.zero_grad()` a step uses the batch before it and nothing else. The place matters: after `step()`, or before
the first micro-batch of an update, and never between `backward()` and `step()`, where it deletes what the step needs.

## What it does not do
It does not go into every micro-batch: with an accumulation of 8 the gradients of 8 belong together, and the loss of
each is divided by 8. It does not help where the optimizer holds the parameters of another model; then its `zero_grad`
clears those, and the loss is flat rather than rising. The weights so far went in directions of the past and are not
worth going on from.

## References
- https://pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html
- https://pytorch.org/tutorials/recipes/recipes/zeroing_out_gradients.html
- https://github.com/tenstorrent/tt-blacksmith/pull/711
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, Edit, Expectation, Fix, Treats

FIX = Fix(
    slug="clear-gradients",
    title="Clear the gradients after every update",
    kind="script",
    change=(
        "Call `optimizer.zero_grad()` right after each `optimizer.step()`, on the same optimizer and under the same "
        "condition"
    ),
    treats=(Treats("missing-zero-grad", CURES, "a step no longer holds the gradients of all batches before it"),),
    expects=(
        Expectation("the gradient norm of step 100 is within 3 times that of step 5, where it had been tens of times"),
        Expectation(
            "the loss keeps falling past step {fault_step}, where it had turned",
            "the loss keeps falling where it had turned and risen",
        ),
    ),
    check=(
        "At a rate of 0 print the gradient norm after `backward()` for ten steps on one repeated batch without "
        "dropout: all ten must be equal"
    ),
    risk="A call inside the accumulation, rather than after the step, leaves only the last micro-batch of an update",
    minutes=5,
    restart="nothing",
    spoils="trained on the sum of all gradients since the first step",
    edit=Edit(
        before="""\
for batch in loader:
    loss = model(**batch).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
""",
        after="""\
for batch in loader:
    loss = model(**batch).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
""",
        note="With accumulation both calls stand in the branch that updates.",
    ),
    commands=("trainclinic lint train.py --select OPT003,OPT004",),
)
