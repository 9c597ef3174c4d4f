"""Each update is so small that the budget of steps cannot bring the weights anywhere.

## Mechanism
Adam moves each weight by about the learning rate per step, whatever the size of the gradient, so the
distance that a run can travel is about the sum of its rates. When this sum is far below the spread of
the weights that must change, the loss falls in proportion to it and hardly at all. Typical reasons are
a full fine-tuning rate used for an adapter, a misplaced decimal, a warm-up longer than the run, or a
schedule that decays within the first steps.

## What it looks like
- A loss that stays within its noise, or falls in a straight line that has barely begun at the end.
- Healthy gradient norms, neither 0 nor growing, as large in the last row as in the first.
- A peak rate below the usual range: about 1e-6 for full fine-tuning, 1e-5 for adapters.
- Evaluation losses that improve in the fourth digit; outputs that are those of the base model.

## What else looks like it
A frozen adapter or a cut graph has gradient norms of 0 and a loss that does not move even in the fourth
digit. A stale optimizer has living norms and identical evaluations. With weights in bfloat16 a small
rate is rounded away: more of the same rate would not add up there, and here it does. A converged run is
flat as well, at the level where fine-tunes of this model end. A schedule that was stepped too often
begins normally and stops when its rate is gone.

## How to decide
Run fifty steps at ten times the rate on the same data. A loss that falls about ten times as far decides
it; one that does not move excludes it. The ratio of update to weight per matrix should lie between 1e-5
and 1e-3 when fine-tuning.

## Typical false diagnosis
Bad data, or a model that is too small. Neither has been tried yet by a run that has hardly moved.

## References
- https://arxiv.org/abs/2408.11029
- https://huggingface.co/docs/trl/sft_trainer
- https://huggingface.co/docs/transformers/main_classes/trainer
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, Cause, Excluded, Expect

CAUSE = Cause(
    slug="learning-rate-too-low",
    title="Learning rate too low",
    family="optimisation",
    incidents=0,
    decided_by=("log", "config", "probe"),
    decisive_test="Run 50 steps at ten times the rate on the same data: the loss must fall about ten times as far",
    false_diagnosis="bad data, or a model that is too small",
    expects=(
        Expect("warmup-longer-than-run", SOMETIMES, "the peak rate is never reached"),
        Expect("learning-rate-below-usual-range", ALWAYS, "rates that work for this method are much larger"),
        Expect("flat-loss-from-start", OFTEN, "the sum of all rates is too short a way"),
        Expect("plausible-first-loss", ALWAYS, "the model is intact and nearly the one that was loaded"),
        Expect("loss-still-falling", OFTEN, "what little the loss falls, it falls in a straight line to the end"),
        Expect("noisy-loss", SOMETIMES, "beside so small a gain the noise of the batches is large"),
        Expect(
            "learning-rate-differs-from-plan", SOMETIMES, "a warm-up that does not end keeps the rate below its plan"
        ),
        Expect("early-zero-learning-rate", RARELY, "a rate of 0 in every row is the extreme of it"),
        Expect("unchanged-weights", RARELY, "evaluations agree to the printed digits"),
        Expect("loss-at-log-two", RARELY, "margins that hardly leave 0 keep a preference loss at ln 2"),
    ),
    excluded_by=(
        Excluded("learning-rate-above-usual-range", "the rate is higher than in runs that work"),
        Excluded("wrong-value-before-first-update", "the rate has not acted on any weight by then"),
        Excluded("zero-gradient-norm-from-start", "a low rate shrinks the step and not the gradient"),
        Excluded("loss-exactly-zero", "a model that hardly moves keeps its positive loss"),
        Excluded("failure-at-every-learning-rate", "runs at clearly higher rates fail alike"),
        Excluded("nan-after-first-update", "a small step does not turn finite weights into NaN"),
    ),
    confused_with=("corrupt-input-data",),
)
