"""Keep the path from the loss to the weights whole: non-reentrant checkpointing, and no cut by hand.

## Why it works
Reentrant checkpointing runs a block again in the backward pass only if an input of the block requires a gradient.
Under an adapter the embedding is frozen, so that none does: the blocks are skipped, and either the backward pass stops
or only what stands behind the last block learns. `use_reentrant=False` records the graph in another way and needs no
such input; `model.enable_input_require_grads()` lets the output of the embedding require a gradient and helps both
ways. On a model with four blocks reentrant checkpointing alone left 0 of 56 adapter tensors with a gradient; with one
of these two lines all 56 had the same gradients as without checkpointing. Transformers 5.24 does both by default.
Cuts by hand are found by reading: `detach`, `.item()`, `torch.no_grad()` or `torch.tensor(loss)` between the forward
pass and `loss.backward()`, `zero_grad` between backward pass and step. `requires_grad_(True)` on the loss only hides
the error.

## What it does not do
It does not thaw a frozen adapter. In the very first backward pass `lora_A` still has a gradient of 0, as `lora_B`
starts at 0; that is no cut. Memory stays that of checkpointing, since the blocks are still computed twice.

## References
- https://github.com/lm-sys/FastChat/pull/1489
- https://github.com/cloneofsimo/lora/issues/26
- https://github.com/huggingface/transformers/issues/42489
- https://pytorch.org/docs/stable/checkpoint.html
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, Edit, Expectation, Fix, Treats

FIX = Fix(
    slug="require-input-gradients",
    title="Let gradients reach every trained weight",
    kind="script",
    change=(
        'Set `gradient_checkpointing_kwargs={"use_reentrant": False}` and call `model.enable_input_require_grads()` '
        "after the adapter is attached; remove every `detach`, `item` and `no_grad` between the model and "
        "`loss.backward()`"
    ),
    treats=(Treats("gradient-graph-cut", CURES, "the graph runs from the loss to each trained weight without a gap"),),
    expects=(
        Expectation("after one backward pass 0 trained tensors have `grad` None, and no `lora_B` is all 0"),
        Expectation("the loss of one repeated batch falls by more than half within 50 steps at a rate of 1e-4 or more"),
        Expectation("0 warnings say that none of the inputs have requires_grad=True"),
    ),
    check=(
        "After one `loss.backward()` print `[n for n, p in model.named_parameters() if p.requires_grad and p.grad is "
        "None]`: it must be empty"
    ),
    risk="DeepSpeed ZeRO-3 with an adapter needs the reentrant form: keep it there and rely on the input gradients",
    minutes=10,
    restart="nothing",
    spoils="trained in a few tensors behind the cut at most",
    edit=Edit(
        before="""\
model = get_peft_model(model, lora)
again = {"use_reentrant": True}
args = TrainingArguments("out", gradient_checkpointing=True, gradient_checkpointing_kwargs=again)
""",
        after="""\
model = get_peft_model(model, lora)
model.enable_input_require_grads()
again = {"use_reentrant": False}
args = TrainingArguments("out", gradient_checkpointing=True, gradient_checkpointing_kwargs=again)
""",
        note="Recent releases of transformers also call these arguments `activation_checkpointing` and `..._kwargs`.",
    ),
    commands=("trainclinic lint train.py",),
)
