"""Keep every weight that the optimizer changes in float32, whatever format the arithmetic has.

## Why it works
Adam divides by the square root of a running mean of squared gradients. In float16 that mean rounds to 0 for gradients
below about 5e-3, and the epsilon of 1e-8 that should keep the division apart from 0 is itself 0 there: the update is
0/0. In bfloat16 nothing becomes NaN, but an update below half the spacing of a weight is lost. float32 has neither
limit. On CUDA the arithmetic may stay in 16 bits: autocast leaves what is trained in float32, bfloat16 needs no loss
scaler, and float16 gets one. On an Apple GPU and on a CPU everything runs in float32.

## What it does not do
It does not help where activations of a frozen float16 base overflow (above 65,504): those need bfloat16 or float32 for
the base as well. It does not teach a model to stop: the end token is another matter.

## References
- https://huggingface.co/docs/peft/developer_guides/troubleshooting
- https://github.com/huggingface/peft/pull/1706
- https://docs.pytorch.org/docs/stable/amp.html
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="train-weights-in-float32",
    title="Train float32 weights",
    kind="recipe",
    change=(
        "Load what is trained in float32: on a CPU and on an Apple GPU the whole model; on CUDA let autocast compute "
        "in bfloat16, or in float16 with a gradient scaler where the GPU has no bfloat16"
    ),
    treats=(
        Treats("half-precision-adapter-weights", CURES, "float32 adapters have an epsilon and squares above 0"),
        Treats("half-precision-weights-without-master-copy", CURES, "the optimizer works on float32 weights"),
        Treats("bf16-update-rounding", CURES, "an update is 65,536 times finer than in bfloat16"),
        Treats("mixed-precision-misconfiguration", HELPS, "gradients of float32 weights can be scaled and unscaled"),
    ),
    expects=(
        Expectation(
            "the first logged loss lies near {first_loss} instead of {logged_first_loss}, and every loss and gradient "
            "norm of the first 10 steps is finite",
            "every loss and gradient norm of the first 10 steps is finite",
        ),
    ),
    check=(
        "Print `{p.dtype for p in model.parameters() if p.requires_grad}`: it must be `{torch.float32}`; after one "
        "`optimizer.step()` no trained tensor may hold a value that is not finite"
    ),
    risk="A full fine-tune needs 16 bytes a parameter (weights, gradients, two moments) instead of 8",
    minutes=5,
    restart="nothing",
    spoils="written by an optimizer that works in 16 bits, and holds NaN or has lost its updates",
    patches=(
        Patch("precision.trained_weights", "float16 weights turn Adam's update into 0/0", to="float32"),
        Patch("precision.compute", "16-bit arithmetic is for CUDA, in bfloat16 or with a loss scaler", to="auto"),
        Patch("precision.frozen_weights", "frozen weights may be 16 bits wide on CUDA alone", to="auto"),
        Patch("precision.loss_scaling", "float16 gradients need a scale to stay above 0", to=True),
        Patch("guard.true_losses", "the Trainer's filter printed zeros in place of NaN", to=True),
    ),
    edit=Edit(
        before="""\
model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float16)
model = get_peft_model(model, lora)
args = TrainingArguments(output_dir="out", fp16=False, bf16=False)
""",
        after="""\
model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32)
model = get_peft_model(model, lora)
capable = torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
args = TrainingArguments(output_dir="out", bf16=capable, fp16=torch.cuda.is_available() and not capable)
""",
        note="Without `dtype` transformers 5 loads the format of the checkpoint, which often is float16 or bfloat16.",
    ),
    alternatives=("run-on-cpu", "choose-another-base-model", "train-on-a-cloud-gpu"),
    is_precaution=True,
)
