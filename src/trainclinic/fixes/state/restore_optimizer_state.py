"""Save Adam's moments, the step count and the loss scale with the weights, and load them before the first step.

## Why it works
Adam divides a mean of gradients by the root of their mean square, averages over some 10 and 1,000 steps at the default
betas. Without them the first update after a resume moves every trained weight by about the full learning rate, as at
step 1, but with no warm-up before it: the loss rises by a few per cent to some tenths of a nat and needs tens of steps
to return. Two float32 moments are 8 bytes for each trained weight: 0.3 GB for 40 million weights of an adapter, 8 GB
for a billion. The float16 scaler belongs to them, or it begins again at 65,536 and skips its first steps.
The Trainer writes them as `optimizer.pt`, `scheduler.pt` and `scaler.pt` unless `save_only_model=True`. It reads
optimizer and schedule only if both are there, and begins anew without a word if one is missing.

## What it does not do
It cannot make up moments that were never saved. Then go on from the weights with a warm-up of 20 to 50 steps: the bump
stays small. Parameters in another order, or another number of processes with a sharded optimizer, need a conversion;
moments of other parameters are worse than none. Weights after such a bump are sound and need not be thrown away.

## References
- https://github.com/NVIDIA/Megatron-LM/issues/761
- https://github.com/deepspeedai/Megatron-DeepSpeed/issues/274
- https://github.com/Lightning-AI/pytorch-lightning/issues/10766
- https://huggingface.co/docs/accelerate/usage_guides/checkpoint
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, HELPS, Edit, Expectation, Fix, Treats

FIX = Fix(
    slug="restore-optimizer-state",
    title="Restore the state of the optimizer on resume",
    kind="script",
    change=(
        "Save the state of optimizer, scheduler and gradient scaler with the weights and load all of them; with the "
        "Trainer leave `save_only_model` off and resume with `resume_from_checkpoint`"
    ),
    treats=(
        Treats("optimizer-state-lost-on-resume", CURES, "the moments go on where they were"),
        Treats("schedule-reset-on-resume", HELPS, "the state of the schedule is saved and loaded beside it"),
    ),
    expects=(
        Expectation("the loss of the first 20 rows after the resume stays within the noise of the 20 rows before it"),
        Expectation("the gradient norm has no step at the resume, and the loss scale no return to 65,536"),
    ),
    check=(
        "Print the norms of `exp_avg` and `exp_avg_sq` of one parameter before the save and after the load, on every "
        "rank: they must agree to all printed digits"
    ),
    risk="A checkpoint of a full fine-tune takes three times the space, so keep only the last two of them",
    minutes=10,
    restart="the last checkpoint",
    edit=Edit(
        before="""\
torch.save(model.state_dict(), path)
...
model.load_state_dict(torch.load(path, weights_only=True))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
""",
        after="""\
parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "scaler": scaler}
torch.save({name: part.state_dict() for name, part in parts.items()} | {"step": step}, path)
...
state = torch.load(path, weights_only=True)
for name, part in parts.items():
    part.load_state_dict(state[name])
step = state["step"]
""",
        note="Move the model to its device first, so that the moments follow it.",
    ),
    commands=("ls -l out/checkpoint-*/", "trainclinic lint train.py --select RUN004,RUN007"),
    alternatives=("lengthen-warm-up",),
    pros=("the resumed run is the uninterrupted one",),
    cons=("checkpoints of three times the size", "needs moments that were saved"),
)
