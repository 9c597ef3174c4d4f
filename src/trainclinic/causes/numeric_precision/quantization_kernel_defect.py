"""An 8-bit matrix product or an 8-bit optimizer returns wrong numbers on this card or in this release.

## Mechanism
Quantised training rests on a few hand-written kernels. The int8 matrix product of LLM.int8 needs tensor cores that
cards before Turing (V100, P100) lack; the fallback there overflows for outlier features, now and then or always. And
some releases of 8-bit optimizers kept or updated their block-wise state wrongly, or used other defaults than their
32-bit twins. The recipe is fine: the same settings with 16-bit weights or a 32-bit optimizer run clean.

## What it looks like
With an 8-bit base on a card before Turing:
- a normal train loss and an `eval_loss` of NaN, or a large loss followed by zeros;
- a failure that seems to depend on small things such as the target modules, because a borderline overflow is a matter
  of chance;
- every reporter of the same failure has the same card.

With an 8-bit optimizer:
- a healthy start, then NaN within tens of steps at a harmless rate;
- or a quality that is worse than with the release before, and only with that release;
- the same script is clean with a 32-bit optimizer.

## What else looks like it
- float16 overflow: it stays when 8-bit loading is switched off.
- 4-bit bases use other kernels; they are slow on old cards but not wrong in this way.
- An ordinary quality loss through quantisation: tenths of a nat, never NaN.
- A learning rate that is too high: the 32-bit optimizer fails at the same rate.

## How to decide
Change one thing at a time, 50 steps each, three launches each, since a borderline overflow is random:

1. 8-bit loading off, float16 weights, all else equal. Clean: the int8 product.
2. `optim="adamw_torch"` in place of the 8-bit optimizer. Clean: its state or its update.
3. The release of bitsandbytes before or after. Clean: a defect of the one in use.

On a V100 or P100 there is little to decide: use float16 or 4-bit weights there, or raise the int8 threshold.

## Typical false diagnosis
"8-bit is simply lossy", or "those LoRA target modules do not work", after one lucky run with others.

## References
- https://github.com/tloen/alpaca-lora/issues/265
- https://github.com/bitsandbytes-foundation/bitsandbytes/issues/152
- https://github.com/bitsandbytes-foundation/bitsandbytes/pull/1187
- https://huggingface.co/docs/bitsandbytes/main/en/installation
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, Cause, Expect

CAUSE = Cause(
    slug="quantization-kernel-defect",
    title="Defective 8-bit kernel or optimizer",
    family="numeric-precision",
    incidents=5,
    decided_by=("config", "environment", "log", "probe"),
    decisive_test=(
        "Repeat 50 steps three times with 8-bit loading off, and three times with `optim=adamw_torch`: one of the two "
        "is clean every time"
    ),
    false_diagnosis="8-bit being lossy as such, or the choice of LoRA target modules",
    expects=(
        Expect("missing-kbit-preparation", SOMETIMES, "norms and head stay in half precision"),
        Expect("quantized-base-on-old-gpu", OFTEN, "cards before Turing lack the int8 tensor cores of the kernel"),
        Expect("eight-bit-base", OFTEN, "the int8 product is only used for a base that is loaded in 8 bits"),
        Expect("eight-bit-optimizer", OFTEN, "the other form of the fault sits in the 8-bit optimizer state"),
        Expect("gpu-before-turing", OFTEN, "the fallback product of old cards overflows for outlier features"),
        Expect("defect-in-quantisation", SOMETIMES, "the code book of early 8-bit optimizers is one of several faults"),
        Expect("nan-loss", OFTEN, "a wrong product or a wrong update soon gives NaN"),
        Expect("nan-eval-loss", OFTEN, "evaluation has no scaler that skips what overflowed"),
        Expect("late-nan-onset", SOMETIMES, "a wrong optimizer state needs tens of steps to ruin the weights"),
        Expect("loss-differing-between-kernels", SOMETIMES, "the 16-bit or 32-bit path with equal settings is clean"),
        Expect("loss-differing-between-releases", SOMETIMES, "an older or newer release with equal settings is clean"),
        Expect("nan-hidden-as-zero", SOMETIMES, "the Trainer's filter prints 0.0 for windows without a finite loss"),
        Expect("loss-exactly-zero", SOMETIMES, "zeros of that filter are exact"),
        Expect("zero-loss-from-start", SOMETIMES, "the product may overflow in the first batch already"),
        Expect("wrong-value-before-first-update", SOMETIMES, "an int8 product is wrong on the untouched weights"),
        Expect("eight-bit-arithmetic", ALWAYS, "without 8-bit weights or states none of these kernels runs"),
        Expect("isolated-giant-loss", RARELY, "an overflow in the int8 product can stay finite in a single row"),
    ),
    confused_with=("learning-rate-too-high",),
)
