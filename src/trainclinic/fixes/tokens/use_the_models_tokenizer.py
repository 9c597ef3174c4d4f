"""Load tokenizer and model from one place, and give every id of the tokenizer a row of the model.

## Why it works
An embedding is read by row number, so that ids mean what they mean only beside the weights they were trained with. Ids
of another tokenizer select the rows of other words: the untouched model is confident and wrong, and the first loss
lies above the logarithm of the vocabulary (17 nats in an experiment with random ids, where guessing costs 10 to 12).
Ids beyond the last row stop the run with a device-side assert, or an index error on the CPU. One name for both calls,
and a resize after the last token was added, end both. Many checkpoints hold more rows than their tokenizer has tokens
(Qwen 2.5: 151,936 rows): resize only where an id would lie beyond the end, since shrinking them wins nothing.

## What it does not do
It saves no checkpoint that was trained on foreign ids: the adapter learned a cipher. Rows that a resize adds start at
the mean and still have to be trained. A tokenizer saved by the training itself is the right one for its adapter, with
all tokens that were added, so load that one for inference.

## References
- https://huggingface.co/docs/transformers/main_classes/tokenizer
- https://github.com/01-ai/Yi/issues/448
- https://github.com/meta-llama/llama-cookbook/issues/189
- https://github.com/huggingface/transformers/issues/22778
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="use-the-models-tokenizer",
    title="Use the tokenizer of the model",
    kind="recipe",
    change=(
        "Load the tokenizer from the name or folder of the model, add tokens first, and resize the embeddings "
        "afterwards if `len(tokenizer)` exceeds their rows"
    ),
    treats=(
        Treats("tokenizer-vocabulary-mismatch", CURES, "every id has a row, and the row of its own word"),
        Treats("foreign-special-tokens", EASES, "with the model's tokenizer its own literals are single ids again"),
    ),
    expects=(
        Expectation(
            "the first loss lies in {expected_first_loss} instead of {logged_first_loss}, below {uniform_loss}",
            "the first loss is that of the pretrained model, 1 to 4 nats, and not at or above that of guessing",
        ),
        Expectation("the largest id of the data is smaller than the number of embedding rows, and 1 batch passes"),
    ),
    check=(
        "Compare `max(max(ids) for ids in rows)` with `model.get_input_embeddings().weight.shape[0]`, and score one "
        "common sentence with the untouched model: below 5 nats a token clears the pair"
    ),
    risk="Data that were tokenised and stored with the old tokenizer must be made again from the text",
    minutes=10,
    restart="nothing",
    patches=(Patch("model.tokenizer", "ids mean something beside their own weights alone", to=""),),
    edit=Edit(
        before="""\
tokenizer = AutoTokenizer.from_pretrained("gpt2")
tokenizer.add_tokens(["<call>"])
model = AutoModelForCausalLM.from_pretrained("TinyLlama/TinyLlama-1.1B-Chat-v1.0", dtype=torch.float32)
""",
        after="""\
name = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"
tokenizer = AutoTokenizer.from_pretrained(name)
tokenizer.add_tokens(["<call>"])
model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32)
if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
    model.resize_token_embeddings(len(tokenizer))
""",
    ),
    commands=(
        "trainclinic lint train.py",
        "trainclinic data train.jsonl --tokenizer models/base --show 3",
    ),
)
