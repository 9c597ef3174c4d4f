"""Give preference training a beta above 0 and a frozen reference that is not the policy itself.

## Why it works
The loss of DPO is -log sigmoid(beta * margin), and the margin is the difference of two log-ratios, policy over
reference. With beta 0, or with a reference that is always equal to the policy, it is -log 0.5 = 0.6931 for each pair
and at each step, and nothing that is measured can move. A beta of 0.1 and a reference that keeps its first weights
bring the margin back. The first loss is still 0.6931, since both start equal; within tens of steps margins leave 0.
TRL sees to the reference by itself. Without `ref_model` it loads a frozen copy from the name in the model's
configuration, and for a model with an adapter it takes the same model with the adapter switched off, or a frozen copy
of an adapter that was loaded. So pass none, unless it is another model on purpose. `sync_ref_model` with a mixture of
1.0 at every step makes the reference equal to the policy again; its defaults, 0.6 every 512 steps, do not.

## What it does not do
It does not thaw a frozen policy: with a gradient norm of exactly 0 count the trainable parameters first. It does not
help where chosen and rejected text are the same, nor where hard pairs keep the loss around ln 2: there it scatters and
the margins spread. Weights from a run with a shared reference may have moved without any anchor, so start again.

## References
- https://github.com/huggingface/trl/issues/1627
- https://huggingface.co/docs/trl/dpo_trainer
- https://arxiv.org/abs/2305.18290
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="restore-the-preference-signal",
    title="Restore the signal of preference training",
    kind="script",
    change=(
        "Set `beta=0.1`, pass no `ref_model` or one that is another frozen object, leave `sync_ref_model` off, and "
        "drop pairs whose two sides are the same text"
    ),
    treats=(
        Treats("zero-preference-signal", CURES, "the margin between policy and reference counts, and can leave 0"),
    ),
    expects=(
        Expectation("`rewards/margins` differs from 0 within 10 steps, and is positive after 100 steps at full rate"),
        Expectation("the loss starts at 0.6931 and lies below 0.68 after some 100 steps at full rate"),
        Expectation("`rewards/accuracies` rises above 0.6 within 200 steps"),
    ),
    check=(
        "Train on one pair for 5 steps without warm-up and print its margin: it must not be 0; compare one trained "
        "weight of the policy with the same weight of the reference: they must differ by then"
    ),
    risk="A beta far below 0.1 lets the policy drift from its reference, and answers grow long or lose their form",
    minutes=10,
    restart="nothing",
    spoils="trained without a signal, so that it is no better than the model that the run began with",
    patches=(
        Patch(
            "loss.beta",
            "the margin is multiplied by it, and 0 times a margin is no signal",
            at_least=0.01,
            when=("objective", ("dpo",)),
        ),
    ),
    edit=Edit(
        before="""\
args = DPOConfig("out", beta=0.0, sync_ref_model=True, ref_model_sync_steps=1, ref_model_mixup_alpha=1.0)
trainer = DPOTrainer(model=model, args=args, train_dataset=pairs, processing_class=tokenizer)
""",
        after="""\
args = DPOConfig("out", beta=0.1, learning_rate=1e-6)
trainer = DPOTrainer(model=model, args=args, train_dataset=pairs, processing_class=tokenizer)
""",
        note="In a loop of your own take `copy.deepcopy(model).eval().requires_grad_(False)` as the reference.",
    ),
    commands=("trainclinic data pairs.jsonl --schema preference",),
)
