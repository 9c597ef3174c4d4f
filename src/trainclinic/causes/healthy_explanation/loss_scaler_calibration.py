"""The first float16 steps are skipped while the dynamic loss scale comes down to a value that fits.

## Mechanism
Small gradients vanish in float16, so the loss is multiplied by a scale before the backward pass.
The scale starts deliberately high, at 65,536 in PyTorch and at 2 to the power of 16 or more in
DeepSpeed. If any gradient overflows, the step is skipped and the scale is halved. After a few to
some fifteen skips it fits, and from then on it is doubled every thousand or two thousand clean
steps and halved again by a single skip: a sawtooth.
Skipping is the mechanism at work. The gradients of a skipped step are never applied, so an
infinite norm in such a row harms nothing.
The search takes as many skips as there are halvings between the start value and the right one:
five for a right scale of 2,048, eleven for 32. Each doubling later on is a trial that ends with
one skip when it was one too many.

## What it looks like
"OVERFLOW! Skipping step" with 65536, 32768, 16384 ... at the very beginning, or inf in the norm of
the first rows, then an ordinary descent with finite norms. The learning rate may stand still for
as many steps as were skipped. Later skips are single and rare, less than two in a hundred steps.
The loss is finite all the time.
In a log of the Trainer without scale column the sign is weaker: a missing, infinite or NaN norm in
one or two of the first rows, a first loss in its normal range, and a learning rate that lags
behind its plan by the number of skipped steps.

## What else looks like it
- Numbers that leave the fp16 range: the scale keeps halving to 1 or to its floor, skips do not
  end, the loss may be frozen or NaN.
- No working scaler: no skips at all, and one day NaN.
- fp16 parameters: a constant scale with NaN gradients, or an error about unscaling.

## How to decide
Count skips by step: all within the first twenty and single ones later is calibration; a share that
does not fall, or a scale below 1, is overflow. One batch in bf16 or float32 with an ordinary
gradient norm ends the doubt. Nothing has to be changed; a lower initial scale only saves the first
steps.
A run that is to be compared with others should count applied updates and not steps; the first
dozen made no difference to the weights.

## Typical false diagnosis
"fp16 overflows, the run is broken", after which the minimum scale is raised. A sound start has the
same lines; what counts is that they stop.

## References
- [PyTorch automatic mixed precision](https://docs.pytorch.org/docs/stable/amp.html): `GradScaler`
  and its defaults
- [DeepSpeed configuration](https://www.deepspeed.ai/docs/config-json/): `initial_scale_power`,
  `loss_scale_window`
- [Mixed precision training](https://arxiv.org/abs/1710.03740): why and how the loss is scaled
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, SOMETIMES, Cause, Excluded, Expect
from trainclinic.causes.never_healthy import never_healthy

CAUSE = Cause(
    slug="loss-scaler-calibration",
    title="Loss scaler finding its scale",
    family="healthy-explanation",
    incidents=0,
    decided_by=("log", "config"),
    decisive_test=(
        "Count the skipped steps by step number: all within the first twenty and single ones later is calibration"
    ),
    false_diagnosis="float16 overflow",
    expects=(
        Expect("skipped-optimizer-steps", ALWAYS, "finding the scale consists of skipping steps"),
        Expect("float16-training", ALWAYS, "only float16 needs a loss scale"),
        Expect("nan-gradient-norm", SOMETIMES, "the norm of a skipped step is infinite and is logged all the same"),
        Expect("recovering-nan-rows", SOMETIMES, "rows of skipped steps are followed by finite ones"),
        Expect("loss-still-falling", SOMETIMES, "training goes on normally once the scale fits"),
        Expect("plausible-first-loss", OFTEN, "weights and targets are in order from the first row on"),
        Expect("learning-rate-differs-from-plan", SOMETIMES, "the schedule waits while steps are skipped"),
    ),
    excluded_by=(
        Excluded("bfloat16-training", "bfloat16 has the range of float32 and needs no loss scale"),
        Excluded("half-precision-parameters", "a scaler does not work with parameters that are float16 themselves"),
        *never_healthy("nan-at-zero-learning-rate", "finite-loss-with-nan-gradient-norm"),
    ),
    confused_with=("fp16-range-overflow",),
)
