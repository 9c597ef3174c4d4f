"""After a resume the loader goes on at the wrong place, so that rows are seen again or never.

## Mechanism
To go on inside an epoch a trainer must skip as many batches as were consumed. The count goes wrong
when it ignores the accumulation (a loader of micro-batches is advanced by optimizer steps), when
the sampler draws a new permutation because its seed or generator was not saved, when random
numbers are used between the epoch's start and the save, when the batch size or the number of
processes changed, or when an option tells the trainer not to skip at all.
A model remembers rows that it saw a few hundred steps ago. Seen again in the same epoch they give
a lower loss, and the rows that fell out of the count are never seen. The model is not broken. It
has a slightly wrong diet, and its curve looks better than it is.

## What it looks like
Below the earlier curve: the rows after the resume lie a few per cent under those of the first pass
at the same steps, until the repeated part ends, and then return to it. Only resumes in the middle
of an epoch show this. A resume at an exact epoch boundary agrees to the last digit, which is the
best hint that the skip and nothing else is at fault.

## What else looks like it
- Ordinary noise between two passes with different seeds: it has no sign that lasts.
- A memorisation staircase: the drop lies at an epoch boundary, with or without a resume.
- Lost optimizer state: a bump upwards.
- Rows that come from another source because the loader is not shuffled: the level changes for as
  long as the source lasts.

## How to decide
Record the indices (or a hash of the ids) of the first twenty batches after a resume, and of the
same batches in an uninterrupted run. They must be the same list. If they are the list of another
place, divide the two positions: a factor equal to the accumulation or the number of processes
names the fault.
Then resume once at an epoch boundary and once in the middle. Agreement only at the boundary
confirms it.

## Typical false diagnosis
"The resume improved the model", or "normal convergence". Evaluate both models on held-out rows: a
repeated diet lowers the training loss only.

## References
- [huggingface/accelerate#4071](https://github.com/huggingface/accelerate/pull/4071): skipped
  batches and gradient accumulation
- [EleutherAI/gpt-neox#308](https://github.com/EleutherAI/gpt-neox/pull/308): position in the data
  after a restart
- [wyim-pgl/transgenic#59](https://github.com/wyim-pgl/transgenic/issues/59): rows in the wrong
  order after a mid-epoch resume
- [Accelerate checkpoints](https://huggingface.co/docs/accelerate/usage_guides/checkpoint):
  `skip_first_batches`
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="repeated-data-on-resume",
    title="Data position wrong after resume",
    family="state-and-parallelism",
    incidents=3,
    decided_by=("log", "script", "probe"),
    decisive_test=(
        "Log the row indices of the first twenty batches after the resume and compare them with those of an "
        "uninterrupted run at the same steps"
    ),
    false_diagnosis="a resume that improved the model",
    expects=(
        Expect("data-replayed-on-resume", USUALLY, "the loader begins anew with the same order"),
        Expect("continued-run", ALWAYS, "the loader loses its place only when it is built again"),
        Expect("dip-after-resume", USUALLY, "rows that were seen a few hundred steps ago are recognised"),
        Expect(
            "curve-differing-after-resume",
            USUALLY,
            "the resumed run consumes other rows than the uninterrupted one",
        ),
        Expect(
            "gradient-accumulation",
            OFTEN,
            "a skip that counts optimizer steps misses the micro-batches between them",
        ),
        Expect(
            "overlapping-steps",
            SOMETIMES,
            "the steps since the last save are run again with rows that were already seen",
        ),
        Expect("several-processes", SOMETIMES, "each process skips the count of all of them, or the other way round"),
        Expect("repeated-passes", SOMETIMES, "a fault inside one epoch is carried into the next"),
    ),
    excluded_by=(
        Excluded(
            "fresh-loss-after-resume", "no choice of rows puts a trained model back to the level of an untrained one"
        ),
    ),
    confused_with=("normal-convergence",),
)
