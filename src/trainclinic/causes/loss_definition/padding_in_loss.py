"""Pad positions keep a real label, so the model is scored on, and trained to write, padding.

## Mechanism
Rows are padded to a common length, and `labels` is a plain copy of `input_ids` that no collator corrects: pads are
scored like text. At first they are surprising, since no pretrained model writes them, and with short rows in long
blocks they are most of the loss. Then the model learns the one rule that a pad follows a pad; their loss goes to 0 and
dilutes the mean. What remains of the gradient is for the text, divided by a count that depends on the padding of the
batch. The token learned as "what comes next" is the pad, which is often the end token as well.

## What it looks like
- With many pads the first loss is far too high (12.6 for a vocabulary whose ln V is 11.9), with huge gradient norms.
- Soon after it is too good to be true (0.2-0.5), and it depends on batch size and block length: f x L, where f is the
  share of real tokens.
- Between two frameworks on the same data there is a constant factor.
- Generated text is empty, stops at once, or is a row of pads.
- Where clipping is off, the first update can ruin the weights, and NaN follows.
- `padding="max_length"` in the script, `labels = input_ids.copy()`, and a collator that leaves labels alone.

## What else looks like it
- Labels shifted twice: a high start that does not fall below 5.
- Memorisation: low only on rows that were seen.
- Prompt tokens in the loss: a moderate offset, and no pads among the targets.
- The reverse fault, pads masked together with the end token: a normal loss and text that never ends.

## How to decide
Decode one collated batch and list what carries a label:

    scored = batch["labels"] != -100
    print((scored & (batch["attention_mask"] == 0)).sum(), scored.sum())

The first number must be 0. Then report the loss per kind of token (prompt, answer, pad, end): pads above 5 nats in the
first step and below 0.01 after fifty are the signature. Set `-100` where `attention_mask` is 0 (by mask, not by id, or
real end tokens go too) and compare the same rows.

## Typical false diagnosis
"That framework is simply better", or a learning-rate problem because the loss falls so steeply.

## References
- https://github.com/axolotl-ai-cloud/axolotl/pull/2227
- https://github.com/axolotl-ai-cloud/axolotl/issues/1100
- https://huggingface.co/docs/transformers/main_classes/data_collator
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, Cause, Excluded, Expect

CAUSE = Cause(
    slug="padding-in-loss",
    title="Padding tokens counted in the loss",
    family="loss-definition",
    incidents=2,
    decided_by=("script", "data", "log", "probe"),
    decisive_test="Decode one collated batch and count labels other than -100 where `attention_mask` is 0",
    false_diagnosis="one framework being better than another, or the learning rate",
    expects=(
        Expect("padding-in-labels", ALWAYS, "labels are a copy of the padded ids"),
        Expect("foreign-ignore-index", SOMETIMES, "the mask uses a value that the loss does not ignore"),
        Expect("unmasked-padding", ALWAYS, "pad positions carry their own id as label"),
        Expect("trained-padding-report", ALWAYS, "labels of a batch show it directly"),
        Expect("initial-loss-too-high", OFTEN, "no pretrained model expects pads after the text"),
        Expect("loss-collapse-to-zero", OFTEN, "that a pad follows a pad is learned at once and is most of the mean"),
        Expect("initial-loss-too-low", SOMETIMES, "a first mean over many steps has the easy pads in it already"),
        Expect("initial-loss-above-uniform", SOMETIMES, "with mostly pads the mean is that of an impossible token"),
        Expect("wrong-value-before-first-update", SOMETIMES, "pads are scored from the first batch on"),
        Expect("gradient-norm-outlier", SOMETIMES, "thousands of equal surprises add up in one direction"),
        Expect("empty-generation", SOMETIMES, "the token learned to follow the text is the pad"),
        Expect("variable-length-batches", SOMETIMES, "rows of different length are what is padded"),
        Expect("loss-differing-with-packing", SOMETIMES, "packed rows have no pads to score"),
        Expect("pad-token-equal-to-end-token", RARELY, "pads that are end tokens pass for text in a plain copy"),
    ),
    excluded_by=(Excluded("unmasked-padding", "the collated rows show that no pad carries a label", when="absent"),),
    confused_with=("learning-rate-too-high",),
)
