"""An operator of the Apple GPU backend returns other values than the processor for the same input.

## Mechanism
The Metal backend of PyTorch is younger than its CUDA and CPU ones, and single operators have returned wrong results
without an error: matrix products with very large outputs (a language-model head over batch x context x vocabulary),
parameters that are transposed views, in-place writes to views, some convolutions. The forward pass is then wrong by a
lot, or an update is written to a copy and the parameter never moves. Which operator depends on the release of PyTorch
and macOS; several were repaired in 2.4 and in 2.9.

## What it looks like
Finite but impossible numbers, there from the first batch and the same in every launch:
- a first loss of 19.9 where the CPU gives 3.8, or of 0.37 where 2.6 is right;
- a loss that stays on one value, or near 6, whatever is changed;
- a loss of 1e13 after some steps;
- one parameter (often transposed or tied) that never changes while others do;
- a difference that appears only with a large product of batch, context and vocabulary;
- all of it gone on the CPU with the dtype unchanged.

## What else looks like it
- float16 weights on an Apple GPU: NaN from the second or third step on. Going to the CPU usually changes the dtype to
  float32 as well, which is the cure.
- Labels that are shifted twice: an equally high first loss, on every device.
- NaN in cached data, which reporters have blamed on the backend more than once.
- Swapping or heat: the run is slow, but its numbers are right.

## How to decide
One batch, one set of weights, one dtype; only the device differs:

    cpu = model.float().to("cpu")(**batch).logits
    mps = model.to("mps")(**{k: v.to("mps") for k, v in batch.items()}).logits.cpu()
    print((cpu - mps).abs().max())

Then the same for gradients and for the parameters after one step. A difference above rounding (1e-3 in float32) is the
operator; calling `.contiguous()` on parameters, halving the batch or a newer PyTorch usually removes it. Equal values
clear the backend: look at precision, labels and data instead.

## Typical false diagnosis
"The model does not learn" or "wrong learning rate". Just as often the reverse: the backend is blamed for what float16,
the labels or the data did.

## References
- https://github.com/rasbt/LLMs-from-scratch/issues/791
- https://github.com/pytorch/pytorch/issues/109457
- https://github.com/pytorch/pytorch/issues/118115
- https://docs.pytorch.org/docs/stable/notes/mps.html
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="mps-instability",
    title="Wrong numbers from an Apple MPS operator",
    family="kernels-and-backends",
    incidents=13,
    decided_by=("log", "environment", "probe"),
    decisive_test=(
        "Run the same batch with the same weights and dtype on `cpu` and on `mps`, and compare logits, gradients and "
        "the parameters after one step"
    ),
    false_diagnosis="a model that does not learn, or a wrong learning rate",
    expects=(
        Expect("loss-differing-between-devices", USUALLY, "the CPU computes the operator correctly"),
        Expect("apple-gpu", ALWAYS, "the operator belongs to the Apple backend"),
        Expect("defect-on-apple-gpu", OFTEN, "these operators were repaired release by release and are listed"),
        Expect("wrong-value-before-first-update", SOMETIMES, "a wrong product is wrong in the first forward pass"),
        Expect("unchanged-weights", SOMETIMES, "updates to transposed or viewed parameters are written to a copy"),
        Expect("flat-loss-from-start", SOMETIMES, "an output that does not depend on its input, or a lost update"),
        Expect("initial-loss-too-low", SOMETIMES, "a truncated product can make the loss impossibly small"),
        Expect("initial-loss-above-uniform", SOMETIMES, "a wrong head gives confident nonsense"),
        Expect("initial-loss-too-high", SOMETIMES, "wrong logits score far above what the weights deserve"),
        Expect("loss-divergence", RARELY, "wrong gradients can drive the loss to absurd values"),
        Expect("long-blocks", SOMETIMES, "the large-output defects need batch x context x vocabulary to be large"),
    ),
    excluded_by=(
        Excluded("failure-on-every-device", "the failure stays when the run leaves the device"),
        Excluded("apple-gpu", "an operator of the Apple backend cannot act on another device", when="absent"),
        Excluded(
            "loss-differing-between-devices",
            "equal losses on the CPU clear the backend's operators",
            when="absent",
        ),
    ),
    confused_with=("learning-rate-too-high", "learning-rate-too-low"),
)
