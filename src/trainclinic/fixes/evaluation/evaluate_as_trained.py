"""Give the evaluation the same rows-to-tokens code, mask, packing and precision as training.

## Why it works
A distance between two numbers says something about the model only where nothing else differs. One function that turns a
row into ids and labels, one collator and one loss for both sides leave the rows as the only difference. What is worth
checking, by size: a missing begin token can make a perplexity of thousands, a metric without the shift compares each
prediction with its neighbour and comes near guessing, padding that counts moves the loss with the batch size, a prompt
that counts on one side only is some tenths of a nat, a mean over batches of unequal size some hundredths.
The judge is cheap: training rows sent through the evaluation, without a step and without dropout, must give the
training loss of the same batch. The model is untouched, so every checkpoint can be evaluated again.

## What it does not do
It does not lower a held-out loss that is honestly high, and does not remove a distance that grows from pass to pass:
that is overfitting. It cannot make losses of models with different tokenizers comparable; losses per character are.

## References
- https://huggingface.co/docs/trl/sft_trainer
- https://github.com/hiyouga/LlamaFactory/pull/7318
- https://github.com/mosaicml/llm-foundry/pull/288
- https://huggingface.co/docs/transformers/perplexity
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats

FIX = Fix(
    slug="evaluate-as-trained",
    title="Evaluate in the way that was trained",
    kind="evaluation",
    change=(
        "Send evaluation rows through the function and collator of training, with the same mask, packing and "
        "precision; in metrics of your own shift predictions against labels and leave -100 out"
    ),
    treats=(
        Treats("evaluation-artefact", CURES, "only the rows differ between both numbers"),
        Treats("bos-mismatch", EASES, "both sides begin with the same tokens"),
    ),
    expects=(
        Expectation("one batch of training rows has the same loss on both sides within 0.01, without dropout"),
        Expectation(
            "training and held-out loss are less than 0.3 nats apart at the first evaluation of the first pass"
        ),
        Expectation("perplexity is the exponential of the loss to 3 digits"),
    ),
    check=(
        "Print ids, labels and the number of labels that count for one row on both sides: the lists must be the same, "
        "and so must the loss"
    ),
    risk="Numbers from before the change cannot be compared with those after it: evaluate old checkpoints again",
    minutes=20,
    restart="no training",
    edit=Edit(
        before="""\
def compute_metrics(pair):
    predicted = pair.predictions.argmax(-1)
    return {"accuracy": (predicted == pair.label_ids).mean()}
""",
        after="""\
def compute_metrics(pair):
    predicted, labels = pair.predictions[:, :-1].argmax(-1), pair.label_ids[:, 1:]
    counts = labels != -100
    return {"accuracy": (predicted == labels)[counts].mean()}
""",
        note="In TRL leave `eval_packing` at None, which takes the setting of training.",
    ),
    commands=("trainclinic data train.jsonl --eval val.jsonl --tokenizer models/base --show 3",),
)
