"""Rent an NVIDIA GPU with bfloat16 for the hours of the training, once ten steps there have shown what it changes.

## Why it works
A data-centre card from Ampere on (A100, L4, L40S, H100) computes in bfloat16, whose range is that of float32: values
above 65,504, which float16 turns into infinity, are nothing special there. Its kernels are the ones that most runs of
the world are made with, so a fault of an Apple operator, of an old card or of a desktop driver is left behind. 24 to 80
GB of memory of its own end swapping, and a rack neither sleeps nor overheats. An adapter on 1 to 8 billion parameters
takes one to a few hours for some ten thousand rows.
Cards before Ampere (T4, V100) have no fast bfloat16, and would bring float16 and its loss scaler back. A free T4 is
therefore no test of this way.

## What it does not do
It does not mend the script. Adapters that are cast to float16, labels that are shifted twice, a pad token that is the
end token and rows without an end fail there in the same way, only faster. Move first the 10 steps that fail here: if
they fail there with the same numbers, the device was not the cause and nothing should be rented.

## References
- https://developer.nvidia.com/cuda-gpus
- https://docs.pytorch.org/docs/stable/notes/mps.html
- https://docs.pytorch.org/docs/stable/amp.html
- https://huggingface.co/docs/transformers/perf_train_gpu_one
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="train-on-a-cloud-gpu",
    title="Train on a rented NVIDIA GPU",
    kind="alternative",
    change=(
        "Rent a card from Ampere on with 24 GB or more, repeat the first 10 steps with the same rows, seed and "
        "settings there, and move the run only if they go better"
    ),
    treats=(
        Treats("mps-instability", CURES, "no Apple kernel is used"),
        Treats("memory-swapping", CURES, "memory of its own, 24 to 80 GB, holds adapters on 7 billion parameters"),
        Treats("thermal-throttling", CURES, "a rack removes the heat that the card makes"),
        Treats("machine-sleep", CURES, "a server does not sleep"),
        Treats("fp16-range-overflow", HELPS, "bfloat16 has the range of float32, where it is used"),
        Treats("quantization-kernel-defect", HELPS, "cards from Turing on have the int8 units that the product needs"),
        Treats("attention-kernel-defect", HELPS, "another kernel is used"),
        Treats("packing-contamination", HELPS, "the FlashAttention kernels that keep packed rows apart run there"),
        Treats("batch-size-too-small", HELPS, "more memory holds more rows"),
        Treats("mixed-precision-misconfiguration", EASES, "bfloat16 needs no loss scaler that could be forgotten"),
        Treats(
            "half-precision-adapter-weights",
            EASES,
            "with bfloat16 weights the epsilon survives, but float16 adapters fail there too",
        ),
    ),
    expects=(
        Expectation(
            "the first loss lies in {expected_first_loss}, and the first 10 steps are finite; if they fail with the "
            "same numbers as here, the device is not the cause",
            "the first 10 steps are finite; if they fail with the same numbers as here, the device is not the cause",
        ),
        Expectation(
            "the pace is at least 5 times {speed} steps per second, and level from the first hour on",
            "the pace is at least 5 times that of a laptop, and level from the first hour on",
        ),
    ),
    check=(
        "Print `torch.cuda.get_device_capability()`, which must be (8, 0) or higher, and compare loss and gradient "
        "norm of the first 10 steps on both machines"
    ),
    risk="Costs run on while nothing trains: stop the machine when the run ends, and copy checkpoints off it before",
    minutes=60,
    restart="nothing",
    patches=(
        Patch("precision.device", "the kernels of CUDA are the most used and the best tested", to="cuda"),
        Patch("precision.compute", "bfloat16 has the range of float32 and needs no loss scaler", to="bfloat16"),
        Patch("precision.trained_weights", "what the optimizer changes stays in float32 on every device", to="float32"),
    ),
    edit=Edit(
        before="""\
model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float16).to("mps")
args = TrainingArguments("out")
""",
        after="""\
model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32)
args = TrainingArguments("out", bf16=True)
""",
        note="The `Trainer` moves the model to the card; bfloat16 is the format of the arithmetic, not of the weights.",
    ),
    commands=(
        "nvidia-smi --query-gpu=name,compute_cap,memory.total --format=csv",
        'python -c "import torch; print(torch.cuda.get_device_capability(), torch.cuda.is_bf16_supported())"',
    ),
    alternatives=("run-on-cpu", "choose-another-base-model", "answer-by-retrieval"),
    pros=(
        "5 to 50 times the pace of a laptop",
        "bfloat16, FlashAttention and fused optimizers work",
        "separates the device from all else within 10 steps",
    ),
    cons=(
        "about 0.5 to 4 dollars an hour",
        "data leave the house",
        "does not mend float16 adapters, shifted labels, or a pad token that is the end token",
    ),
    horizon="longer term",
)
