"""The schedule reached its planned end, so the flat last stretch is the schedule and not the model.

## Mechanism
Linear and cosine schedules end at 0 or at a small share of the peak. The sum of the rates over the
last tenth of a cosine is less than 1 % of the sum over the whole run, and over the last tenth of a
linear decay it is 1 %. Whatever the model could still learn, these steps cannot move it far: the
weights are nearly the same at 90 % and at the end. The curve flattens because its motor is
switched off on purpose, and gradients stay as large as they were.
Cosine schedules without a clamp rise again after their end; schedulers that clamp stay at 0.
A floor above 0, often a tenth of the peak, leaves some movement; then the last stretch is nearly
flat instead of flat. Some trainers log the rate after the scheduler's step and some before it, so
the last printed value may be 0 or the one just before.

## What it looks like
The learning rate is 0, or below a twentieth of its peak, in the rows in which the loss is flat,
and the last planned step is the step at which it gets there. The logged values fit one schedule
from the first row to the last. The level of the loss is one that this kind of model reaches. The
gradient norm is ordinary and does not become 0.
The held-out loss bends together with the training loss and is usually at its best at the very end,
since a small rate averages out the noise of the last updates. That a run ends at its best value is
the mark of a schedule that did its work.

## What else looks like it
- A scheduler that is stepped once for each process or micro-batch: the rate also reaches 0, but at
  1/N of the planned steps.
- A frozen adapter: flat with a gradient norm of exactly 0 while the rate is alive.
- A schedule that a resume brought to its end: 0 from the resume on, with an edge.
- A plateau at full rate: the rate has not fallen.

## How to decide
Compare the step at which the rate reaches 0 with the planned number of steps: equal means planned.
If the loss was still falling in the stretch before the decay, a longer schedule would have gained
something; continuing with the old one at 0 would not.
To find out whether more steps would help, look at the middle of the run, where the rate was high:
the slope there, and not the one at the end, says what another thousand steps at such a rate would
bring. Then plan a longer schedule from the start, or decay again from a checkpoint of the middle;
going on from the end needs a new warm-up and gives back some of the gain first.

## Typical false diagnosis
"A plateau" or "a dead model". Nobody can tell a plateau from a schedule at a rate of 0; look at
the stretch in which the rate was above a tenth of its peak.

## References
- [PyTorch learning-rate schedulers](https://docs.pytorch.org/docs/stable/optim.html): the formulas
  of the decays
- [Straight to zero](https://arxiv.org/abs/2502.15938): why schedules end at 0
- [Transformers
  schedules](https://huggingface.co/docs/transformers/main_classes/optimizer_schedules): linear and
  cosine with warm-up
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, RARELY, SOMETIMES, Cause, Excluded, Expect
from trainclinic.causes.never_healthy import never_healthy

CAUSE = Cause(
    slug="learning-rate-decayed-to-zero",
    title="Learning rate decayed to zero as planned",
    family="healthy-explanation",
    incidents=0,
    decided_by=("log", "config"),
    decisive_test="Compare the step at which the learning rate reaches 0 with the planned number of steps",
    false_diagnosis="a plateau or a dead model",
    expects=(
        Expect(
            "learning-rate-zero-at-planned-end",
            ALWAYS,
            "reaching 0 at the planned step is what the schedule is for",
        ),
        Expect("loss-plateau", SOMETIMES, "without a rate the loss stays where it is"),
        Expect("decay-phase-schedule", RARELY, "the decay of a schedule with phases ends at 0 as well"),
        Expect("drop-in-decay-phase", RARELY, "with such a schedule the loss sinks before it becomes flat"),
        Expect("plausible-first-loss", SOMETIMES, "the run started as an intact model does"),
    ),
    excluded_by=(
        Excluded("learning-rate-zero-at-planned-end", "the rate is not 0 at the end of the plan", when="absent"),
        Excluded("learning-rate-discontinuity", "an edge in the learning rate is not the end of a planned decay"),
        *never_healthy(),
    ),
    confused_with=("scheduler-overstepping", "frozen-adapter"),
)
