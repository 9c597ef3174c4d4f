"""The loss compares each position with the very token that stands there, so the model is trained to copy.

## Mechanism
A causal model's output at position t predicts token t+1, so one side must be moved: `logits[:, :-1]` against
`ids[:, 1:]`. An own loss that forgets it, a label smoother that takes the branch for models without a shift (a PEFT
wrapper hides the class name it looks for), or a loss function called without its shift option, scores the output at t
against token t. That token is an input, visible at its own position. Copying it is trivial, and after some hundred
steps the model does nothing else.

## What it looks like
- A pretrained model starts high, often near 10, since it predicts the next token and is asked for the present one; a
  fresh model starts at ln V.
- Then the loss drops fast and smoothly, below 0.05 within hundreds of steps, train and validation alike.
- Generated text repeats its last token or the prompt.
- An accuracy that is computed with the right shift stays low or falls.
- Perplexities near 1 on text that the model has never seen.
- With label smoothing and a PEFT model of an affected release: no error, only this.

## What else looks like it
- A leaking causal mask: also to 0 with useless text, but a pretrained model starts at its normal loss.
- Memorising few rows: the validation loss does not follow, and the rows are recited, not the last token repeated.
- Labels shifted twice: a high start too, but the loss stops at 5-7.
- Pads in the loss: low but not 0, and the text ends at once or never.

## How to decide
One batch of the untouched model, no gradient:

    for k in range(3):
        size = logits.size(1) - k
        print(k, cross_entropy(logits[:, :size].flatten(0, 1), ids[:, k:].flatten()))

The untouched model is best at k = 1. If the loss of the script equals k = 0, nothing was shifted. To tell it from a
leaking mask, change the tokens after position t: without a leak the logits up to t stay as they are, and the loss of
this fault still goes to 0.

## Typical false diagnosis
"Great loss" or overfitting. More data or fewer epochs change nothing about copying.

## References
- https://github.com/huggingface/transformers/issues/27161
- https://github.com/huggingface/transformers/pull/17987
- https://github.com/huggingface/transformers/issues/3711
- https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Expect

CAUSE = Cause(
    slug="missing-label-shift",
    title="Labels not shifted at all",
    family="loss-definition",
    incidents=4,
    decided_by=("log", "script", "generation", "probe"),
    decisive_test=(
        "On one batch compute the cross-entropy of logits and ids at offsets 0, 1 and 2: the script's own loss equals "
        "offset 0, while the untouched model is best at offset 1"
    ),
    false_diagnosis="a great loss, or overfitting",
    expects=(
        Expect("label-smoothing-of-wrapped-model", OFTEN, "the smoother shifts only for models that it knows by name"),
        Expect("lower-loss-at-other-shift", USUALLY, "the model is scored on the token that it reads"),
        Expect("unshifted-own-loss", USUALLY, "logits and ids meet at the same position"),
        Expect("loss-collapse-to-zero", USUALLY, "the target is an input of its own position, and copying is easy"),
        Expect("joint-fall-to-zero", USUALLY, "copying works on unseen rows just as well"),
        Expect("repetitive-generation", OFTEN, "a model that copies says its last token again"),
        Expect("initial-loss-too-high", OFTEN, "a pretrained model predicts the next token, not the present one"),
        Expect("wrong-value-before-first-update", SOMETIMES, "the targets are wrong from the first batch on"),
        Expect("initial-loss-too-low", SOMETIMES, "in a first logged mean the copying may be learned already"),
        Expect("metric-disagreement", SOMETIMES, "a metric with the right shift does not improve with the loss"),
        Expect("garbled-generation", SOMETIMES, "what the model knew about language is overwritten"),
        Expect("defect-in-labels", SOMETIMES, "label smoothing missed the shift in listed releases"),
        Expect("adapter-training", RARELY, "a PEFT wrapper hides the class name that decides about the shift"),
    ),
    confused_with=("overfitting", "normal-convergence"),
)
