"""Weights are stored in bfloat16 only, and updates smaller than half its spacing change nothing.

## Mechanism
bfloat16 keeps eight significant bits: the next number after 1.0 is 1.0078. Adding an update of less than half that
spacing returns the old value, exactly. Adam moves an element by about the learning rate, so at 2e-5 every weight above
roughly 0.005 in size stands still for ever; norm weights near 1.0 do not move even at 6e-4. Gradients, moments and the
gradient norm are all healthy: the step is computed and lost in storage. Float32 master weights, stochastic rounding,
or autocast over float32 weights keep it.

## What it looks like
- A loss that hardly falls although the gradient norm is ordinary; nothing is NaN.
- Almost flat rather than exactly flat: small weights and biases still learn.
- Norm weights of the checkpoint that are all exactly 1.0 after training.
- A comparison before and after n steps that finds most elements bitwise equal (0 of 768 moved at 6e-4 for weights at
  1.0; all 768 with float32 storage).
- `bf16-true`, `dtype: bfloat16` for everything, or a flag for master weights that is set but not honoured.
- Much better with float32 masters and nothing else changed (a loss of 0.76 became 0.08 in one report).

## What else looks like it
- A learning rate that is too low: there all weights move, only little; a rate ten times higher cures both, so compare
  elements, not curves.
- A frozen adapter or a cut graph: the gradient norm is exactly 0.
- An optimizer over other tensors: no element moves, not even the small ones.
- A noise floor of the data: float32 masters do not lower the loss.

## How to decide
Count elements, not curves:

    before = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
    ...  # ten optimizer steps
    for n, p in model.named_parameters():
        if p.requires_grad:
            print(n, (p != before[n]).float().mean().item())

Far below 1 for large weights and near 1 for small ones: updates are lost in storage. Repeat with float32 weights and
`bf16=True` (autocast): every share goes to 1 and the loss falls. If not, the rate is simply too low.

## Typical false diagnosis
"The learning rate is too low", "the model is too small" or "the data is noisy". Raising the rate seems to confirm the
first: it pushes more updates over the spacing.

## References
- https://github.com/NVIDIA/apex/pull/1731
- https://github.com/NVIDIA-NeMo/Automodel/pull/3444
- https://docs.pytorch.org/docs/stable/amp.html
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="bf16-update-rounding",
    title="Weight updates lost to bf16 rounding",
    family="numeric-precision",
    incidents=5,
    decided_by=("config", "script", "probe"),
    decisive_test=(
        "Count the share of trainable elements that changed after 10 steps, then repeat with float32 master weights: "
        "the share goes to 1 and the loss falls faster"
    ),
    false_diagnosis="a learning rate that is too low, noisy data or a model that is too small",
    expects=(
        Expect("bf16-weights-without-master-copy", ALWAYS, "updates below half a unit of the weight are lost"),
        Expect("few-weights-changed", OFTEN, "most updates are smaller than half a spacing"),
        Expect("bfloat16-dtype-printed", OFTEN, "the trained tensors themselves are bfloat16"),
        Expect("updates-lost-in-low-precision-storage", USUALLY, "the same steps move float32 weights, not bfloat16"),
        Expect("bfloat16-weights-only", ALWAYS, "only weights stored in bfloat16 alone round the update away"),
        Expect("unchanged-weights", OFTEN, "an update below half a spacing returns the old value bit by bit"),
        Expect("implausible-weight-values", OFTEN, "norm weights are still exactly 1.0 after training"),
        Expect("bfloat16-training", USUALLY, "the weights are bfloat16, so the run is too"),
        Expect("flat-loss-from-start", OFTEN, "most weights never move although gradients are healthy"),
        Expect("loss-plateau", SOMETIMES, "progress ends when the shrinking updates fall below the spacing"),
        Expect("learning-rate-below-usual-range", RARELY, "the smaller the rate, the more updates fall below"),
        Expect("identical-curves-under-changed-settings", RARELY, "what cannot move does not react to settings"),
    ),
    excluded_by=(
        Excluded("wrong-value-before-first-update", "no update was lost yet when the value was already wrong"),
        Excluded("nan-at-zero-learning-rate", "an update that is rounded away makes no NaN, at whatever rate"),
        Excluded("zero-gradient-norm-from-start", "rounding loses the update, not the gradient"),
    ),
    confused_with=("learning-rate-too-low",),
)
