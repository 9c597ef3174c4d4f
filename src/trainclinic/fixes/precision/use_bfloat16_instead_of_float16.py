"""Compute in bfloat16, which has the range of float32, or in float32 where the card has no bfloat16.

## Why it works
float16 ends at 65,504. bfloat16 has the 8 exponent bits of float32 and ends at 3.4e38, so activations that were
harmless when the model was pretrained in bfloat16 are harmless again: a feed-forward output of 66,246 is inf in one
format and an ordinary number in the other. Gradients need no scale either, since the smallest normal number is 1.2e-38
instead of 6e-5. The price is 8 significant bits instead of 11, which arithmetic tolerates and an optimizer does not:
what is trained stays in float32, and autocast does the rest. A card has bfloat16 from Ampere on (A100, RTX 30, L4);
V100, T4 and RTX 20 only emulate it, so ask with `is_bf16_supported(including_emulation=False)`, and take float32 there.

## What it does not do
It does not make weights in 16 bits trainable: in bfloat16 an update below half the spacing, 0.4 % of a weight just
above a power of two, is lost. It does not repair a kernel that fails in every format, nor weights that already hold
NaN. If bfloat16 gives NaN as well, the range was not the reason: look at the mask, the attention kernel and the rows.

## References
- https://github.com/huggingface/transformers/pull/10815
- https://github.com/hiyouga/LlamaFactory/issues/3474
- https://docs.pytorch.org/docs/stable/amp.html
- https://github.com/unslothai/unsloth-zoo/pull/866
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="use-bfloat16-instead-of-float16",
    title="Compute in bfloat16 instead of float16",
    kind="recipe",
    change=(
        "Replace `fp16=True`, `.half()` and `dtype=torch.float16` by bfloat16 autocast over float32 trained weights; "
        "on a card without bfloat16 compute in float32"
    ),
    treats=(
        Treats("fp16-range-overflow", CURES, "bfloat16 ends at 3.4e38 instead of 65,504"),
        Treats("mixed-precision-misconfiguration", HELPS, "bfloat16 gradients need no scaler that could be missing"),
        Treats("half-precision-adapter-weights", HELPS, "an epsilon of 1e-8 is not 0 in bfloat16"),
        Treats("half-precision-weights-without-master-copy", HELPS, "squared gradients do not become 0 in bfloat16"),
    ),
    expects=(
        Expectation(
            "the loss and the gradient norm are finite at step {fault_step} and in the 50 steps after it",
            "every loss and gradient norm of the first 100 steps is finite, on the longest rows too",
        ),
        Expectation("the `eval_loss` is a number, and 0 steps are skipped"),
    ),
    check=(
        "Run one of the longest batches through the untouched model in float16, bfloat16 and float32: the last two "
        "losses must be finite and agree within 0.05"
    ),
    risk="float32 takes twice the memory of 16 bits, and cards without bfloat16 are 2 to 8 times slower in it",
    minutes=5,
    restart="before the fault",
    patches=(
        Patch(
            "precision.compute",
            "bfloat16 has the range of float32",
            to="bfloat16",
            when=("precision.device", ("auto", "cuda")),
        ),
        Patch(
            "precision.compute",
            "there is no reason for 16 bits off CUDA",
            to="float32",
            when=("precision.device", ("cpu", "mps")),
        ),
        Patch("precision.frozen_weights", "a frozen base in float16 overflows like a trained one", to="auto"),
        Patch("precision.trained_weights", "8 significant bits are too few for an optimizer", to="float32"),
    ),
    edit=Edit(
        before="""\
model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float16)
args = TrainingArguments(output_dir="out", fp16=True)
""",
        after="""\
capable = torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32)
args = TrainingArguments(output_dir="out", bf16=capable, fp16=False)
""",
        note="A frozen base under adapters may be loaded with `dtype=torch.bfloat16` to save memory.",
    ),
    commands=(
        'python -c "import torch; print(torch.cuda.is_available() and '
        'torch.cuda.is_bf16_supported(including_emulation=False))"',
        "trainclinic lint train.py",
    ),
    alternatives=("use-autocast-with-loss-scaler", "choose-another-base-model", "train-on-a-cloud-gpu", "run-on-cpu"),
    pros=("no overflow and no scaler", "the format that most models of today were pretrained in"),
    cons=("needs a card from Ampere on", "8 significant bits instead of 11"),
)
