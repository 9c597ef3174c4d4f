"""Train another pretrained model, once a short test has shown that the present one is part of the problem.

## Why it works
Some faults depend on the checkpoint. A model pretrained in bfloat16 may hold activations above 65,504 that float16
cannot store; one that was pretrained in float16 or float32 kept them inside. Another size of heads or of the vocabulary
selects other kernels. A smaller model fits where memory was swapped, and an instruct checkpoint knows its chat tokens.
Size is paid for: in float32 frozen weights take 4 bytes a parameter, so 1.1 billion need 4.4 GB, 1.6 billion 6.4 GB and
2.7 billion 10.8 GB, and a step lasts longer in the same proportion. Test first: 10 steps on the same rows with the
same settings, once with each model. If both fail alike, the base was not the cause.

## What it does not do
It does not mend float16 weights under Adam, a pad token that is the end token, rows without an end, or labels that are
shifted twice: these live in the script and come along to every base. Most failed runs have such a cause, so that
changing the base often changes the numbers and not the fault. It does not replace a look at the first loss, which tells
whether the present model was loaded intact.

## References
- https://huggingface.co/docs/transformers/model_memory_anatomy
- https://github.com/huggingface/transformers/pull/10815
- https://huggingface.co/TinyLlama/TinyLlama-1.1B-Chat-v1.0
"""

from __future__ import annotations

from trainclinic.fixes.fix import EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="choose-another-base-model",
    title="Choose another base model",
    kind="alternative",
    change=(
        "Run 10 steps with another model of similar size and the same rows and settings, and change over only if the "
        "present one fails and the other does not"
    ),
    treats=(
        Treats(
            "fp16-range-overflow", HELPS, "a model that was pretrained in float16 kept most activations within 65,504"
        ),
        Treats("untrained-special-tokens", HELPS, "an instruct checkpoint has trained rows for its chat tokens"),
        Treats("memory-swapping", HELPS, "half the parameters need half the memory"),
        Treats("chat-template-mismatch", EASES, "an instruct checkpoint brings weights and template that agree"),
        Treats("attention-kernel-defect", EASES, "heads of another size select another kernel"),
        Treats("mps-instability", EASES, "another vocabulary may avoid the size at which the operator fails"),
        Treats(
            "half-precision-adapter-weights",
            EASES,
            "a base that is stored in bfloat16 is loaded so where no dtype is named, and the epsilon survives",
        ),
    ),
    expects=(
        Expectation(
            "the first 10 steps are finite with the new model and not with {model}; if both fail alike, go back",
            "the first 10 steps are finite with the new model and not with the present one; if both fail alike, go "
            "back",
        ),
        Expectation("the untouched new model loses fewer nats per character on 20 held-out answers than the old one"),
    ),
    check=(
        "Run 10 steps of both models with the same rows, seed and settings, side by side, and write down the first "
        "loss, the first gradient norm and the first non-finite value of each"
    ),
    risk="Weeks go into comparing models while the fault of the script stays in place",
    minutes=60,
    restart="nothing",
    patches=(
        Patch("model.tokenizer", "each model has its own tokenizer", to=""),
        Patch("adapter.modules", "other models name their layers otherwise", to=("all-linear",)),
    ),
    edit=Edit(
        before="""\
name = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"
lora = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"], task_type="CAUSAL_LM")
""",
        after="""\
name = "stabilityai/stablelm-2-1_6b"
lora = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
""",
        note="Load tokenizer and model from the new name, and tokenise the rows again.",
    ),
    commands=("trainclinic data train.jsonl --tokenizer models/other --show 3",),
    alternatives=(
        "choose-a-base-with-trained-chat-tokens",
        "run-on-cpu",
        "train-on-a-cloud-gpu",
        "answer-by-retrieval",
    ),
    pros=(
        "may answer better from the start",
        "separates faults of one checkpoint from those of the script within 10 steps",
    ),
    cons=(
        "does not mend float16 weights, a pad token that is the end token, or labels shifted twice",
        "tokenizer, template, learning rate and memory have to be settled anew",
        "larger models are slower: 2.7 billion parameters take about 2.5 times as long a step as 1.1 billion",
    ),
    horizon="longer term",
)
