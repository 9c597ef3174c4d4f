"""A resume brings back the weights, but Adam's moments or the loss scale start from nothing or are misassigned.

## Mechanism
Adam divides the mean of the gradients by the root of their mean square. Both are averages over
hundreds of steps and belong to the checkpoint as much as the weights do. When they are missing,
the first update after the resume has almost the size of the learning rate in every single
parameter, whatever its gradient, as at step 1; but now there is no warm-up in front of it. Moments
that are loaded in another order, or on other ranks or experts than they were saved from, are worse
than none, since each parameter is scaled by the history of another one.
A lost loss scale begins again at 65,536 and needs a handful of skipped steps to come down. Master
weights in float32 that are rebuilt from bf16 lose the last bits of every weight.

## What it looks like
The first row after the resume is at the old level. The rows after it rise, by a few per cent to a
few tenths of a nat, and come back within tens of steps, as long as the averages need to fill
(about ten steps for the first moment, hundreds for the second). The gradient norm may jump at the
same place. The learning rate runs on smoothly.

## What else looks like it
- Weights that were not restored: the first row itself is at the level of an untrained model.
- A restarted schedule: the learning-rate column jumps, and the bump lasts as long as the second
  warm-up.
- Other data after the resume: a step to another level that does not fade, or a dip.
- An ordinary spike that happens to lie near the resume: it is not repeated when one resumes again.

## How to decide
Print the norm of `exp_avg` and `exp_avg_sq` of one parameter before the save and after the load;
they must agree. Then resume twice from the same checkpoint, once with the optimizer state and once
without it: if both curves are the same, the state was not used in the first place.
For sharded optimizers compare the norms on each rank, since a wrong assignment keeps the total.

## Typical false diagnosis
"The data order changed". Another order gives another noise around the same level. It gives no rise
and fall that begins in the second row after the resume and fades with the time constant of Adam.

## References
- [NVIDIA/Megatron-LM#761](https://github.com/NVIDIA/Megatron-LM/issues/761): state of a
  distributed optimizer that is not restored
-
  [deepspeedai/Megatron-DeepSpeed#274](https://github.com/deepspeedai/Megatron-DeepSpeed/issues/274):
  bump after each resume
-
  [Lightning-AI/pytorch-lightning#10766](https://github.com/Lightning-AI/pytorch-lightning/issues/10766):
  the scaler's state on resume
- [Accelerate checkpoints](https://huggingface.co/docs/accelerate/usage_guides/checkpoint): what
  belongs to a complete checkpoint
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="optimizer-state-lost-on-resume",
    title="Optimizer or scaler state lost on resume",
    family="state-and-parallelism",
    incidents=3,
    decided_by=("log", "probe"),
    decisive_test=(
        "Print the norms of one parameter's optimizer moments before the save and after the load: they must be equal"
    ),
    false_diagnosis="another order of the data after the resume",
    expects=(
        Expect("resume-from-weights-alone", OFTEN, "only the weights come back"),
        Expect("half-loaded-state-dict", RARELY, "keys that do not fit are passed over"),
        Expect("continued-run", ALWAYS, "only a resume can lose the state of the optimizer"),
        Expect(
            "fading-bump-after-resume",
            USUALLY,
            "steps without a gradient history are too large until the averages have filled",
        ),
        Expect(
            "jump-after-resume",
            OFTEN,
            "the first logged window after the resume already holds the oversized steps",
        ),
        Expect(
            "curve-differing-after-resume",
            OFTEN,
            "the resumed run leaves the uninterrupted one and comes back to it",
        ),
        Expect("sharded-training", OFTEN, "shards of the state are written per rank and come back to other ranks"),
        Expect("several-processes", OFTEN, "a state that is kept per rank or per expert is the one that gets lost"),
        Expect(
            "skipped-optimizer-steps",
            SOMETIMES,
            "a loss scale that starts at its default again has to come down by skipped steps",
        ),
        Expect("gradient-norm-outlier", SOMETIMES, "the first oversized updates throw the next gradients off"),
        Expect("overlapping-steps", SOMETIMES, "the steps since the last save are run again"),
        Expect("loss-spike", SOMETIMES, "the bump is short and recovers"),
    ),
    excluded_by=(
        Excluded(
            "fresh-loss-after-resume", "right weights cannot stand at the level of an untrained model in the first row"
        ),
    ),
    confused_with=("corrupt-input-data",),
)
