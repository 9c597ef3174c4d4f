"""The learning-rate schedule starts anew, or is already over, when a run is resumed.

## Mechanism
A scheduler counts its own steps. When a script builds a new one after loading a checkpoint and
does not load its state, it counts from zero: the rate jumps back to the peak or goes through the
warm-up a second time. When the number of epochs is passed where a number of steps is wanted, or
when `global_step` is off by the accumulation, the schedule lands at another place. When the
planned length was already reached, the rate is 0 from the first step after the resume and nothing
is learned at all.
A model that has settled at a small rate is thrown back by a large one. It rarely loses more than a
part of what it had gained, and it learns it again, so this fault costs time rather than the run.
Trainers that restore everything from their own checkpoint folder rarely have this fault. It
belongs to scripts that load weights by hand and start a new trainer, and to loops that pass the
index of the epoch or of the micro-batch where a global step is wanted.

## What it looks like
The learning-rate column has an edge at the resume step: 2.5e-5 in the last row before it and
4.8e-5 in the first row after it, or a second ramp, or zeros. The epoch or step column may restart
with it. The loss rises a little after the edge, and the rise lasts as long as the rate stays high.
A rate of exactly 0 after the resume gives a flat curve with ordinary gradients.
Where step numbers begin again as well, the file looks like two short runs of the same recipe, of
which the second starts from a trained model: its first loss is that of the end of the first one,
and its rate that of the beginning.

## What else looks like it
- A schedule with restarts (cosine with restarts) has its edges at equal distances and without any
  resume.
- A scheduler that is stepped too often ends too early, but without an edge.
- Lost moments give a bump while the rate runs on smoothly.
- A second stage that was planned with its own schedule: then the configuration says so.

## How to decide
Compute the planned rate at the resume step from the configuration and compare it with the first
row after it. Agreement to the printed digits acquits the schedule. Otherwise find the step at
which the planned schedule has the logged value: step 1 or the end of the warm-up means a new
scheduler; the step divided by the accumulation or by the number of processes means a wrong count.
To repair a run that is under way, pass the checkpoint to the trainer's own resume argument instead
of loading weights; in a loop of one's own call `scheduler.load_state_dict`, and print the rate of
the first step after the load beside the last one before the save.

## Typical false diagnosis
"The data is different after the resume". Data does not write the learning-rate column, and the
edge lies exactly at the resume.

## References
- [huggingface/transformers#23099](https://github.com/huggingface/transformers/issues/23099):
  learning rate and epoch begin anew in a second process
- [vllm-project/speculators#900](https://github.com/vllm-project/speculators/pull/900): scheduler
  state on resume
- [facebookresearch/DPR#99](https://github.com/facebookresearch/DPR/issues/99): an epoch index that
  is used as a step
- [PyTorch learning-rate schedulers](https://docs.pytorch.org/docs/stable/optim.html): state of a
  scheduler and how to save it
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Expect

CAUSE = Cause(
    slug="schedule-reset-on-resume",
    title="Learning-rate schedule restarted or already finished on resume",
    family="state-and-parallelism",
    incidents=3,
    decided_by=("log", "script"),
    decisive_test=(
        "Compute the planned learning rate at the resume step and compare it with the first row after the resume"
    ),
    false_diagnosis="other data after the resume",
    expects=(
        Expect("resume-from-weights-alone", USUALLY, "a checkpoint that is loaded as a model starts a new schedule"),
        Expect("continued-run", ALWAYS, "the edge lies where the run was resumed"),
        Expect("learning-rate-restart-after-resume", USUALLY, "a new scheduler counts from zero"),
        Expect("learning-rate-discontinuity", USUALLY, "no schedule passes through both sides of the edge"),
        Expect("learning-rate-differs-from-plan", OFTEN, "the rates after the resume fit the plan at another step"),
        Expect(
            "early-zero-learning-rate",
            SOMETIMES,
            "a schedule that has run out gives 0 long before the planned end",
        ),
        Expect(
            "fading-bump-after-resume",
            SOMETIMES,
            "a model that had settled is thrown back by a large rate and settles again",
        ),
        Expect("jump-after-resume", SOMETIMES, "the return to the peak rate lifts the loss"),
        Expect("curve-differing-after-resume", OFTEN, "another rate gives another curve"),
        Expect("overlapping-steps", SOMETIMES, "the step counter starts anew together with the schedule"),
        Expect("loss-plateau", RARELY, "a rate of 0 after the resume freezes the loss"),
    ),
    confused_with=("corrupt-input-data",),
)
