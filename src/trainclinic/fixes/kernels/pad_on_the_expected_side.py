"""Pad on the left to generate in batches, and on the right to train.

## Why it works
A decoder writes its next token after the last position of each row. With padding on the left that position is the end
of the prompt in every row of a batch; with padding on the right it is a pad in all rows but the longest. With the mask
handed over, positions are counted from the first real token, so left padding changes nothing else: the same greedy
answers come out of a batch of 8 as from 8 single calls. Training scores given tokens and never continues, so the right
side is the simple one there, and the one that prompt masks and most collators assume; TRL always pads language-model
rows on the right, whatever the tokenizer says. Where a model class refuses right padding in training, it is the cache
that it cannot combine with it, and `model.config.use_cache = False` lets the run pass.

## What it does not do
It changes no weight. If answers to single prompts are bad as well, look at template, end token and training; padding
has no part in a batch of one. It does not make 16-bit answers the same to the letter: ties between likely tokens may
fall the other way in a batch.

## References
- https://huggingface.co/docs/transformers/llm_tutorial
- https://github.com/huggingface/trl/issues/1217
- https://github.com/axolotl-ai-cloud/axolotl/pull/675
- https://github.com/hiyouga/LlamaFactory/issues/1267
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="pad-on-the-expected-side",
    title="Pad on the left to generate and on the right to train",
    kind="script",
    change=(
        'Set `tokenizer.padding_side = "left"` before batched generation, hand the attention mask over, and keep the '
        "right side and `use_cache=False` for training"
    ),
    treats=(
        Treats("padding-side-mismatch", CURES, "every prompt is continued after its own last token"),
        Treats("evaluation-artefact", EASES, "answers that are scored do not depend on the rows beside them"),
        Treats("fully-masked-attention-rows", EASES, "training rows have no padding before them any more"),
    ),
    expects=(
        Expectation("8 greedy answers from one batch equal those of 8 single calls, at least 7 of 8 to the letter"),
        Expectation("the run passes its first evaluation without a message about `padding_side`"),
    ),
    check=(
        "Generate greedily for 8 prompts of mixed lengths, one by one and in one batch, and compare the texts; print "
        "`batch.input_ids[:, -1]`: no pad id may be among them"
    ),
    risk="One tokenizer shared by training and generation keeps the last side that was set; use two",
    minutes=5,
    restart="no training",
    patches=(Patch("text.padding_side", "only generation needs the left side", to="right"),),
    edit=Edit(
        before="""\
tokenizer = AutoTokenizer.from_pretrained("gpt2")
batch = tokenizer(prompts, padding=True, return_tensors="pt")
output = model.generate(batch.input_ids, max_new_tokens=200)
""",
        after="""\
tokenizer = AutoTokenizer.from_pretrained("gpt2", padding_side="left")
batch = tokenizer(prompts, padding=True, return_tensors="pt")
output = model.generate(**batch, max_new_tokens=200)
answers = tokenizer.batch_decode(output[:, batch.input_ids.shape[1] :], skip_special_tokens=True)
""",
        note="A prompt that a chat template wrote is tokenised with `add_special_tokens=False`.",
    ),
    commands=("trainclinic lint generate.py",),
)
