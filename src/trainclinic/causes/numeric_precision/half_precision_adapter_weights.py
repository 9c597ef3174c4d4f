"""The adapter took over float16 from its base model, so the optimizer steps float16 LoRA matrices.

## Mechanism
A LoRA adapter created on a float16 base used to inherit that dtype: peft before 0.11 always, later releases with
`autocast_adapter_dtype=False` or after a manual cast. The frozen base in float16 is harmless; the trained matrices are
not. `lora_B` starts at 0, so the gradient of `lora_A` is exactly 0 in the first step, its second moment is 0, and
Adam's epsilon of 1e-8 rounds to 0 in float16: the first update of `lora_A` is 0/0. Gradients that are not 0 but small
give a division by 0 instead. Within one or two steps the adapter is NaN, and with it every output. With a gradient
scaler the same setting ends in an error, since scalers do not unscale float16 gradients.

## What it looks like
- The first loss is that of the base model, then everything is NaN: `loss nan` from the second or third step on.
- In rows of the Hugging Face Trainer one giant number, then exact zeros beside a gradient norm of NaN.
- Where gradients are large enough not to underflow the run limps along: single giant rows (153,318 among rows of 5-6)
  or NaN rows among noisy ones.
- Under float16 autocast an error instead: "Attempting to unscale FP16 gradients".
- The saved adapter holds NaN, and the job may still end as a success; generations are empty; the base model without
  the adapter is as good as ever.
- peft 0.10 or older in the lock file, or a loop over `named_parameters` that casts `lora_` tensors.

## What else looks like it
- Full fine-tuning of float16 weights: the same arithmetic without an adapter.
- float16 overflow in the base's activations: NaN before any update, or only for long inputs; adapters stay finite
  behind a scaler.
- A pad or prompt mask that leaves no targets: gradient norm 0.0 rather than NaN, weights intact.
- An Apple GPU that computes wrong values: finite but different numbers, not NaN from one fixed step on.

## How to decide
Print the dtypes, take one step, and look at the adapter alone:

    print({p.dtype for p in model.parameters() if p.requires_grad})
    loss.backward(); optimizer.step()
    print({n: bool(p.isfinite().all()) for n, p in model.named_parameters() if "lora_A" in n})

Then cast the adapter to float32 and repeat with the base still in float16:

    for p in model.parameters():
        if p.requires_grad:
            p.data = p.data.float()

If the second run is finite, the adapter's dtype was the cause. If it is not, the float16 base overflows.

## Typical false diagnosis
"The Apple backend is unstable", "the prompt format is wrong" or "the batch is too small". Prompt format cannot turn a
finite loss into NaN, and the zeros in the log are hidden NaN, not a model that learned to say nothing.

## References
- https://github.com/huggingface/peft/pull/1706
- https://github.com/google/gemma_pytorch/issues/24
- https://github.com/huggingface/transformers/issues/23165
- https://huggingface.co/docs/peft/developer_guides/troubleshooting
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="half-precision-adapter-weights",
    title="LoRA adapter weights kept in fp16",
    family="numeric-precision",
    incidents=6,
    decided_by=("script", "environment", "config", "log", "probe"),
    decisive_test=(
        "Print the dtype of every trainable parameter and count NaN in `lora_A` after one `optimizer.step()`; then "
        "cast the adapter to float32 and repeat"
    ),
    false_diagnosis="an unstable Apple backend, a wrong prompt format or a batch that is too small",
    expects=(
        Expect("half-precision-trained-adapter", USUALLY, "the adapter is trained in the type of its base"),
        Expect("epsilon-below-half-precision", SOMETIMES, "an epsilon that is 0 in float16 divides by zero"),
        Expect("adapter-training", ALWAYS, "it is the adapter that is held in float16"),
        Expect("half-precision-parameters", USUALLY, "the adapter inherits float16 from the base it is put on"),
        Expect("float16-training", ALWAYS, "the base is loaded in float16; from a bfloat16 base nothing underflows"),
        Expect("defect-in-adapter-dtype", OFTEN, "peft before 0.11 leaves an adapter in the dtype of its base"),
        Expect("fp16-load-without-scaler", OFTEN, "the script loads a float16 base and leaves mixed precision off"),
        Expect("nan-filter-inflation", OFTEN, "one or two finite steps before the NaN leave one inflated row"),
        Expect("nan-after-first-update", OFTEN, "`lora_A` has a gradient of 0 at first, and 0/0 is its first update"),
        Expect("recovering-nan-rows", SOMETIMES, "a scaler skips the bad step and finite rows follow it"),
        Expect("persistent-nan", OFTEN, "an adapter that holds NaN poisons every later forward pass"),
        Expect("nan-hidden-as-zero", OFTEN, "the Trainer's filter prints 0.0 for windows without a finite loss"),
        Expect("nan-gradient-norm", USUALLY, "gradients through a NaN adapter are NaN, and the norm is not filtered"),
        Expect("loss-exactly-zero", OFTEN, "every micro-batch after the bad update is dropped by the filter"),
        Expect("nan-loss", OFTEN, "loops that print what they compute show the NaN openly"),
        Expect("non-finite-weights", OFTEN, "the adapter tensors are where the NaN arises and stays"),
        Expect("half-precision-dtype-printed", SOMETIMES, "scripts that print trainable dtypes say float16"),
        Expect("float16-gradient-unscale-error", SOMETIMES, "a scaler refuses gradients that are float16 themselves"),
        Expect("isolated-giant-loss", SOMETIMES, "float16 updates that do not underflow overshoot for single batches"),
        Expect("empty-generation", SOMETIMES, "NaN logits pick token 0, which decoding strips"),
    ),
    excluded_by=(
        Excluded("bfloat16-weights-only", "an adapter on a bfloat16 base inherits bfloat16, not float16"),
        Excluded("failure-in-every-precision", "a fault of float16 arithmetic does not fail alike in wider formats"),
    ),
    confused_with=("learning-rate-too-high", "mps-instability", "batch-size-too-small", "chat-template-mismatch"),
)
