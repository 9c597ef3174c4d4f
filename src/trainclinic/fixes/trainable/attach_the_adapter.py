"""Hand the adapter and every other setting to what trains, and print them where they are used.

## Why it works
A `LoraConfig` that no call gets is a note to oneself: the base is trained in full, at a rate that adapters stand and it
does not, or nothing is trained. Given as `peft_config` to the trainer, or attached by `get_peft_model` with the result
kept, it does what it says. The same holds for each setting that seems without effect. A property that builds a new
object at every access swallows assignments, an option that is parsed and never read changes nothing, a launcher may
read another file than the one that was edited. What is printed from the objects that train (`trainer.args`, the
optimizer's groups, the trainable parameters) cannot be mistaken for what was meant.
A rate a thousand times higher for five steps is the quickest proof: a setting that is read changes the second loss.

## What it does not do
It does not say whether the intended settings are good: they were never tested. A run without its adapter was a full
fine-tune, and its checkpoints are not adapters; a rate of 1e-4 or more has most likely harmed them. Two runs with one
seed and the same settings may agree to the last digit without any fault.

## References
- https://github.com/huggingface/peft/issues/793
- https://huggingface.co/docs/peft/quicktour
- https://huggingface.co/docs/trl/peft_integration
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats

FIX = Fix(
    slug="attach-the-adapter",
    title="Apply the adapter and the settings that were written down",
    kind="script",
    change=(
        "Pass `peft_config=lora` to the trainer, or train what `get_peft_model` returns; set other values on the "
        "object that trains, and print rate, rows per step and trainable parameters from it before the first step"
    ),
    treats=(
        Treats("unapplied-configuration", CURES, "what trains holds the settings, and a print proves it"),
        Treats("frozen-adapter", EASES, "a printed count of 0 trainable parameters is seen before the first step"),
    ),
    expects=(
        Expectation("between 0.1 % and 5 % of the parameters are trainable with an adapter, not 0 % and not 100 %"),
        Expectation(
            "the logged peak of the learning rate is {new_learning_rate}, and a changed setting changes the curve",
            "the logged peak of the learning rate is the one that was set, and a changed setting changes the curve",
        ),
    ),
    check=(
        "Set the learning rate a thousand times higher for 5 steps: the log must change; then print "
        "`trainer.model.print_trainable_parameters()` and the rate of `trainer.optimizer` after the first step"
    ),
    risk="Settings that were never in force are untested: watch the first 100 steps as those of a new run",
    minutes=15,
    restart="nothing",
    spoils="trained with other settings than the ones that were meant",
    edit=Edit(
        before="""\
lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
args = SFTConfig("out", learning_rate=1e-4, seed=7)
trainer = SFTTrainer(model=model, args=args, train_dataset=rows)
""",
        after="""\
lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
args = SFTConfig("out", learning_rate=1e-4, seed=7)
trainer = SFTTrainer(model=model, args=args, train_dataset=rows, peft_config=lora)
trainer.model.print_trainable_parameters()
""",
        note="The Trainer of transformers has no `peft_config`: give it the model that `get_peft_model` returns.",
    ),
    commands=("trainclinic lint train.py",),
)
