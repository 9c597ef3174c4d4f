"""Compute loss and model with plain PyTorch instead of a fused loss or a compiled graph.

## Why it works
The plain path is a matrix product, a cross-entropy and autograd: the definition that fused kernels imitate. It computes
the gradient when it is asked for, after weights, masks and scales were applied, and not during the forward pass under
assumptions about what follows. Without `torch.compile` no guard can be wrong, no fusion can change the order of
arithmetic, and no new shape costs a compilation.
What the kernels saved comes back as memory: logits of 4 rows, 1,024 tokens and a vocabulary of 128,256 take 2.1 GB in
float32, and their gradient the same. Fewer rows with more accumulation, or checkpointing, pay for that. In TRL 1.16 the
log-probabilities are computed in chunks anyway, so there little is lost.
Once the run is right, switch one of both on again and compare 200 steps with the same seed.

## What it does not do
It is no cure for a learning rate that is too high, for labels, or for a graph that is cut before the loss: with these
the plain path fails alike, and that is a finding. Attention kernels have a switch of their own.

## References
- https://github.com/linkedin/Liger-Kernel/issues/968
- https://github.com/linkedin/Liger-Kernel/issues/512
- https://github.com/pytorch/pytorch/issues/113180
- https://docs.pytorch.org/docs/stable/torch.compiler_troubleshooting.html
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="turn-off-fused-kernels",
    title="Turn off fused losses and compilation",
    kind="recipe",
    change=(
        "Remove `use_liger_kernel`, other fused cross-entropies and `torch_compile`, and halve the rows per pass with "
        "twice the accumulation where memory no longer suffices"
    ),
    treats=(
        Treats("fused-or-compiled-kernel-defect", CURES, "the plain path computes the loss that is meant"),
        Treats("graph-recompilation", HELPS, "nothing is compiled, though compiled steps would be faster"),
    ),
    expects=(
        Expectation("the gradient norm of the first step is above 0 and finite"),
        Expectation(
            "within 200 steps the loss falls below {last_loss}, where the fused run ended",
            "within 200 steps the loss is below that of the fused run at the same step",
        ),
    ),
    check=(
        "Compute loss and head gradient of one batch in float32 with both paths: more than 1 % apart is a defect of "
        "the fused one"
    ),
    risk="Logits need rows x tokens x vocabulary x 4 bytes, twice with their gradient, and may not fit",
    minutes=5,
    restart="nothing",
    spoils="trained with gradients of another loss than the logged one",
    patches=(
        Patch("model.fused_loss", "a fused loss may have another gradient than the plain one", to=False),
        Patch("model.compiled", "a compiled graph may compute something else than the code", to=False),
    ),
    edit=Edit(
        before="""\
model = torch.compile(model)
args = TrainingArguments(output_dir="out", use_liger_kernel=True, torch_compile=True)
""",
        after="""\
args = TrainingArguments(output_dir="out", use_liger_kernel=False, torch_compile=False)
""",
    ),
    alternatives=("upgrade-torch",),
    pros=("works at once with what is installed", "the reference that every fused path is compared with"),
    cons=("gigabytes of memory for logits", "steps that are 10 to 50 % slower"),
)
