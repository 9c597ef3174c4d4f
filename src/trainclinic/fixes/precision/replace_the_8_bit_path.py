"""Load the base in 16 or 4 bits instead of 8, and keep the state of the optimizer in 32 bits.

## Why it works
The int8 product of LLM.int8 and the 8-bit optimizers are kernels of their own, and a defect in one of them is avoided
by not calling it. The 16-bit product is the one that everybody uses; 4-bit weights are unpacked to 16 bits first and
multiplied there, so they do not need the int8 units that cards before Turing lack. A 32-bit optimizer keeps 8 bytes of
state a parameter instead of 2. For adapters that is nothing: 20 million trained parameters need 160 MB instead of
40 MB. The base costs more: 7 billion parameters take 14 GB in 16 bits, 7 GB in 8 and about 4 GB in 4.
Change one of the two at a time for 50 steps, if you want to know which it was; for a run that simply has to work,
change both. A newer bitsandbytes is the third way: the wrong code book of 0.36 to 0.41.0 was corrected in 0.41.1.

## What it does not do
It does not help against float16 overflow, which stays without any 8-bit code, and it does not lower a learning rate
that is too high. A state that was saved by an 8-bit optimizer cannot be read by a 32-bit one: go on from the weights
alone, with a warm-up of some 20 steps.

## References
- https://github.com/bitsandbytes-foundation/bitsandbytes/issues/152
- https://github.com/tloen/alpaca-lora/issues/265
- https://huggingface.co/docs/bitsandbytes/main/en/installation
- https://arxiv.org/abs/2208.07339
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="replace-the-8-bit-path",
    title="Replace 8-bit weights and 8-bit optimizers",
    kind="recipe",
    change=(
        "Load the base in 16 bits, or in 4 bits where memory is short, instead of `load_in_8bit=True`, and train with "
        '`optim="adamw_torch"` instead of an 8-bit optimizer'
    ),
    treats=(Treats("quantization-kernel-defect", CURES, "neither the int8 product nor the 8-bit update is called"),),
    expects=(
        Expectation(
            "the loss is finite at step {fault_step} in 3 launches of 3, with the learning rate left at "
            "{learning_rate}",
            "the loss is finite over the first 100 steps in 3 launches of 3, with the learning rate as it was",
        ),
        Expectation(
            "the first loss lies in {expected_first_loss}",
            "the first loss of the 16-bit base is at most some tenths of a nat below that of the 8-bit one",
        ),
    ),
    check=(
        "Run 50 steps three times each: without 8-bit weights, without the 8-bit optimizer, and without both; keep "
        "the smallest change that is clean 3 times of 3"
    ),
    risk="16-bit weights need twice the memory of 8-bit ones, and a 32-bit optimizer 6 bytes more a trained parameter",
    minutes=15,
    restart="before the fault",
    patches=(
        Patch(
            "adapter.quantised_bits",
            "the int8 product is wrong on some cards",
            to=0,
            when=("adapter.quantised_bits", (8,)),
        ),
        Patch(
            "optimizer.name",
            "the state of 8-bit optimizers was wrong in some releases",
            to="adamw_torch",
            when=(
                "optimizer.name",
                (
                    "adamw_8bit",
                    "adamw_bnb_8bit",
                    "paged_adamw_8bit",
                    "adamw_torch_8bit",
                    "lion_8bit",
                    "paged_lion_8bit",
                    "ademamix_8bit",
                    "paged_ademamix_8bit",
                ),
            ),
        ),
    ),
    edit=Edit(
        before="""\
eight_bit = BitsAndBytesConfig(load_in_8bit=True)
model = AutoModelForCausalLM.from_pretrained(name, quantization_config=eight_bit)
model = get_peft_model(prepare_model_for_kbit_training(model), lora)
args = TrainingArguments(output_dir="out", optim="adamw_bnb_8bit")
""",
        after="""\
model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.bfloat16)
model = get_peft_model(model, lora)
args = TrainingArguments(output_dir="out", bf16=True, optim="adamw_torch")
""",
        note="A V100 or P100 has no bfloat16: load the frozen base in float16 there and set `fp16=True`.",
    ),
    commands=("python -m pip install --upgrade bitsandbytes",),
    alternatives=("choose-another-base-model", "train-on-a-cloud-gpu"),
    pros=("works on the card and with the releases at hand", "one line each for weights and optimizer"),
    cons=("twice the memory for the base in 16 bits", "an optimizer state in 8 bits cannot be gone on with"),
)
