"""Hand the token ids themselves over as labels, and let the model shift them once.

## Why it works
Causal language models of transformers compare the output at position t with the label at t+1: they do the shift. A
loader that returns `x = ids[:-1], y = ids[1:]` has done it already. With `labels=y` the output at t is scored against
token t+2, with t+1 unseen, and no setting of the optimizer can bring that loss below what the data allow at a distance
of two. One shift, in one place, makes the loss that of the next token.

## What it does not do
It saves no checkpoint: every one was trained towards the wrong token. It does not change the data, the learning rate,
the batch or the block: they were never tested while the targets were wrong, and should be judged only afterwards.

## References
- https://huggingface.co/docs/transformers/model_doc/gpt2
- https://github.com/huggingface/transformers/pull/46898
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="pass-unshifted-labels",
    title="Pass unshifted labels to the model",
    kind="script",
    change="Pass `labels=input_ids` to the model, or compute the loss from the logits and the shifted targets yourself",
    treats=(Treats("double-label-shift", CURES, "one shift is left, and the target is the next token again"),),
    expects=(
        Expectation(
            "the first loss lies in {expected_first_loss} instead of {logged_first_loss}, within the first 10 steps",
            "the first loss lies in the range of the pretrained model, within the first 10 steps",
        ),
        Expectation(
            "the loss goes below {unigram_loss}, the level of single-token frequencies, and keeps falling",
            "the loss goes on falling where it stood still",
        ),
    ),
    check=(
        "On one batch compare `model(ids, labels=labels).loss` with the cross-entropy of `logits[:, :-1]` against "
        "`ids[:, 1:]`: both must be equal"
    ),
    risk="None for a model that shifts; a model of your own that does not shift needs the shifted targets",
    minutes=5,
    restart="nothing",
    spoils="trained on the wrong target, the token after the next one",
    patches=(Patch("loss.shifted_by", "the model shifts by itself, and one shift is right", to="model"),),
    edit=Edit(
        before="""\
x = data[i : i + block]
y = data[i + 1 : i + 1 + block]
loss = model(input_ids=x, labels=y).loss
""",
        after="""\
x = data[i : i + block]
loss = model(input_ids=x, labels=x).loss
""",
        note="Where padding exists, set its labels to -100.",
    ),
)
