"""Restore the learning-rate schedule at the step of the checkpoint, with the total that was planned at first.

## Why it works
A scheduler knows only its own count. `scheduler.load_state_dict` gives the count back, and the rate of the first step
after the resume is the one that follows the last step before it. A new scheduler counts from 0: the peak comes a second
time, and a model that had settled at 2e-5 is thrown back by 2e-4. The count has to be in optimizer steps: an index of
the epoch or of the micro-batch puts the schedule elsewhere. The total has to be that of the first start: a run that is
continued with half the epochs decays twice as fast, and one whose total is reached has a rate of 0 from the first row.
To train longer than planned, give a new total and a new peak of a tenth to a third of the old one, on purpose.

## What it does not do
It does not restore moments. It changes no shape: a schedule with restarts has edges by design. What a second peak did
to the loss the run earns back by itself, so its checkpoints may be gone on from, and only time was lost.

## References
- https://docs.pytorch.org/docs/stable/optim.html
- https://github.com/huggingface/transformers/issues/23099
- https://github.com/vllm-project/speculators/pull/900
- https://github.com/facebookresearch/DPR/issues/99
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, HELPS, Edit, Expectation, Fix, Treats

FIX = Fix(
    slug="continue-the-schedule",
    title="Continue the schedule on resume",
    kind="script",
    change=(
        "Restore the scheduler from the checkpoint with `scheduler.load_state_dict`, or through "
        "`resume_from_checkpoint`, and leave the planned total of steps as it was at the first start"
    ),
    treats=(
        Treats("schedule-reset-on-resume", CURES, "the rate goes on where it was"),
        Treats("optimizer-state-lost-on-resume", HELPS, "a resume through the Trainer restores the moments with it"),
    ),
    expects=(
        Expectation("the rate of the first row after the resume differs from the last one before it by less than 5 %"),
        Expectation(
            "the rate reaches its lowest value in the last row, and is at no row above {learning_rate}",
            "the rate reaches its lowest value in the last row only",
        ),
    ),
    check=(
        "Compute the planned rate at the resumed step from peak, warm-up and total: the first logged row must show it "
        "to 3 digits"
    ),
    risk="A checkpoint whose schedule is over holds a rate of 0: it needs a new schedule over the steps that are left",
    minutes=5,
    restart="the last checkpoint",
    edit=Edit(
        before="""\
state = torch.load("checkpoint.pt", weights_only=True)
model.load_state_dict(state["model"])
optimizer.load_state_dict(state["optimizer"])
scheduler = get_cosine_schedule_with_warmup(optimizer, 20, total_steps)
""",
        after="""\
state = torch.load("checkpoint.pt", weights_only=True)
model.load_state_dict(state["model"])
optimizer.load_state_dict(state["optimizer"])
scheduler = get_cosine_schedule_with_warmup(optimizer, 20, total_steps)
scheduler.load_state_dict(state["scheduler"])
""",
        note="For old files without it: `last_epoch=step - 1`, with the optimizer's groups restored before.",
    ),
    commands=("trainclinic lint train.py --select RUN004,RUN007",),
)
