"""The path from the loss back to the trained parameters is interrupted, so they receive no gradient.

## Mechanism
Reentrant activation checkpointing runs a block again during the backward pass, and does so only if an
input of the block requires a gradient. With a frozen embedding, as under an adapter, no input does: the
blocks are skipped and only what lies behind the last of them still learns. Libraries warn once and go
on. Other cuts are made by hand: a `detach`, a `no_grad` around the forward pass, a conversion through
numpy, a loss that is made to require a gradient after the fact, or, in functional frameworks, a loss
computed outside the function that is differentiated.

## What it looks like
- `None of the inputs have requires_grad=True. Gradients will be None`, near the first step.
- A loss that moves within its noise, and a gradient norm of 0.0, or a hundred times smaller than usual
  when a few tensors at the end of the model are still connected.
- After an epoch only the last few `lora_B` tensors have left zero.
- In the complete case an error: element 0 of tensors does not require grad.

## What else looks like it
A frozen adapter has the same curve, without checkpointing and without the warning; its parameters do
not require a gradient, while here they do and `grad` is `None`. An optimizer over other parameters has
full gradients. A rate that is too low moves every tensor a little; here most do not move at all, and
the others normally. Masked labels give loss 0.0.

## How to decide
After one backward pass list the trained parameters whose `grad` is `None` or zero. Then switch
checkpointing off, or to its non-reentrant form, and list again: a list that becomes empty decides it.

## Typical false diagnosis
A rank that is too small for the task. An adapter of rank 1 with a connected graph has a gradient in
each of its tensors, and lowers the loss of a single batch within tens of steps.

## References
- https://github.com/lm-sys/FastChat/pull/1489
- https://github.com/cloneofsimo/lora/issues/26
- https://github.com/microsoft/LoRA/issues/120
- https://pytorch.org/docs/stable/checkpoint.html
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="gradient-graph-cut",
    title="Autograd graph cut before the parameters",
    family="trainable-parameters",
    incidents=5,
    decided_by=("log", "config", "script", "probe"),
    decisive_test="After one backward pass list the trained parameters whose `grad` is `None` or all zero",
    false_diagnosis="a rank that is too small",
    expects=(
        Expect("loss-cut-from-graph", USUALLY, "the loss has no way back to the weights"),
        Expect("gradients-cleared-before-step", SOMETIMES, "the step finds nothing to apply"),
        Expect("missing-gradients-report", USUALLY, "nothing flows back past the cut"),
        Expect("few-weights-changed", OFTEN, "only what lies behind the cut is updated"),
        Expect("no-input-gradient-warning", OFTEN, "checkpointing says that no input of a block requires a gradient"),
        Expect("checkpointing-without-input-grads", USUALLY, "frozen embeddings feed checkpointed blocks"),
        Expect("activation-checkpointing", USUALLY, "its recomputation is skipped when no input requires a gradient"),
        Expect("adapter-training", USUALLY, "only with a frozen embedding does the graph begin behind the first block"),
        Expect("unchanged-weights", USUALLY, "parameters without a gradient are not stepped"),
        Expect("flat-loss-from-start", USUALLY, "what is still connected is too little to lower the loss"),
        Expect("tiny-gradient-norm", OFTEN, "the few tensors behind the cut are all that still has a gradient"),
        Expect("zero-gradient-norm", SOMETIMES, "in the complete case no trained parameter is connected to the loss"),
        Expect("zero-gradient-norm-from-start", SOMETIMES, "the graph is cut in the first step as in all others"),
        Expect("plausible-first-loss", USUALLY, "the forward pass does not notice a cut"),
        Expect(
            "no-trainable-parameters", SOMETIMES, "a complete cut ends in the error that nothing requires a gradient"
        ),
        Expect("noisy-loss", RARELY, "with hardly any gain the noise of the batches is all that moves"),
        Expect("exception-in-log", RARELY, "the backward pass finds no graph"),
    ),
    excluded_by=(Excluded("loss-exactly-zero", "a cut graph leaves the value of the loss as it is"),),
    confused_with=("learning-rate-too-low",),
)
