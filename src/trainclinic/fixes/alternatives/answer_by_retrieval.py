"""Look facts up when a question comes in, and let an instruct model answer from the passages that were found.

## Why it works
Fine-tuning teaches form well (tone, format, a procedure) and single facts badly: a fact that occurs in one row is
learned only after many passes, while everything else is being learned by heart, and models that are tuned on facts new
to them make up more of them afterwards. A search brings the passage itself before the model, with its words and
numbers. Three to five passages of 200 to 500 tokens fit into every present context, and a new document is
known a minute after it was indexed. Answers can name their source, and a wrong one can be traced to a passage.
Nothing is trained. A model that could not be fine-tuned on a machine without swapping may still run there: inference
keeps no gradients, moments or activations, and takes 2 bytes a parameter in 16 bits, 0.5 in 4.

## What it does not do
It teaches no style, no format and no skill that the model lacks: those are what fine-tuning is for, and both can be
combined. It does not find what is in no passage, and answers get no better than the search: measure first how often the
right passage is among the first five. It repairs no training run, so faults of a script stay where they are.

## References
- https://arxiv.org/abs/2005.11401
- https://arxiv.org/abs/2312.05934
- https://arxiv.org/abs/2405.05904
- https://sbert.net/
"""

from __future__ import annotations

from trainclinic.fixes.fix import EASES, HELPS, Expectation, Fix, Treats

FIX = Fix(
    slug="answer-by-retrieval",
    title="Answer by retrieval",
    kind="alternative",
    change=(
        "Where the aim is that the model knows documents or answers, make them searchable and answer from what is "
        "found, by quotation or with an instruct model; keep fine-tuning for form and style"
    ),
    treats=(
        Treats("overfitting", HELPS, "facts are looked up, so no row has to be known by heart"),
        Treats("duplicate-samples", EASES, "copies only take places in a list of results"),
        Treats("memory-swapping", HELPS, "inference takes 2 bytes a parameter or less, training up to 16"),
        Treats("untrained-special-tokens", EASES, "an instruct model is used as it was trained"),
        Treats("learning-rate-too-low", EASES, "what was not learned is read at the moment of the question"),
    ),
    expects=(
        Expectation("the right passage is among the first 5 for at least 80 of 100 real questions, before any answer"),
        Expectation(
            "at least 8 of 10 answers to these questions agree with their passage, where {model} made facts up",
            "at least 8 of 10 answers to these questions agree with their passage",
        ),
    ),
    check=(
        "Run `trainclinic index DATA -o answers --against MODEL`: it asks the index and the fine-tuned model the same "
        "questions and says whose answers are nearer; then read 50 real questions with their answers"
    ),
    risk="Weeks go into prompts where the search is at fault: measure it alone before an answer is judged",
    minutes=60,
    restart="no training",
    commands=(
        "pip install 'trainclinic[retrieval,serve]'",
        "trainclinic index train.jsonl -o answers --evaluate  # seconds; says how often the right row is found",
        'trainclinic ask answers "a question that your users ask"',
        "trainclinic index train.jsonl -o answers --against runs/my-finetune  # which of both answers better",
        "trainclinic serve answers  # a page, and /v1/chat/completions",
    ),
    alternatives=("choose-another-base-model", "train-on-a-cloud-gpu", "stop-at-the-best-checkpoint"),
    pros=(
        "new facts are known within a minute",
        "answers can name their source",
        "no training, and no run that can fail",
    ),
    cons=(
        "teaches no style, format or skill",
        "an index has to be kept up to date",
        "each answer reads 1,000 to 2,500 tokens more",
    ),
    horizon="longer term",
)
