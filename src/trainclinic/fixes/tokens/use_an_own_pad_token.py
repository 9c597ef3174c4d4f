"""Pad with a token that is not the end token, so that hiding the padding hides no end of an answer.

## Why it works
The language-modelling collator sets every label that equals the pad id to -100. While pad and end token share one id,
the end of each of 100 % of the rows is hidden as well, and no row asks the model to stop. With an id of its own the
padding is hidden and the end token stays a target. In a controlled pair of 200 steps the shared id gave 0 of 8 outputs
that stopped and a separate one 8 of 8, while the losses ended within 0.1 nats of each other: the curve shows nothing.
A token that exists already needs no new row: `<unk>` in Llama 2 and TinyLlama, `<|finetune_right_pad_id|>` in Llama
3.1, `<|endoftext|>` in Qwen 2.5 chat models, whose turns end in `<|im_end|>`. The padding row is masked in attention
and in the loss, so that its values never matter.

## What it does not do
It writes no end token into rows that have none, and it does not mask padding where no collator does. Trainers that pad
the labels by themselves with -100 (the SFT trainer of TRL does) bear a shared id. Everything but the end was taught
rightly: load the last weights, start a new schedule, and some hundred steps are enough.

## References
- https://github.com/unslothai/unsloth/issues/416
- https://github.com/mlabonne/llm-course/issues/33
- https://github.com/huggingface/transformers/issues/23530
- https://huggingface.co/docs/transformers/main_classes/data_collator
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="use-an-own-pad-token",
    title="Give padding a token of its own",
    kind="recipe",
    change=(
        "Set `pad_token` to an unused token of the tokenizer (`<unk>`, a reserved one) or add `<|pad|>`, and enlarge "
        "the embeddings if the new id has no row"
    ),
    treats=(
        Treats("eos-masked-as-padding", CURES, "the collator hides the pad id, and that is no end token any more"),
    ),
    expects=(
        Expectation(
            "in a collated batch the label at the end of each answer is the id of {eos} instead of -100, in 100 % of "
            "the rows",
            "in a collated batch the label at the end of each answer is the end token instead of -100, in 100 % of "
            "the rows",
        ),
        Expectation("at least 7 of 8 greedy answers stop before `max_new_tokens` after some 200 steps"),
        Expectation("the loss hardly changes: by less than 0.1 nats"),
    ),
    check=(
        "Collate one batch and print the labels where `input_ids == tokenizer.eos_token_id`: ends of answers must not "
        "be -100"
    ),
    risk="A pad token that also occurs in the text, such as `<unk>`, is hidden there too",
    minutes=5,
    restart="the last checkpoint",
    patches=(Patch("text.pad_token", "what is hidden as padding must not be the end token", to="own"),),
    edit=Edit(
        before="""\
tokenizer.pad_token = tokenizer.eos_token
collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
""",
        after="""\
tokenizer.add_special_tokens({"pad_token": "<|pad|>"})
if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
    model.resize_token_embeddings(len(tokenizer))
model.config.pad_token_id = tokenizer.pad_token_id
collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
""",
        note="Save the tokenizer beside the model, so that inference pads with the same id.",
    ),
    commands=(
        "trainclinic lint train.py",
        "trainclinic data train.jsonl --tokenizer models/base --collator lm --show 3",
    ),
    is_precaution=True,
)
