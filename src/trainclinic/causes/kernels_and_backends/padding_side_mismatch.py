"""Rows are padded on the side that the attention path or batched generation cannot work with.

## Mechanism
A decoder continues after its last position. With right padding, the last position of a shorter prompt is a pad, and
batched generation continues from there. FlashAttention with a key-value cache has the same need, and some model classes
refuse right-padded batches with an error as soon as the cache is on, which is the default in evaluation. Collators and
trainers may set the side themselves, whatever the tokenizer was told. Training without generation does not mind.

## What it looks like
Two faces:
- the run stops at its first evaluation or first batch with a message that asks for `padding_side='left'`, mostly for a
  Mistral-like model with FlashAttention and the cache on;
- training is fine, and generation is fine one prompt at a time, while in a batch the shorter prompts give junk, repeats
  or nothing and the longest one is right.

The message may come although the tokenizer was set to the left side: a collator that pads on its own does not ask it.
Nothing in the loss curve points to it.

## What else looks like it
- Fully masked rows: NaN, and it is left padding that provokes it.
- Damage by fine-tuning: bad one prompt at a time too.
- A template that differs between training and inference: bad one prompt at a time too.
- Batch-dependent rounding of quantised kernels: small differences, not junk.

## How to decide
Generate greedily for the same prompts of mixed lengths, three times:

    tokenizer.padding_side = "left"   # then "right"
    one = [generate([prompt]) for prompt in prompts]
    many = generate(prompts)

Equal texts with the left side and unequal ones with the right side settle it. For the error in training: switch
`use_cache` off, or pack rows, and the run passes that point. If single prompts are bad as well, it is not the padding.

## Typical false diagnosis
"Fine-tuning broke the model" or overfitting, because the first look at the result was a batch.

## References
- https://github.com/axolotl-ai-cloud/axolotl/pull/675
- https://github.com/huggingface/trl/issues/1217
- https://github.com/hiyouga/LlamaFactory/issues/1267
- https://huggingface.co/docs/transformers/llm_tutorial
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Expect

CAUSE = Cause(
    slug="padding-side-mismatch",
    title="Padding side that the attention path or generation cannot use",
    family="kernels-and-backends",
    incidents=4,
    decided_by=("config", "script", "log", "generation"),
    decisive_test=(
        "Generate greedily for prompts of different lengths with batch size 1 and in one batch, then in one batch with "
        '`tokenizer.padding_side = "left"`'
    ),
    false_diagnosis="a model that was broken by fine-tuning",
    expects=(
        Expect("padding-side-against-kernel", USUALLY, "the kernel expects the padding on the other side"),
        Expect("right-padded-generation", OFTEN, "generation goes on after padding"),
        Expect("attention-mask-left-out", SOMETIMES, "padding is read as text"),
        Expect("padding-side-error", USUALLY, "model classes with a cached FlashAttention path refuse right padding"),
        Expect("batch-dependent-output", USUALLY, "only prompts shorter than their neighbours end in pads"),
        Expect("flash-attention", OFTEN, "the cached FlashAttention path is the one that checks the side"),
        Expect("garbled-generation", SOMETIMES, "a prompt that ends in pads is continued from nowhere"),
        Expect("repetitive-generation", SOMETIMES, "after pads the likeliest continuation is more of the same"),
        Expect("empty-generation", SOMETIMES, "after pads that equal the end token the model stops at once"),
        Expect("variable-length-batches", SOMETIMES, "without rows of different length there is nothing to pad"),
        Expect("preference-objective", RARELY, "preference trainers pad prompts and answers on their own"),
    ),
    confused_with=("overfitting",),
)
