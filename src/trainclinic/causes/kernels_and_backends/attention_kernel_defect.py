"""The attention kernel that this build picks returns NaN gradients or wrongly scaled scores.

## Mechanism
`scaled_dot_product_attention` chooses among FlashAttention, memory-efficient, cuDNN and plain kernels by shape, dtype
and card; FlashAttention packages and ROCm bring their own. A defect of one of them (a backward pass that returns NaN
for some lengths, a default scale that is wrong, a wheel built for another release) is a property of the build, not of
the recipe. Forward values can be perfect while the backward pass is not. A NaN gradient reaches the weights with the
next step, at any learning rate.

## What it looks like
- A finite, plausible loss beside a gradient norm of NaN, from the first row or after tens of healthy steps.
- The same in rows whose learning rate is 0, which clears rate and optimizer.
- From then on NaN for ever, or zeros where a filter hides it.
- Under DeepSpeed a gradient norm that is exactly 1, 1.4142 or 1.7321 in every row: NaN replaced by -1 per group.
- bfloat16 as often as float16; no learning rate, seed or re-download changes it.
- It came with a new container, a new PyTorch, a FlashAttention wheel for another release, or an AMD card.

## What else looks like it
- float16 overflow in the backward pass: also a finite loss with a NaN norm, but bfloat16 is clean.
- Fully masked rows: only batches with padding fail; batch size 1 and packing are clean.
- float16 weights under Adam: the NaN needs an update first.
- A sharded-optimizer fault: it needs several processes, and the gradients of the first step are finite.

## How to decide
Repeat the failing steps with the same seed and one switch at a time:

    AutoModelForCausalLM.from_pretrained(name, attn_implementation="eager")
    torch.backends.cuda.enable_cudnn_sdp(False)
    torch.backends.cuda.enable_flash_sdp(False)
    torch.backends.cuda.enable_mem_efficient_sdp(False)

The first switch that makes the gradients finite names the kernel. For a single batch compare gradients with eager
attention: they must agree to the rounding of the format. If eager attention fails too, it is the weights, the mask or
the data.

## Typical false diagnosis
"Lower the learning rate", "another DeepSpeed version", "the data is corrupt", "download the model again": all of them
have been tried at length in public threads, without effect.

## References
- https://github.com/huggingface/trl/issues/7181
- https://github.com/hiyouga/LlamaFactory/issues/9631
- https://github.com/huggingface/transformers/issues/28488
- https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Expect

CAUSE = Cause(
    slug="attention-kernel-defect",
    title="Defective attention kernel",
    family="kernels-and-backends",
    incidents=7,
    decided_by=("config", "environment", "log", "probe"),
    decisive_test=(
        'Repeat the failing steps with `attn_implementation="eager"`, then with '
        "`torch.backends.cuda.enable_cudnn_sdp(False)`: the kernel is at fault if one of them is clean"
    ),
    false_diagnosis="the learning rate, the DeepSpeed version, the data or a damaged download",
    expects=(
        Expect("failure-with-every-kernel", RARELY, "one library stands behind all attention paths of a backend"),
        Expect("cudnn-attention", SOMETIMES, "the backward kernel of cuDNN is the one with most such reports"),
        Expect("nan-gradient-norm", USUALLY, "it is the backward kernel that returns NaN"),
        Expect("loss-differing-between-attention-kernels", USUALLY, "another attention implementation is clean"),
        Expect("finite-loss-with-nan-gradient-norm", SOMETIMES, "the forward kernel is right, the backward one is not"),
        Expect("nan-at-zero-learning-rate", OFTEN, "the kernel needs no update to fail"),
        Expect("wrong-value-before-first-update", OFTEN, "the gradients of the untouched weights are NaN already"),
        Expect("persistent-nan", OFTEN, "the NaN gradient is applied, and no later batch repairs the weights"),
        Expect("defect-in-attention", SOMETIMES, "it is a property of one build, and some of them are listed"),
        Expect("bfloat16-training", OFTEN, "the kernel fails whatever the range of the format"),
        Expect("nan-hidden-as-zero", OFTEN, "the Trainer's filter prints 0.0 once the weights are NaN"),
        Expect("loss-exactly-zero", OFTEN, "zeros of that filter are exact"),
        Expect("late-nan-onset", OFTEN, "the shape or score that the kernel cannot handle may come late"),
        Expect("nan-loss", SOMETIMES, "the loss follows once the NaN gradients are in the weights"),
        Expect("constant-gradient-norm", RARELY, "DeepSpeed replaces each NaN norm by -1 per parameter group"),
        Expect("nan-filter-inflation", RARELY, "one finite loss before the NaN leaves one inflated row"),
        Expect("failure-in-every-precision", SOMETIMES, "the defect does not depend on the range of the format"),
        Expect("failure-at-every-learning-rate", SOMETIMES, "a NaN gradient is NaN at every rate"),
        Expect("amd-gpu", RARELY, "attention kernels for ROCm are ported later and have had such faults"),
    ),
    confused_with=("learning-rate-too-high", "corrupt-input-data"),
)
