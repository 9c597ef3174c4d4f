"""Declare trained embedding and head rows in the adapter, so that they are written, read and merged with it.

## Why it works
An adapter file holds the adapter and what its configuration declares. Matrices that a script unfroze by itself are
trained and left out, and the rows of the base stand in their place after loading: a small model with tied matrices
had a loss of 1.31 before the save and of 4.04 after the reload. `trainable_token_indices` or
`modules_to_save` make them part of the adapter: they are in the file, come back with it, and `merge_and_unload` writes
them into the base. With tied matrices `modules_to_save` alone trains two copies that part, and
`ensure_weight_tying=True` keeps one. On a small model with PEFT 0.21 the loss of one batch was the same to four digits
live, reloaded, merged, and merged and reloaded, for rows and for whole matrices, tied and separate.

## What it does not do
Rows that were trained and never written are gone when the process ends. While it lives, save them now with
`save_embedding_layers=True`: nothing has to be trained again. Afterwards the adapter goes on from its last checkpoint,
and some hundred steps teach the rows anew. It does not train rows that were frozen, and mends no rounding in a merge.

## References
- https://huggingface.co/docs/peft/developer_guides/troubleshooting
- https://github.com/huggingface/transformers/issues/45127
- https://github.com/artidoro/qlora/issues/214
- https://github.com/huggingface/peft/issues/2777
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="save-embeddings-with-the-adapter",
    title="Save trained embeddings with the adapter",
    kind="export",
    change=(
        "Declare embedding and head in `modules_to_save`, with `ensure_weight_tying=True` where they are tied, "
        "instead of unfreezing them by hand; save a run that is still alive with `save_embedding_layers=True`"
    ),
    treats=(
        Treats("embedding-state-lost-on-save", CURES, "every trained row is in the file and survives loading"),
        Treats("untrained-special-tokens", HELPS, "declared matrices are trained as well as saved"),
    ),
    expects=(
        Expectation("the loss of 1 held-out batch before the save equals that after the reload within 0.001 nats"),
        Expectation("100 % of the trained parameters have a tensor in `adapter_model.safetensors`"),
    ),
    check=(
        "Compare the names of parameters with `requires_grad` with the keys of the saved file, and the loss of one "
        "batch before the save, after the reload and after the merge"
    ),
    risk="Whole matrices make large files: 4.2 GB in float32 for both matrices of an 8-billion-parameter Llama 3",
    minutes=15,
    restart="the last checkpoint",
    patches=(
        Patch(
            "adapter.in_full",
            "adapter files hold only matrices that are declared",
            adds=("embed_tokens", "lm_head"),
            when=("adapter.method", ("lora",)),
        ),
    ),
    edit=Edit(
        before="""\
model = get_peft_model(model, LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM"))
model.get_input_embeddings().weight.requires_grad_(True)
trainer.train()
model.save_pretrained("adapter")
""",
        after="""\
full = ["embed_tokens", "lm_head"]
lora = LoraConfig(
    r=16, target_modules="all-linear", task_type="CAUSAL_LM", modules_to_save=full, ensure_weight_tying=True
)
model = get_peft_model(model, lora)
trainer.train()
model.save_pretrained("adapter")
""",
        note="`ensure_weight_tying` only warns where the matrices are separate.",
    ),
    commands=("trainclinic lint train.py",),
    alternatives=("train-new-token-rows",),
    pros=("every row of both matrices is trained and saved", "no list of ids to keep"),
    cons=("16 bytes of memory for each parameter of both matrices", "files of gigabytes"),
)
