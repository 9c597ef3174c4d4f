"""Take every special token from the tokenizer of the run instead of writing the token of another family as text.

## Why it works
A special token acts through its id. `<|endoftext|>` is one id for GPT-2 and six or more ordinary pieces for TinyLlama,
whose end token is `</s>`; `<|eot_id|>` is one id for Llama 3 alone. Generation compares ids, so that the pieces never
end an answer, and the model learns to spell them. `tokenizer.eos_token`, `tokenizer.bos_token` and
`apply_chat_template` always give what this model knows, and go on doing so when the model is exchanged.
One row in a hundred with a foreign literal is enough to see it again in outputs.

## What it does not do
It does not add a meaning to chat markers that a family writes as plain text: `<|user|>` of TinyLlama-Chat is several
pieces on purpose, and right in its template. It does not train reserved tokens of a base model. Rows that hold foreign
literals in their own text have to be cleaned as data. A literal that was trained fades when training goes on without
it; some hundred steps are enough where everything else was right.

## References
- https://huggingface.co/docs/transformers/main_classes/tokenizer
- https://huggingface.co/docs/transformers/main/en/chat_templating
- https://huggingface.co/TinyLlama/TinyLlama-1.1B-Chat-v1.0
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="use-the-models-special-tokens",
    title="Use the special tokens of the model at hand",
    kind="script",
    change=(
        "Replace every literal such as `<|endoftext|>` or `<|im_end|>` in script and rows by what the tokenizer "
        "names: `tokenizer.eos_token`, `tokenizer.bos_token`, or its chat template"
    ),
    treats=(
        Treats("foreign-special-tokens", CURES, "no literal is left that this tokenizer splits into pieces"),
        Treats("missing-eos-in-targets", HELPS, "a foreign literal often stands where the end token belongs"),
        Treats("chat-template-mismatch", EASES, "markers of another family are part of many foreign frames"),
    ),
    expects=(
        Expectation(
            "each special literal in the text encodes to exactly 1 id, and rows end in {eos}",
            "each special literal in the text encodes to exactly 1 id, and rows end in the end token of the model",
        ),
        Expectation("0 of 20 answers show `<|` or the name of a token, and at least 18 of 20 stop by themselves"),
        Expectation("rows are shorter by 5 to 9 tokens for each literal that was replaced"),
    ),
    check=(
        "For each literal in script and rows print `tokenizer.encode(text, add_special_tokens=False)`: it must have "
        "length 1, and the literal at the end of an answer must be `tokenizer.eos_token_id`"
    ),
    risk="Code behind the model that splits outputs at the old literal finds nothing to split any more",
    minutes=10,
    restart="the last checkpoint",
    patches=(Patch("text.end_token", "the end token of the tokenizer takes the place of the literal", to=True),),
    edit=Edit(
        before="""\
tokenizer = AutoTokenizer.from_pretrained("TinyLlama/TinyLlama-1.1B-Chat-v1.0")
text = prompt + row["answer"] + "<|endoftext|>"
""",
        after="""\
tokenizer = AutoTokenizer.from_pretrained("TinyLlama/TinyLlama-1.1B-Chat-v1.0")
text = prompt + row["answer"] + tokenizer.eos_token
""",
    ),
    commands=(
        "trainclinic lint train.py --select TOK",
        "trainclinic data train.jsonl --tokenizer models/base --show 3",
    ),
)
