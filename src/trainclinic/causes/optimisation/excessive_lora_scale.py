"""The output of the adapter is multiplied by too large a factor.

## Mechanism
An adapter adds `scale * B A x` to the output of a frozen matrix. In the original form the scale is
alpha over rank, and rank-stabilised variants divide by its square root. Tools disagree: some take the
scale as a number of its own and never divide, so that a value copied as "alpha 16" multiplies by
sixteen, with defaults of 10 or 20. At the first step B is zero and nothing happens. From then on each
change of B reaches the output scaled, and the gradient of B is scaled as well: the adapter behaves as
under a learning rate many times larger, while the logged rate looks ordinary.

## What it looks like
- A fast and pretty start, then a loss that jumps and settles high, at a rate that others use without
  trouble.
- Lower rates help a little and later; a smaller scale at the same rate cures it.
- Outputs that are garbled although the loss is acceptable, and worse after merging, where the scaled
  product is rounded into the weights or divided by another rule.
- `scale: 20.0`, or alpha far more than twice the rank, in the configuration.

## What else looks like it
A learning rate that is too high gives the same curve; there the rate lies above its range and the scale
is at most 2. Damage by a merge leaves the live adapter good, so comparing the two outputs tells them
apart. Half-precision adapters fail with NaN in the first steps. A wrong first loss has nothing to do
with an adapter that still is zero.

## How to decide
Compute the scale as the library in use does, and compare the norm of `scale * B A` with that of the
frozen matrix after some hundred steps: a ratio near or above 1 decides it. Or repeat the run at scale
2, everything else equal.

## Typical false diagnosis
A bug of the merge, because the merged model is worse. The merge writes down faithfully what the factor
had made.

## References
- https://github.com/ml-explore/mlx-examples/issues/620
- https://github.com/Blaizzy/mlx-vlm/issues/841
- https://github.com/cloneofsimo/lora/issues/240
- https://huggingface.co/docs/peft/package_reference/lora
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="excessive-lora-scale",
    title="LoRA scale (alpha over rank) too high",
    family="optimisation",
    incidents=4,
    decided_by=("log", "config", "script", "generation"),
    decisive_test="Repeat the run with the scale at 2 and everything else equal",
    false_diagnosis="a bug of the merge",
    expects=(
        Expect(
            "large-adapter-scale", USUALLY, "the factor stands in the configuration, or follows from alpha and rank"
        ),
        Expect("adapter-training", ALWAYS, "only an adapter has this factor"),
        Expect("loss-divergence", OFTEN, "each change of the adapter reaches the output many times enlarged"),
        Expect("divergence-at-peak-learning-rate", OFTEN, "factor and rate multiply, and the rate has its top there"),
        Expect("plausible-first-loss", USUALLY, "one factor of the product is zero at the first step"),
        Expect("garbled-generation", OFTEN, "the enlarged adapter drowns out the frozen weights"),
        Expect("export-changed-output", SOMETIMES, "another tool divides by the rank where this one does not"),
        Expect("gradient-norm-growth", RARELY, "the gradient of the adapter carries the factor, too"),
        Expect("loss-spike", SOMETIMES, "excursions come before the loss stays up"),
        Expect("loss-plateau", SOMETIMES, "the run settles high"),
        Expect("repetitive-generation", SOMETIMES, "a saturated output repeats what the adapter pushes"),
        Expect("late-nan-onset", RARELY, "an enlarged product may leave the range of the number format"),
    ),
    excluded_by=(
        Excluded("rise-at-negligible-learning-rate", "the scale multiplies updates that are next to nothing"),
        Excluded("training-from-scratch", "an adapter needs trained weights to stand on"),
        Excluded("wrong-value-before-first-update", "the adapter is zero until the first update"),
        Excluded("nan-at-zero-learning-rate", "an adapter that is still zero adds nothing at any scale"),
    ),
    confused_with=("export-conversion-mismatch",),
)
