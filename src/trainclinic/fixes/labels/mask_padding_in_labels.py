"""Give every padding position the label -100, by the attention mask and not by its id.

## Why it works
The loss of PyTorch leaves out positions whose label is -100. Where labels are a plain copy of padded ids, a row of 100
tokens in a block of 1,024 has 924 pads among its targets: first a shock for the model (12.6 nats where 3 is right),
then a rule learned in some 50 steps that drags the mean to 0.2-0.5 and teaches it to end at once. With -100 there the
mean is over text alone and no longer depends on batch size or block length.
The attention mask is the safe guide. The pad token of many base models is the end token, and masking by id would hide
the real end of every answer with the padding. `DataCollatorForSeq2Seq` and the collator of TRL pad labels with -100
themselves; with them rows need no padding beforehand, and short batches run several times faster.

## What it does not do
It does not mask prompts and adds no end token. `DataCollatorForLanguageModeling` replaces the labels by its own, where
everything with the pad id is left out: an end token that shares that id needs another pad token. Weights that learned
to write padding unlearn it slowly, so that a new start is quicker.

## References
- https://github.com/axolotl-ai-cloud/axolotl/pull/2227
- https://github.com/axolotl-ai-cloud/axolotl/issues/1100
- https://huggingface.co/docs/transformers/main_classes/data_collator
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="mask-padding-in-labels",
    title="Leave padding out of the loss",
    kind="recipe",
    change=(
        "Set labels to -100 wherever `attention_mask` is 0, or do not pad rows and let `DataCollatorForSeq2Seq` pad "
        "ids and labels per batch"
    ),
    treats=(
        Treats("padding-in-loss", CURES, "no pad is a target any more"),
        Treats("eos-masked-as-padding", HELPS, "a mask by position keeps the end token that a mask by id hides"),
        Treats("gradient-accumulation-misnormalisation", EASES, "pads do not distort the count of a micro-batch"),
    ),
    expects=(
        Expectation("0 targets of a batch stand where `attention_mask` is 0"),
        Expectation(
            "the first loss lies in {expected_first_loss} instead of {logged_first_loss}",
            "the first loss lies in the range of the pretrained model",
        ),
        Expectation("the same rows padded to 512 and to 1,024 tokens have the same loss, to 1 %"),
    ),
    check=(
        "On one collated batch print `((labels != -100) & (attention_mask == 0)).sum()`: it must be 0; then decode the "
        "last 3 targets of each row: they must end in the end token"
    ),
    risk="Masking by id instead of by mask hides the end token where both share an id",
    minutes=10,
    restart="nothing",
    spoils="trained to write padding after the text",
    patches=(Patch("loss.padding", "padding teaches nothing but padding", to=False),),
    edit=Edit(
        before="""\
def encode(row):
    out = tokenizer(row["text"], padding="max_length", truncation=True, max_length=1024)
    out["labels"] = out["input_ids"].copy()
    return out
""",
        after="""\
def encode(row):
    out = tokenizer(row["text"], padding="max_length", truncation=True, max_length=1024)
    out["labels"] = [token if seen else -100 for token, seen in zip(out["input_ids"], out["attention_mask"])]
    return out
""",
        note="Without `padding` here, `DataCollatorForSeq2Seq(tokenizer)` pads each batch to its longest row only.",
    ),
    commands=(
        "trainclinic data train.jsonl --tokenizer models/base --show 3",
        "trainclinic lint train.py",
    ),
    is_precaution=True,
)
