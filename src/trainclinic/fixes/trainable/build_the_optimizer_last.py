"""Build the optimizer after the model has the parameters that are to be trained, and from that very model.

## Why it works
An optimizer keeps the tensors that it was given, not the model. An adapter, a resized embedding, a new head, FSDP or a
second `from_pretrained` bring new tensors, and what holds the old ones steps objects that nobody reads: gradient norms
are alive, the loss stays where it was at any rate, and the saved model equals the loaded one to the last digit. Built
as the last thing before the loop, the optimizer holds the live tensors. `zero_grad` then clears the right gradients as
well, so that norms no longer climb in a straight line from step to step.
The order is: load, resize, attach the adapter, move to the device, wrap, optimizer, schedule. The Trainer keeps it by
itself when it builds the optimizer; one that is passed in `optimizers=` has to be built from the model that it gets.

## What it does not do
It saves no checkpoint, since none of them holds a single update. A schedule that was bound to the old optimizer has to
be built again too, or the rate of the new one stays constant. It does not help where parameters do not require a
gradient, or where a graph is cut: look at `grad` for these.

## References
- https://github.com/rasbt/dora-from-scratch/pull/1
- https://github.com/intelligent-machine-learning/dlrover/issues/584
- https://pytorch.org/docs/stable/optim.html
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats

FIX = Fix(
    slug="build-the-optimizer-last",
    title="Build the optimizer last",
    kind="script",
    change=(
        "Load, resize, attach the adapter, move to the device and wrap the model first; then build the optimizer from "
        "the trainable parameters of that model, and the schedule from that optimizer"
    ),
    treats=(
        Treats("stale-optimizer-parameters", CURES, "the tensors that are stepped are those that the model reads"),
        Treats("unapplied-configuration", EASES, "the new optimizer takes the rate that is set at that moment"),
    ),
    expects=(
        Expectation("100 % of the trainable parameters are in the optimizer, by `id`, and none beside them"),
        Expectation("every trained tensor differs from its first value within 2 steps at a rate above 0"),
        Expectation(
            "the loss leaves {first_loss} downwards within 100 steps, and another rate gives another curve",
            "the loss leaves its first value downwards within 100 steps, and another rate gives another curve",
        ),
    ),
    check=(
        "Compare `{id(p) for g in optimizer.param_groups for p in g['params']}` with `{id(p) for p in "
        "model.parameters() if p.requires_grad}` right before the loop: the sets must be equal"
    ),
    risk="A schedule that still belongs to the old optimizer leaves the rate of the new one where it is",
    minutes=5,
    restart="nothing",
    spoils="saved with the weights that the run began with",
    edit=Edit(
        before="""\
model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
model = get_peft_model(model, lora)
""",
        after="""\
model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32)
model = get_peft_model(model, lora)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
""",
        note="Under FSDP build it after the model is wrapped; `accelerator.prepare(model, optimizer)` sees to that.",
    ),
    commands=("trainclinic lint train.py",),
)
