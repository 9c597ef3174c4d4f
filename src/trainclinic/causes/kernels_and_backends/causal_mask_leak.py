"""Attention lets a position see tokens that come after it, so the answer is visible where it is predicted.

## Mechanism
The causal mask is missing, multiplied in instead of added, filled with a finite constant that large scores overrule
(-1e4, or 0 in another dtype), or dropped on one path of the code (sliding windows, a fused kernel, a cache). The next
token is then an input of its own prediction. Training learns to copy it, which is much easier than language, and the
validation loss falls just as far, because the evaluation uses the same forward pass. When generating there is no future
to read, and the model has learned nothing else.

## What it looks like
- Train and validation loss fall smoothly together to almost 0 within some hundred steps, with finite gradients that
  shrink with them.
- The start is where a run of this kind starts: 1-4 for a pretrained model, ln V for a fresh one.
- Generated text is word salad or endless repeats, far worse than before training.
- It works on random tokens too: a loss below ln V there is impossible without looking ahead.
- It came with a release (Gemma 2 with sliding windows in transformers 4.42.1), or with attention written by hand.

## What else looks like it
- Labels that are not shifted: also to 0 with useless text, but a pretrained model then starts high, since it predicts
  the next token and is scored on the present one.
- Memorising a small set: the validation loss stays or rises.
- Validation rows that are also in training: both losses fall, in steps at epochs, and the text is good.
- Zeros that hide NaN: from one row to the next, with a gradient norm of NaN.

## How to decide
Change the future and look at the past:

    a = model(input_ids=ids).logits[:, :t]
    ids[:, t:] = torch.randint(vocabulary, ids[:, t:].shape)
    b = model(input_ids=ids).logits[:, :t]
    print((a - b).abs().max())

Anything above rounding is a leak. Use the attention implementation, padding and packing of the run, with dropout
at 0, and a checkpoint from after some training: scores must have grown before they look through a finite constant.

## Typical false diagnosis
"Excellent convergence", overfitting, or a leak between the splits.

## References
- https://github.com/huggingface/transformers/issues/31673
- https://github.com/huggingface/transformers/issues/48745
- https://github.com/karpathy/minGPT/issues/75
- https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Expect

CAUSE = Cause(
    slug="causal-mask-leak",
    title="Attention that sees future tokens",
    family="kernels-and-backends",
    incidents=4,
    decided_by=("log", "script", "generation", "probe"),
    decisive_test=(
        "Change the tokens after position t of one row and compare the logits up to t, with the attention "
        "implementation of the run: any difference is the leak"
    ),
    false_diagnosis="excellent convergence, overfitting or validation rows in the training set",
    expects=(
        Expect("logits-depending-on-later-tokens", USUALLY, "earlier positions attend to later ones"),
        Expect("loss-collapse-to-zero", USUALLY, "copying a visible answer costs nothing once it is learned"),
        Expect("joint-fall-to-zero", USUALLY, "evaluation uses the same forward pass and sees the future too"),
        Expect("garbled-generation", OFTEN, "when generating there is no future token to copy"),
        Expect("repetitive-generation", OFTEN, "a model that only copies repeats what it has"),
        Expect("finite-mask-constant", OFTEN, "scores that outgrow the constant look through the mask"),
        Expect("defect-in-causal-mask", OFTEN, "releases that dropped the mask on one path are listed"),
        Expect("plausible-first-loss", SOMETIMES, "a pretrained model has to learn to use what it suddenly sees"),
        Expect("loss-differing-between-attention-kernels", SOMETIMES, "only one attention path lacks the mask"),
        Expect("training-from-scratch", SOMETIMES, "attention written by hand is mostly trained from scratch"),
        Expect("initial-loss-too-low", RARELY, "a model that was trained with the leak starts with it"),
    ),
    confused_with=("overfitting", "normal-convergence", "train-eval-leakage"),
)
