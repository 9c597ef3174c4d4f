"""Set the adapter trainable when it is loaded, and after everything that freezes the model.

## Why it works
`PeftModel.from_pretrained` loads for use: each weight of the adapter is frozen unless `is_trainable=True` is given. A
frozen adapter computes as before, so that loss and speed look right, the gradient norm is exactly 0.0 and the file at
the end equals the file at the start. With the argument the weights of the adapter require a gradient and nothing else
does. Order matters as well. `prepare_model_for_kbit_training` freezes all that it finds and belongs before the
adapter, not behind it. Loading a second adapter may switch the first one off: `model.set_adapter("default")` makes it
active and trainable again. A number settles it: between 0.1 % and 5 % of the parameters are trainable with usual ranks.
Nothing was lost by the fault. Weights are those of the last real update, so that training goes on from them, with a
fresh schedule, for the old one has run down.

## What it does not do
It does not reconnect a graph that is cut by checkpointing: there the adapter requires a gradient and gets none. An
optimizer that was built before keeps its old list and has to be built again. A learning rate of 0 stays 0.

## References
- https://github.com/huggingface/trl/issues/6700
- https://github.com/modelscope/ms-swift/pull/9452
- https://github.com/huggingface/trl/pull/4081
- https://huggingface.co/docs/peft/package_reference/peft_model
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats

FIX = Fix(
    slug="make-adapter-trainable",
    title="Make the adapter trainable",
    kind="script",
    change=(
        "Load it with `is_trainable=True`, prepare a quantised base before the adapter is attached, and call "
        '`model.set_adapter("default")` after a second adapter was loaded; build the optimizer afterwards'
    ),
    treats=(
        Treats("frozen-adapter", CURES, "the weights of the adapter require a gradient and are updated"),
        Treats("zero-preference-signal", HELPS, "a policy that is frozen stays equal to its reference for ever"),
        Treats("stale-optimizer-parameters", EASES, "the optimizer is built again, from what is trainable now"),
    ),
    expects=(
        Expectation("between 0.1 % and 5 % of the parameters are trainable, before the first step and after a save"),
        Expectation("the gradient norm is above 0 in each of the first 10 steps, and in the row after the first save"),
        Expectation(
            "the loss leaves {last_loss} downwards within 100 steps",
            "the loss leaves its first value downwards within 100 steps",
        ),
    ),
    check=(
        "Print `model.print_trainable_parameters()` before the first step and after the first save; compare the sum of "
        "all `lora_B` weights before and after 10 steps: it must change"
    ),
    risk="`requires_grad_(True)` on the whole model instead would train the base too, at a rate made for adapters",
    minutes=5,
    restart="the last checkpoint",
    edit=Edit(
        before="""\
base = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32)
model = PeftModel.from_pretrained(base, "out/adapter")
trainer = Trainer(model=model, args=args, train_dataset=rows)
""",
        after="""\
base = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32)
model = PeftModel.from_pretrained(base, "out/adapter", is_trainable=True)
model.print_trainable_parameters()
trainer = Trainer(model=model, args=args, train_dataset=rows)
""",
        note="`get_peft_model` on top of a loaded adapter would start a new one instead of going on with it.",
    ),
    commands=("trainclinic lint train.py --fix",),
)
