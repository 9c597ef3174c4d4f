"""Advance the learning-rate schedule once for each optimizer step, and plan it for that number of steps.

## Why it works
A schedule is a function of its own count. Called for each micro-batch it counts as many times too fast as there are
micro-batches in an update: with an accumulation of 8 a decay over 1,000 steps is over at step 125, and the remaining
875 have a rate of 0. A scheduler that Accelerate has prepared counts once per process for each update, on purpose: it
expects a plan in steps of all processes together. Either the total is multiplied by the number of processes, or the
scheduler stays unprepared and is stepped by hand when `accelerator.sync_gradients` is true. One count for one update
puts the end of the decay where the end of the run is.

## What it does not do
It does not change how fast anything was learned while the rate lived. The weights so far are good and may be gone on
from, with a schedule over the remaining steps; a resume that restores the finished schedule would stay at 0. A rate
that is 0 only in the last rows is a schedule that ended as planned.

## References
- https://huggingface.co/docs/accelerate/concept_guides/performance
- https://github.com/huggingface/accelerate/issues/2142
- https://github.com/huggingface/transformers/pull/24088
- https://github.com/jzhang38/EasyContext/issues/21
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats

FIX = Fix(
    slug="step-scheduler-once-per-update",
    title="Step the scheduler once per update",
    kind="script",
    change=(
        "Call `scheduler.step()` right after `optimizer.step()`, inside the branch that updates, and plan the schedule "
        "for rows / (rows per device x accumulation x processes) x epochs; multiply that by the number of processes "
        "for a scheduler that Accelerate prepares"
    ),
    treats=(
        Treats("scheduler-overstepping", CURES, "the schedule and the optimizer count the same steps"),
        Treats("learning-rate-too-low", EASES, "a decay that was over within the first steps takes the whole run"),
        Treats("schedule-reset-on-resume", EASES, "a count in updates finds its place again when it is restored"),
    ),
    expects=(
        Expectation("the logged rate is half of its peak midway through the decay, and 0 in the last row only"),
        Expectation(
            "the loss falls below {last_loss}, at which it had stood since the rate was 0",
            "the loss falls again where it had stood since the rate was 0",
        ),
    ),
    check=(
        "Print `scheduler.last_epoch` beside the number of optimizer steps every 10 updates: both must be equal, or "
        "differ by the number of processes if Accelerate prepared the scheduler"
    ),
    risk="A warm-up that had been given in micro-batches becomes as many times longer: count it in updates as well",
    minutes=10,
    restart="the last checkpoint",
    edit=Edit(
        before="""\
scheduler = get_cosine_schedule_with_warmup(optimizer, 20, len(loader) * epochs // accumulation)
for epoch in range(epochs):
    for i, batch in enumerate(loader):
        (model(**batch).loss / accumulation).backward()
        if (i + 1) % accumulation == 0 or i + 1 == len(loader):
            optimizer.step()
            optimizer.zero_grad()
        scheduler.step()
""",
        after="""\
scheduler = get_cosine_schedule_with_warmup(optimizer, 20, -(-len(loader) // accumulation) * epochs)
for epoch in range(epochs):
    for i, batch in enumerate(loader):
        (model(**batch).loss / accumulation).backward()
        if (i + 1) % accumulation == 0 or i + 1 == len(loader):
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
""",
        note="Prepared by Accelerate, plan `updates * accelerator.num_processes` and warm-up likewise.",
    ),
    commands=("trainclinic lint train.py --select OPT005,OPT006",),
)
