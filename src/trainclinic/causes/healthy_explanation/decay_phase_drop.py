"""The loss falls quickly when a warmup-stable-decay schedule begins to lower the learning rate.

## Mechanism
At a constant high rate the weights move along the valley of the loss but also swing between its
walls. The swing costs loss without hindering progress. When the rate decays the swing dies down
and the model sinks to the bottom of the valley, within the tenth or fifth of the run that the
decay takes. The drop is real: held-out loss and benchmarks improve with it. It is the reason why
these schedules exist, and its size cannot be read off the stable phase.
The decay has the same role in cosine schedules; it is merely spread over the run, so that the
curve shows no bend. That makes curves of the two kinds incomparable in the middle of a run: the
stable phase looks worse than a cosine at the same step and ends equal or better.

## What it looks like
A long stretch that falls slowly at a constant rate, then a knee at the step at which the rate
begins to fall, and a faster descent to the end of the decay. Training and held-out loss bend at
the same step. The loss ends at a normal level, far from 0. Cosine and linear schedules spread the
same effect over the whole run and have no knee.
The drop amounts to some per cent of the loss (0.05 to 0.2 nats in pretraining), it begins within a
few steps of the decay, and it becomes slower towards its end. The gradient norm often rises during
the decay, which is normal as well.

## What else looks like it
- A leak or a model that sees the future: no relation to the rate, and both losses go to 0.
- A memorisation step: at an epoch boundary, in the training loss only.
- Easier data in a last stage (annealing on chosen sources): bends with the data; often done at the
  same step as the decay, and then both take part.
- An edge of the learning rate after a resume.

## How to decide
Lay the learning rate over the loss: the knee and the beginning of the decay must be the same step.
The held-out loss must fall along. To be sure, branch off the stable phase at an earlier checkpoint
and decay there: the same drop appears earlier.
A second look at the data settles what is left of doubt: if the mixture was changed at the same
step, repeat the decay with the old mixture from the last stable checkpoint. It costs a tenth of
the run and separates both effects.

## Typical false diagnosis
"The data leaks" or "a sudden improvement". A leak has no reason to wait for the schedule.

## References
- [MiniCPM](https://arxiv.org/abs/2404.06395): the schedule and its drop
- [Scaling laws beyond fixed training durations](https://arxiv.org/abs/2405.18392): constant rate
  with cooldown, compared with cosine
- [Understanding warmup-stable-decay](https://arxiv.org/abs/2410.05192): the picture of a valley
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, SOMETIMES, Cause, Excluded, Expect
from trainclinic.causes.never_healthy import never_healthy

CAUSE = Cause(
    slug="decay-phase-drop",
    title="Expected drop in the decay phase (WSD)",
    family="healthy-explanation",
    incidents=0,
    decided_by=("log", "config"),
    decisive_test=(
        "Lay the learning rate over the loss: the bend and the first step of the decay must coincide, for "
        "training and held-out rows"
    ),
    false_diagnosis="a data leak or a sudden improvement",
    expects=(
        Expect("drop-in-decay-phase", ALWAYS, "the swing that a high rate keeps up dies down when the rate falls"),
        Expect("decay-phase-schedule", ALWAYS, "only a schedule with a stable and a decay phase has this bend"),
        Expect("training-from-scratch", OFTEN, "such schedules are mostly used for pretraining"),
        Expect("loss-still-falling", SOMETIMES, "the run ends in its steepest part"),
        Expect("learning-rate-zero-at-planned-end", OFTEN, "the decay ends at 0 with the plan"),
        Expect(
            "initial-loss-near-uniform",
            SOMETIMES,
            "a model that is pretrained with this schedule starts from nothing",
        ),
    ),
    excluded_by=(
        Excluded("drop-in-decay-phase", "the loss does not bend where the rate begins to fall", when="absent"),
        Excluded("decay-phase-schedule", "the schedule has no decay phase", when="absent"),
        Excluded("joint-fall-to-zero", "a decay lowers the loss by some per cent and never to 0"),
        *never_healthy(),
    ),
    confused_with=("train-eval-leakage", "causal-mask-leak"),
)
