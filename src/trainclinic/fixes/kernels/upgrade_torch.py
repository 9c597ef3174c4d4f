"""Install a PyTorch release in which the faulty operator is repaired, in an environment of its own.

## Why it works
A wrong kernel is a property of a build. Attention over rows that see no key returns NaN from 2.1 to 2.4 and zeros from
2.5 on. In 2.5.0 a cuDNN attention with NaN gradients was preferred, and 2.5.1 took that back. Several operators of
Apple GPUs were wrong for tensors that are not contiguous until 2.9. Nothing in a recipe can repair such a product, and
the newer build does so for every script.
A new environment keeps the old one as a witness: the same batch and weights in both show within minutes whether the
release was the cause. Packages that were compiled against one release (FlashAttention, bitsandbytes, xformers) have to
be installed again after it, or they fail to load or compute something else.

## What it does not do
Newer is not always better: masked attention on H100 has NaN gradients at some lengths with cuDNN in 2.11 to 2.13.0. If
10 steps fail in the new release as well, go back and switch the kernel. Fine-tuning faults in labels, precision and
tokens come along unchanged.

## References
- https://github.com/pytorch/pytorch/issues/110213
- https://github.com/huggingface/diffusers/issues/9768
- https://github.com/pytorch/pytorch/issues/118115
- https://github.com/pytorch/pytorch/issues/196678
- https://pytorch.org/get-started/locally/
"""

from __future__ import annotations

from trainclinic.fixes.fix import EASES, HELPS, Expectation, Fix, Treats

FIX = Fix(
    slug="upgrade-torch",
    title="Upgrade PyTorch",
    kind="environment",
    change=(
        "Make a new environment with the latest release of PyTorch, install packages with kernels of their own again, "
        "and repeat 10 steps in both environments before the old one is given up"
    ),
    treats=(
        Treats("mps-instability", HELPS, "several wrong operators of Apple GPUs were repaired in 2.4 and in 2.9"),
        Treats("fully-masked-attention-rows", HELPS, "from 2.5 on attention returns zeros for a row without keys"),
        Treats("attention-kernel-defect", HELPS, "most reported kernels were repaired one or two releases later"),
        Treats("fused-or-compiled-kernel-defect", HELPS, "defects of the compiler are repaired release by release"),
        Treats("mixed-precision-misconfiguration", EASES, "later releases warn where autocast has no device"),
    ),
    expects=(
        Expectation(
            "the first loss lies in {expected_first_loss} instead of {logged_first_loss}, with the same batch",
            "the first loss of the same batch is that of the CPU within 1 %",
        ),
        Expectation(
            "loss and gradient norm are finite at step {fault_step} and in the 50 steps after it",
            "loss and gradient norm are finite over the first 100 steps",
        ),
    ),
    check=(
        "Compute loss and gradient norm of one saved batch with the same weights in both environments and on the CPU: "
        "the new one must agree with the CPU within 1 % in float32"
    ),
    risk="FlashAttention, bitsandbytes and other compiled packages have to fit the new release, and may not exist yet",
    minutes=30,
    restart="before the fault",
    commands=(
        "python -m venv new-torch",
        "new-torch/bin/python -m pip install --upgrade torch transformers peft trl",
        'new-torch/bin/python -c "import torch; print(torch.__version__, torch.version.cuda)"',
    ),
    alternatives=("use-eager-attention", "turn-off-fused-kernels", "run-on-cpu"),
    pros=("repairs the operator for every script", "keeps the speed of the fast kernels"),
    cons=("other packages have to follow", "a new release may bring a defect of its own"),
)
