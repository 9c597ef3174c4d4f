"""Compute attention with plain matrix products instead of a fused kernel, or leave out the one kernel that fails.

## Why it works
Eager attention is a product, an addition of the mask, a softmax in float32 and a second product: four operators that
every other part of the model uses too, with gradients that autograd writes. No choice among FlashAttention, cuDNN and
memory-efficient kernels is made, so none of their defects can act, in the forward or the backward pass. Its masks are
filled with the smallest finite number, so a row that sees no key gets equal weights and no NaN.
The cost is memory: the scores of 4 rows, 32 heads and 2,048 tokens take 1.1 GB in 16 bits in each layer, and twice that
in float32; at 512 tokens it is a sixteenth. If only the cuDNN kernel is at fault, as in the backward pass of masked
attention in torch 2.11 to 2.13.0 on H100, `torch.backends.cuda.enable_cudnn_sdp(False)` in the first lines of the
script keeps the fast path and costs nothing.

## What it does not do
It does not repair weights that a NaN gradient has reached. It does not mend overflow of float16, rows without targets,
or a mask that the script builds itself. Padding-free packing needs FlashAttention, so packing goes with it.

## References
- https://github.com/huggingface/trl/issues/7181
- https://github.com/huggingface/transformers/issues/28488
- https://huggingface.co/docs/transformers/main/en/attention_interface
- https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="use-eager-attention",
    title="Use eager attention",
    kind="recipe",
    change=(
        'Load the model with `attn_implementation="eager"`; where the backward pass of cuDNN alone is at fault, keep '
        '"sdpa" and call `torch.backends.cuda.enable_cudnn_sdp(False)` before the first batch'
    ),
    treats=(
        Treats("attention-kernel-defect", CURES, "plain operators take the place of the kernel"),
        Treats("fully-masked-attention-rows", HELPS, "a mask of finite numbers leaves no softmax over nothing"),
        Treats("padding-side-mismatch", EASES, "eager attention does not refuse a side"),
        Treats("causal-mask-leak", EASES, "the mask may be missing on one attention path alone"),
    ),
    expects=(
        Expectation(
            "the gradient norm at step {fault_step} is finite, with the same rows and seed, and in the 50 steps after",
            "every gradient norm of the first 100 steps is finite, in rows with a learning rate of 0 too",
        ),
        Expectation("the loss of the first batch is the same as before within 0.01: only the gradients were wrong"),
    ),
    check=(
        "Compute the gradients of the failing batch twice, with eager attention in float32 and with the kernel of the "
        "run: more than 5 % apart, or NaN on one side only, is the kernel"
    ),
    risk="Memory for scores grows with the square of the length: above 2,048 tokens take half the rows per pass",
    minutes=5,
    restart="before the fault",
    patches=(
        Patch("model.attention", "plain operators have no kernel of their own that could fail", to="eager"),
        Patch("text.packing", "packed rows without padding need FlashAttention", to=False),
    ),
    edit=Edit(
        before="""\
model = AutoModelForCausalLM.from_pretrained(name, attn_implementation="sdpa", dtype=torch.float32)
""",
        after="""\
model = AutoModelForCausalLM.from_pretrained(name, attn_implementation="eager", dtype=torch.float32)
""",
    ),
    alternatives=("upgrade-torch", "run-on-cpu", "choose-another-base-model"),
    pros=("works with the releases that are installed", "the same on every device", "also returns attention weights"),
    cons=("1.5 to 3 times slower in long rows", "memory that grows with the square of the length"),
)
