"""Hide every later token from attention again, with minus infinity or a kernel that masks by itself.

## Why it works
With `is_causal=True` the kernel gives later tokens no weight at all, so that no size of the scores can bring them back.
In attention written by hand the smallest number of the format does the same: exp(x - max) is exactly 0 in float32 for
differences below -104, and with a fill of -3.4e38 every difference is. With -1e4 that holds only while scores are far
from that size, and a mask that is multiplied in sets scores to 0, which is a good score. With the mask in place the
next token has to be predicted, and the loss comes to rest where language has its entropy: 1 to 3 nats for text, ln V
for random tokens. Where a library dropped the mask, take a release in which it is back: Gemma 2 lacks it in
transformers 4.42.0 and 4.42.1, RoFormer, BigBird, RemBERT and MegatronBERT in 5.9 to 5.17.

## What it does not do
It saves no checkpoint: all of them learned to look ahead, and adapters on top of a good base have bent it to that end.
It does not find rows that are shared with the evaluation, which lower both losses too while the outputs are good, nor
labels that are not shifted, which make a model repeat its input.

## References
- https://github.com/huggingface/transformers/issues/31673
- https://github.com/huggingface/transformers/issues/48745
- https://github.com/karpathy/minGPT/issues/75
- https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, Edit, Expectation, Fix, Treats

FIX = Fix(
    slug="restore-the-causal-mask",
    title="Restore the causal mask",
    kind="script",
    change=(
        "Call `scaled_dot_product_attention` with `is_causal=True`, or fill masked scores with the smallest number of "
        "their format; where a library lost the mask, change its release"
    ),
    treats=(Treats("causal-mask-leak", CURES, "no position can read the token that it has to predict"),),
    expects=(
        Expectation("logits before position t move by less than 1e-4 in float32 when tokens after t are changed"),
        Expectation(
            "on new random tokens in each step the loss does not go below {uniform_loss}",
            "on new random tokens in each step the loss does not go below ln V",
        ),
        Expectation("the training loss is above 0.5 after 300 steps, where it was near 0"),
    ),
    check=(
        "Replace the second half of one row by random tokens and compare the logits of the first half, with attention, "
        "padding and packing of the run and dropout off"
    ),
    risk="`is_causal=True` beside `attn_mask` is an error: with padding join both into one boolean mask",
    minutes=20,
    restart="nothing",
    spoils="taught to read the next token instead of predicting it",
    edit=Edit(
        before="""\
scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
scores = scores.masked_fill(mask == 0, -1e4)
out = torch.softmax(scores, dim=-1) @ v
""",
        after="""\
out = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
""",
        note="With a cache the queries are the last positions: give a mask in place of the flag there.",
    ),
    commands=(
        'python -m pip install --upgrade "transformers>=5.18"',
        "trainclinic lint model.py",
    ),
)
