"""The schedule advances several times per optimizer step, so the learning rate ends long before the run.

## Mechanism
A schedule is a function of a step count, planned for a total. It is stepped too often when every
micro-batch of an accumulation steps it, or when a wrapper that steps once per process is given a
schedule that was planned for global steps: with four processes each optimizer step counts four. The
rate then follows the plan N times as fast. Linear and cosine schedules reach 0 at one N-th of the run
and stay there; a step schedule drops at one N-th of its milestones; a cosine that is not clamped comes
up again. The reverse fault, a total planned for fewer updates, looks the same.

## What it looks like
- A rate of 0 from 1/2, 1/4 or 1/8 of the planned steps on, N being the number of devices or the
  accumulation.
- Warm-up that is over N times too early.
- A loss that falls normally until then and is flat afterwards, with ordinary gradient norms.
- Rate rows that fit the configured shape exactly when their step is multiplied by N.

## What else looks like it
A schedule that ends as planned is 0 in the last rows only. A stable phase followed by a short decay is
a shape of its own. A resume that restores a finished schedule reaches 0 at the resume step. A frozen
adapter has a rate above 0 and gradient norms of 0. Convergence shows a flat loss under a living rate.
Skipped float16 steps make the rate lag behind its plan; they never make it run ahead.

## How to decide
Divide the planned steps by the step at which the logged rate reaches 0, or fit the plan to the logged
rates. A whole number that equals the number of processes or the accumulation decides it. One line that
prints the schedule's own step count beside the optimizer's does the same in a new run.

## Typical false diagnosis
Convergence, or a plateau of the model. The loss is flat because nothing is updated any more, and it
falls again as soon as the rate is raised from the last checkpoint.

## References
- https://github.com/huggingface/accelerate/issues/2142
- https://github.com/huggingface/transformers/pull/24088
- https://github.com/jzhang38/EasyContext/issues/21
- https://huggingface.co/docs/accelerate/concept_guides/performance
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="scheduler-overstepping",
    title="Scheduler stepped too often",
    family="optimisation",
    incidents=5,
    decided_by=("log", "script"),
    decisive_test="Divide the planned steps by the step of the first zero rate: a whole number is the steps per update",
    false_diagnosis="convergence, or a plateau of the model",
    expects=(
        Expect(
            "early-zero-learning-rate",
            OFTEN,
            "a plan that ends in 0 and is followed N times as fast gets there N times too early",
        ),
        Expect("learning-rate-differs-from-plan", USUALLY, "each logged rate belongs to a later step of the plan"),
        Expect("scheduler-stepped-per-process", ALWAYS, "the loop or its wrapper steps the schedule N times"),
        Expect("several-processes", USUALLY, "N is usually the number of devices"),
        Expect("gradient-accumulation", SOMETIMES, "or the number of micro-batches per update"),
        Expect("loss-plateau", OFTEN, "at rate 0 nothing is learned any more"),
        Expect("plausible-first-loss", USUALLY, "until the rate is gone nothing is wrong"),
        Expect("learning-rate-discontinuity", SOMETIMES, "an unclamped cosine comes up again behind its end"),
    ),
    excluded_by=(
        Excluded("learning-rate-zero-at-planned-end", "the schedule ended at the step that was planned"),
        Excluded("zero-gradient-norm-from-start", "the gradient does not depend on the schedule"),
    ),
    confused_with=("normal-convergence",),
)
