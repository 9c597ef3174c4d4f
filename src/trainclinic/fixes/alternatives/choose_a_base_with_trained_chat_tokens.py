"""Start from the instruct checkpoint of the family, whose chat tokens were trained, instead of the base checkpoint.

## Why it works
Base checkpoints hold the chat markers of their family as reserved rows: in Llama 3 some 250 of them, nearly one vector
and of small norm. An adapter cannot change them. The instruct checkpoint of the same family has the same sizes, the
same tokenizer and the same memory, and its markers were trained on many conversations: the end of a turn is likely
after an answer before your first step. It brings the template as well, so that no frame has to be learned.
The change is one name in the script. Compare both on 20 of your prompts before training: the instruct checkpoint
should close every answer.

## What it does not do
It does not mend rows without an end token, an end token that is hidden as padding, or float16 weights. Adapters of the
old base do not fit the new one. An instruct checkpoint brings habits of its own (tone, refusals, a system message)
that a base does not have, and some continued pretraining is better done on a base with plain prompts, whose markers
such as `### Answer:` consist of trained tokens.

## References
- https://github.com/meta-pytorch/torchtune/issues/2429
- https://github.com/unslothai/unsloth/issues/1056
- https://github.com/unslothai/unsloth/issues/877
- https://huggingface.co/docs/transformers/main/en/chat_templating
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="choose-a-base-with-trained-chat-tokens",
    title="Start from the instruct checkpoint",
    kind="alternative",
    change="Replace the base checkpoint by the instruct one of the same family, and use its own chat template",
    treats=(
        Treats("untrained-special-tokens", CURES, "the rows of its chat markers were trained before"),
        Treats("chat-template-mismatch", HELPS, "its weights know the template that its tokenizer brings"),
        Treats("uninitialised-new-token-embeddings", HELPS, "chat markers need not be added any more"),
        Treats("missing-eos-in-targets", EASES, "it can stop already, and its template closes every turn"),
    ),
    expects=(
        Expectation("before training at least 18 of 20 greedy answers end by themselves, against few of the base"),
        Expectation("the norms of the rows of all chat markers lie above 0.3 of the mean row norm"),
        Expectation(
            "the first loss on answers lies below {first_loss}, the value of the base checkpoint",
            "the first loss on answers lies below that of the base checkpoint",
        ),
    ),
    check=(
        "Before training compare the norms of the rows of all special tokens of the template with the mean norm, in "
        "the embedding and in the head, and generate 20 answers"
    ),
    risk="Style and refusals of the instruct model mix with what you teach; its licence may differ",
    minutes=10,
    restart="nothing",
    patches=(Patch("text.template", "the instruct checkpoint was trained with its own template", to="model"),),
    edit=Edit(
        before="""\
name = "meta-llama/Llama-3.1-8B"
tokenizer = AutoTokenizer.from_pretrained(name)
tokenizer.chat_template = AutoTokenizer.from_pretrained("meta-llama/Llama-3.1-8B-Instruct").chat_template
""",
        after="""\
name = "meta-llama/Llama-3.1-8B-Instruct"
tokenizer = AutoTokenizer.from_pretrained(name)
""",
        note="The model must be loaded from the same name.",
    ),
    commands=("trainclinic data train.jsonl --tokenizer models/instruct --loss-on answers --show 3",),
    alternatives=("train-new-token-rows",),
    pros=("one name to change", "no embeddings to train or to save", "answers and stops before the first step"),
    cons=("brings tone, refusals and a system message of its own", "earlier adapters do not fit it"),
)
