"""Compare the output at each position with the next token: one shift, made in one place.

## Why it works
The output at position t is a prediction of token t+1. A loss that compares it with token t asks for a token that the
model is reading, and copying it is a rule that some hundred steps suffice for: the loss falls below 0.05, on unseen
rows as well. With `logits[:, :-1]` against `labels[:, 1:]` the answer is no longer among the inputs. A pretrained model
shows the difference before any update: about 10 nats without a shift, 1 to 4 with one.
The simplest place is the model itself: `model(input_ids=ids, labels=ids).loss` shifts inside. Label smoothing of the
Trainer goes another way. It shifts for class names of causal models that transformers knows, so that a subclass under a
name of its own is scored without a shift; smooth in your own loss there, or not at all.

## What it does not do
It brings no checkpoint back: what was trained to copy has lost what the base knew about language. A leaking attention
mask also ends near 0, but starts at the normal loss, and no shift cures it. Masked and diffusion language models are
scored at the same position on purpose and must stay as they are.

## References
- https://github.com/huggingface/transformers/issues/27161
- https://github.com/huggingface/transformers/pull/17987
- https://github.com/huggingface/transformers/issues/3711
- https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="shift-targets-once",
    title="Shift the targets once",
    kind="script",
    change=(
        "Compute an own loss from `logits[:, :-1]` and `labels[:, 1:]`, or pass unshifted `labels` and take `.loss`; "
        "set `label_smoothing_factor=0` for a model class of your own"
    ),
    treats=(
        Treats("missing-label-shift", CURES, "the target is no longer an input of its own position"),
        Treats("double-label-shift", HELPS, "the only shift stands beside the loss, where a second one is noticed"),
    ),
    expects=(
        Expectation(
            "the first loss lies in {expected_first_loss} instead of {logged_first_loss}, within the first 10 steps",
            "the first loss lies in the range of the pretrained model, 1 to 4 for most, within the first 10 steps",
        ),
        Expectation("the loss falls slowly from there, and stays far above the 0.05 that copying reaches in 300 steps"),
        Expectation("greedy text no longer repeats the last token of the prompt"),
    ),
    check=(
        "On one batch of the untouched model compute the cross-entropy of `logits[:, :-k]` against `ids[:, k:]` for "
        "k = 1 and 2, and of the unshifted pair: the loss of the script must equal k = 1"
    ),
    risk="A loader that has shifted already, or a model that shifts, makes it two shifts: look for `[1:]` in all files",
    minutes=10,
    restart="nothing",
    spoils="trained to copy the token that it reads",
    patches=(Patch("loss.shifted_by", "the model moves unshifted labels by one, which is right", to="model"),),
    edit=Edit(
        before="""\
logits = model(input_ids=ids, attention_mask=mask).logits
loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten())
""",
        after="""\
logits = model(input_ids=ids, attention_mask=mask).logits
loss = F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten(), ignore_index=-100)
""",
        note="Do not pass `labels` to the model as well: it would compute a second loss that nobody reads.",
    ),
    commands=("trainclinic lint train.py",),
)
