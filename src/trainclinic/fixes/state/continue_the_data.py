"""Go on with the row after the last one that was used: same order, and as many batches skipped as were consumed.

## Why it works
Three numbers make the place: the epoch, which with the seed decides the permutation, the micro-batches used in it, and
the rows of a micro-batch. A resume at optimizer step 1,000 with an accumulation of 8 stands 8,000 micro-batches into
the data. A loader that is advanced by 1,000 shows 7,000 batches a second time, and the rows at the end of the epoch
never. `accelerator.skip_first_batches` skips micro-batches of one process. `set_epoch` restores the permutation, but
only with `use_seedable_sampler=True`, which is off in Accelerate: without it the order hangs on the random numbers that
were drawn before, and a resumed run draws another one. The Trainer does all of this as long as `ignore_data_skip` is
off and batch, accumulation and number of processes are as before. A stateful loader keeps the place itself and saves
the time of skipping.

## What it does not do
It repairs no weights, because none are broken: the model saw some rows twice and others not. Its training loss looked
a few per cent better than it was, so compare held-out losses instead. Rows that were missed may follow in one more
epoch. With a changed batch size or number of processes no skip fits: resume at the border of an epoch there.

## References
- https://github.com/huggingface/accelerate/pull/4071
- https://github.com/EleutherAI/gpt-neox/pull/308
- https://github.com/wyim-pgl/transgenic/issues/59
- https://huggingface.co/docs/accelerate/usage_guides/checkpoint
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats

FIX = Fix(
    slug="continue-the-data",
    title="Continue the data where the run stopped",
    kind="script",
    change=(
        "Give the sampler a seed and the epoch, and skip optimizer steps x accumulation micro-batches of that epoch "
        "before the first step; with the Trainer leave `ignore_data_skip` off and keep seed, batch and processes"
    ),
    treats=(
        Treats("repeated-data-on-resume", CURES, "the next row is the one that an uninterrupted run would take"),
        Treats("unshuffled-data", EASES, "a sampler that is told the epoch draws another order for each"),
    ),
    expects=(
        Expectation("the row indices of the first 20 batches after the resume are those of an uninterrupted run"),
        Expectation(
            "in {steps_per_epoch} steps of an epoch each row is used once, with or without a resume",
            "each row of an epoch is used once, with or without a resume",
        ),
    ),
    check=(
        "Stop a run of 40 steps at step 17 and resume it: the logged losses of steps 18 to 40 must equal those of a "
        "run that was not stopped, to 3 digits"
    ),
    risk="Skipping tokenises every skipped row again, which can take minutes for large sets",
    minutes=15,
    restart="the last checkpoint",
    edit=Edit(
        before="""\
accelerator = Accelerator()
loader = accelerator.prepare(loader)
for epoch in range(step // steps_per_epoch, epochs):
    for batch in loader:
        train(batch)
""",
        after="""\
accelerator = Accelerator(dataloader_config=DataLoaderConfiguration(use_seedable_sampler=True, data_seed=42))
loader = accelerator.prepare(loader)
for epoch in range(step // steps_per_epoch, epochs):
    loader.set_epoch(epoch)
    used = step % steps_per_epoch * accumulation
    for batch in accelerator.skip_first_batches(loader, used):
        train(batch)
""",
        note="`step` counts optimizer steps, and the first start needs the same `data_seed`.",
    ),
    commands=(
        "trainclinic data train.jsonl --at-step 1000 --batch 4 --accum 8 --seed 42",
        "trainclinic lint train.py --select SMP008",
    ),
)
