"""The optimizer updates float16 parameters directly, and no float32 copy of them exists anywhere.

## Mechanism
An optimizer step needs more digits than a forward pass. In float16 the smallest number is 6e-8, so Adam's epsilon of
1e-8 is 0, and the second moment of any gradient below 5.5e-3 (beta2 = 0.999) underflows to 0 as well. The update of
such an element is then 0/0 or something divided by 0: NaN or infinite. It enters the weights with the first or second
step and no later batch can repair it. The learning rate has no part in it: 0/0 is NaN at a rate of 0 too. A fused
AdamW computes in float32 and escapes the NaN, but updates below half a float16 spacing are still lost, and the run may
diverge instead.

## What it looks like
- A normal first loss, then NaN for ever: with a log of every step exactly one or two finite rows.
- In rows of the Hugging Face Trainer one absurd first row (its filter inflates the mean of the window), then 0.0 in
  every row, with a gradient norm of NaN. 14,577.98 with an accumulation of 8 inverts to 2.23: two healthy steps.
- With a fused AdamW no NaN but a loss in the hundreds or thousands that stays there, gradients finite.
- Under float16 autocast an error instead: "Attempting to unscale FP16 gradients".
- Generated text is empty or one token repeated to the limit, because all logits are NaN and the first id wins.
- Equal failures at 2e-4, 1e-5 and 1e-6.

## What else looks like it
- Adapters in float16: the same arithmetic, but only the adapter is trained.
- float16 overflow in forward or backward: it stands there before any update, comes and goes with the batch, or shows in
  the evaluation; the weights may stay intact behind a scaler.
- A broken attention kernel: NaN in bfloat16 too.
- A sharded optimizer that writes wrong weights: needs several processes, and happens in bfloat16.
- A learning rate that is too high: finite losses rise before anything becomes NaN.

## How to decide
Print the dtype of what is trained, take one optimizer step on one batch, and count what is no longer finite:

    print({p.dtype for p in model.parameters() if p.requires_grad})
    loss.backward(); optimizer.step()
    print(sum((~p.isfinite()).sum().item() for p in model.parameters() if p.requires_grad))

Repeat with float32 weights (autocast may stay on) or with `eps=1e-4`, changing nothing else. Gone with both: it was
this. Gone with neither: look at the forward pass. Check the loss before the step: if that is NaN already, it was not.

## Typical false diagnosis
"The learning rate is too high", "gradients exploded" (after a giant first row that never was a loss) or "this device is
unstable". Moving to the CPU often helps, but by changing the dtype to float32, not by changing the device.

## References
- https://github.com/afiaka87/glide-finetune/pull/6
- https://github.com/CambioML/pykoi/pull/69
- https://github.com/google-deepmind/optax/issues/1754
- https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="half-precision-weights-without-master-copy",
    title="Fully fine-tuned weights kept in fp16 with no fp32 master copy",
    family="numeric-precision",
    incidents=5,
    decided_by=("script", "config", "log", "probe"),
    decisive_test=(
        "Print `{p.dtype for p in model.parameters() if p.requires_grad}`, take one `optimizer.step()` and count "
        "non-finite parameters; then repeat with float32 weights"
    ),
    false_diagnosis="a learning rate that is too high, exploding gradients or an unstable device",
    expects=(
        Expect("epsilon-below-half-precision", SOMETIMES, "an epsilon that is 0 in float16 divides by zero"),
        Expect("half-precision-parameters", USUALLY, "the optimizer is given the float16 tensors themselves"),
        Expect("fp16-load-without-scaler", USUALLY, "the script loads float16 weights and trains them as they are"),
        Expect("float16-training", ALWAYS, "only float16 turns Adam's epsilon of 1e-8 into 0; bfloat16 keeps it"),
        Expect("nan-after-first-update", USUALLY, "the first update is 0/0 or infinite and spoils the weights at once"),
        Expect("persistent-nan", USUALLY, "weights that hold NaN give NaN for every later batch"),
        Expect("nan-filter-inflation", SOMETIMES, "one or two finite steps before the NaN leave one inflated row"),
        Expect("nan-hidden-as-zero", OFTEN, "the Trainer's filter prints 0.0 for windows without a finite loss"),
        Expect("nan-loss", OFTEN, "loops that print what they compute show the NaN openly"),
        Expect(
            "nan-gradient-norm", USUALLY, "the norm of gradients through NaN weights is NaN, and nothing filters it"
        ),
        Expect("loss-exactly-zero", OFTEN, "every micro-batch after the bad update is dropped by the filter"),
        Expect("non-finite-weights", OFTEN, "the update itself is what becomes NaN, so parameters hold it"),
        Expect("half-precision-dtype-printed", SOMETIMES, "scripts that print parameter dtypes say float16"),
        Expect("float16-gradient-unscale-error", SOMETIMES, "a scaler refuses gradients that are float16 themselves"),
        Expect("empty-generation", SOMETIMES, "NaN logits pick token 0, which decoding strips"),
        Expect("failure-at-every-learning-rate", SOMETIMES, "0/0 is NaN whatever it is multiplied by"),
        Expect("apple-gpu", RARELY, "scripts for Apple GPUs load float16 to save memory and switch autocast off"),
    ),
    excluded_by=(
        Excluded("adapter-training", "the optimizer updates an adapter, and the frozen weights may be float16"),
        Excluded("bfloat16-weights-only", "weights that are held in bfloat16 are not held in float16"),
        Excluded("failure-in-every-precision", "a fault of float16 arithmetic does not fail alike in wider formats"),
    ),
    confused_with=("learning-rate-too-high", "mps-instability", "batch-size-too-small"),
)
