"""Train the embedding and output rows of the special tokens that the data use, beside the adapter.

## Why it works
An adapter changes the layers between two matrices and leaves both frozen. A marker whose output row was never trained
cannot become likely, however the hidden state turns. `trainable_token_indices` of PEFT trains single rows and stores
exactly these. The input matrix and the head must both be named: a plain list trains input rows alone. On a small model
with separate matrices three updates brought the loss on two new tokens to 4.50 with input rows and to 2.08 with both;
with tied matrices one set of rows serves both, and the same setting is right. Ten tokens at width 4,096 are 82,000
parameters; `modules_to_save` trains both matrices whole, for Llama 3 8B 1.05 billion parameters and 16.8 GB with
gradients and moments.

## What it does not do
It does not repair rows that start at giant values: let them start at the mean first. It learns a token only from rows
that contain it, so some hundred occurrences are needed. A few more epochs with frozen rows change nothing.
Earlier adapters keep their answers: merge the adapter into the base, attach a new one with this setting, and go on.

## References
- https://huggingface.co/docs/peft/package_reference/trainable_tokens
- https://huggingface.co/docs/peft/developer_guides/troubleshooting
- https://github.com/meta-pytorch/torchtune/issues/2429
- https://github.com/unslothai/unsloth/issues/1056
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="train-new-token-rows",
    title="Train the rows of the special tokens",
    kind="recipe",
    change=(
        "Give `trainable_token_indices` the ids of all special tokens of the data, for the input embedding and for "
        "the head; or list both in `modules_to_save`"
    ),
    treats=(
        Treats("untrained-special-tokens", CURES, "the rows of the markers learn like all that is trained"),
        Treats("uninitialised-new-token-embeddings", HELPS, "random rows are pulled into place by their gradients"),
        Treats("embedding-state-lost-on-save", HELPS, "what is declared in the adapter is written with the adapter"),
        Treats("chat-template-mismatch", EASES, "a frame that the base never learned gets rows of its own"),
    ),
    expects=(
        Expectation(
            "after a training answer {eos} has a probability above 0.5 instead of about 0.05",
            "after a training answer the end marker has a probability above 0.5 instead of about 0.05",
        ),
        Expectation("the rows of the listed ids differ from the base after 1 step, and no other row does"),
        Expectation("0 of 20 answers hold a reserved token, and at least 18 of 20 stop by themselves"),
    ),
    check=(
        "Print the names of trained parameters without `lora_`: with separate matrices both the embedding and the "
        "head must be among them, and both in the saved adapter file"
    ),
    risk="With few rows that hold the tokens their rows overfit; with `modules_to_save` memory grows by gigabytes",
    minutes=15,
    restart="the last checkpoint",
    patches=(
        Patch(
            "adapter.in_full",
            "rows of special tokens are frozen under an adapter unless they are declared",
            adds=("embed_tokens", "lm_head"),
            when=("adapter.method", ("lora",)),
        ),
    ),
    edit=Edit(
        before="""\
lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
model = get_peft_model(model, lora)
""",
        after="""\
ids = tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])
rows = {"embed_tokens": ids, "lm_head": ids}
lora = LoraConfig(
    r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM", trainable_token_indices=rows
)
model = get_peft_model(model, lora)
""",
        note="GPT-2 calls its input embedding `wte`, GPT-NeoX calls the two `embed_in` and `embed_out`.",
    ),
    commands=("trainclinic data train.jsonl --tokenizer models/base --show 3",),
    alternatives=("choose-a-base-with-trained-chat-tokens",),
    pros=("the base stays as it is", "some ten thousand parameters, stored with the adapter"),
    cons=("needs some hundred rows that hold each token", "servers have to load trained rows, or a merged model"),
)
