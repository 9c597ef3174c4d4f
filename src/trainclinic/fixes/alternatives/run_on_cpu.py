"""Train on the CPU in float32, where no kernel of an accelerator can be at fault.

## Why it works
The CPU kernels of PyTorch are the reference that others are tested against. Whatever is still wrong there is wrong in
the script, the data or the settings. For adapters on models up to about one billion parameters a CPU is slow but
possible; for a test of ten steps it always is.

## What it does not do
It does not mend float16 weights: they fail on a CPU too. It is no way to train large models.

## References
- https://docs.pytorch.org/docs/stable/notes/mps.html
- https://huggingface.co/docs/transformers/perf_train_cpu
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="run-on-cpu",
    title="Train on the CPU in float32",
    kind="alternative",
    change="Set the device to the CPU and everything to float32; run 10 steps there even if the rest runs elsewhere",
    treats=(
        Treats("mps-instability", CURES, "no Apple kernel is used"),
        Treats("attention-kernel-defect", HELPS, "another kernel is used"),
        Treats("half-precision-adapter-weights", EASES, "float32 comes with it, the device itself changes nothing"),
    ),
    expects=(
        Expectation(
            "the first loss lies in {expected_first_loss}, and the same batch gives the same loss twice",
            "the first loss is finite, and the same batch gives the same loss twice",
        ),
    ),
    check="Compute the loss of one batch with the same weights on both devices: a difference above 1 % is a fault",
    risk="10 to 100 times slower than a GPU; sleep and other programs slow it further",
    minutes=5,
    restart="nothing",
    patches=(
        Patch("precision.device", "the CPU is the reference for every other device", to="cpu"),
        Patch("precision.compute", "the CPU computes in float32", to="float32"),
    ),
    edit=Edit(
        before="""\
args = TrainingArguments(output_dir="out")
""",
        after="""\
args = TrainingArguments(output_dir="out", use_cpu=True, bf16=False, fp16=False)
""",
    ),
    pros=("nothing to rent or to install", "deterministic and always float32", "separates the device from all else"),
    cons=("10 to 100 times slower", "too slow for full fine-tunes above some 500 M parameters"),
)
