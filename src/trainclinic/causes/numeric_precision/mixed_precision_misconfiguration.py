"""Mixed precision is asked for, but the scaler that float16 needs is missing, or autocast runs for another device.

## Mechanism
Two settings that raise no error. First, float16 autocast without an active `GradScaler`: gradients below 6e-8 flush to
0, so small updates are lost, and when a non-finite gradient comes one day nobody skips the step; it is written into
the weights. Second, autocast and scaler built for `"cuda"` in a run on another device: both are no-ops. The run then
uses float32, slower and with more memory than planned, and its scale stays at 1.

## What it looks like
Without a scaler:
- an ordinary curve for hundreds or thousands of steps, perhaps with a plateau that comes early;
- then NaN in every row, and a time per step that drops a little once all values are NaN (1,097 to 1,018 ms);
- no "overflow, skipping" lines before it, since nothing watches.

With an autocast that does nothing:
- a healthy loss, and a loss scale that is exactly 1.0 in every row;
- the speed and the memory of float32 although a short format was asked for;
- typically a script that was moved from an NVIDIA card to an Apple GPU, with `"cuda"` as a literal.

## What else looks like it
- float16 weights as such: these fail within the first two updates, not after thousands.
- float16 overflow behind a working scaler: skip messages and a falling scale come first.
- A learning rate that is too high: the loss climbs before it becomes NaN, and bfloat16 does not cure it.
- A slow backend: here the numbers are right and the precision is not what was asked for.

## How to decide
Look inside the block, and at the scaler:

    with torch.autocast(device.type, dtype=torch.float16):
        print(model(**batch).logits.dtype)
    print(scaler.is_enabled(), scaler.get_scale())

float32 in the first line: autocast is idle. `False`, or a scale of 1.0 for ever: the scaler is. With float16 and no
scaler, count gradient elements that are exactly 0, then repeat the last stretch from a good checkpoint with a scaler or
in bfloat16. A warning that CUDA is not available while the scaler is built says the same.

## Typical false diagnosis
"The learning rate is too high": lowering it only delays the NaN. For the silent no-op: "this device is slow" or "the
backend is unstable".

## References
- https://github.com/karpathy/nanoGPT/issues/167
- https://github.com/karpathy/nanoGPT/issues/215
- https://github.com/Stability-AI/stable-audio-3/pull/68
- https://docs.pytorch.org/docs/stable/amp.html
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, Cause, Excluded, Expect

CAUSE = Cause(
    slug="mixed-precision-misconfiguration",
    title="Mixed precision without a working scaler, or silently off",
    family="numeric-precision",
    incidents=4,
    decided_by=("script", "config", "log", "probe"),
    decisive_test=(
        "Print the dtype of an activation inside the autocast block and `scaler.is_enabled()`, then repeat the failing "
        "stretch from a good checkpoint with an enabled `GradScaler` or in bfloat16"
    ),
    false_diagnosis="a learning rate that is too high, or a slow device",
    expects=(
        Expect("cuda-amp-on-other-device", OFTEN, "autocast and scaler for CUDA do nothing elsewhere"),
        Expect("fp16-weights-under-fp16-amp", SOMETIMES, "the scaler meets float16 gradients"),
        Expect("fp16-autocast-without-scaler", SOMETIMES, "small gradients fall out of the range"),
        Expect("scaler-left-out", RARELY, "a scaler that is passed by scales nothing back"),
        Expect("clip-before-unscale", RARELY, "the clip sees scaled gradients"),
        Expect("float16-training", OFTEN, "it is float16 that needs a scaler or was asked of an idle autocast"),
        Expect("mixed-precision-disabled-warning", OFTEN, "torch says so where autocast has no device"),
        Expect(
            "late-nan-onset", SOMETIMES, "underflow does no visible harm until the first non-finite step is applied"
        ),
        Expect("nan-loss", OFTEN, "a step that a scaler would have skipped went into the weights"),
        Expect("persistent-nan", SOMETIMES, "weights that took a non-finite step give NaN for ever"),
        Expect("fp16-load-without-scaler", SOMETIMES, "the script computes in float16 and builds no scaler"),
        Expect("apple-gpu", SOMETIMES, "autocast and scaler written for `cuda` do nothing on an Apple GPU"),
        Expect("gpu-without-bfloat16", SOMETIMES, "such cards leave float16 as the only short format"),
        Expect("throughput-step-change", SOMETIMES, "steps are a little faster once every value is NaN"),
        Expect("loss-plateau", RARELY, "gradients below 6e-8 flush to 0, so small corrections stop early"),
        Expect("non-finite-weights", SOMETIMES, "nothing kept the non-finite step out of the weights"),
    ),
    excluded_by=(
        Excluded("failure-in-every-precision", "a missing float16 scaler cannot matter where float16 is not used"),
    ),
    confused_with=("learning-rate-too-high",),
)
