"""Load the saved weights into the very object that trains, and let a key that does not fit stop the run.

## Why it works
A resume that loses its weights loses them silently: an adapter goes to the loader of a full model, a prefix such as
`module.`, `_orig_mod.` or `base_model.model.` keeps every key from matching, and `strict=False` forgives it. With
strict loading the first key that does not fit ends the program, at the line of the fault. The resume argument of the
Trainer does the rest in the right order: weights, optimizer, schedule, random numbers, place in the data. For adapters
it has to be given a model with a fresh adapter of the same configuration, which it then fills.
If an adapter is loaded by hand, `PeftModel.from_pretrained(base, folder, is_trainable=True)` puts the trained factors
on a bare base; `get_peft_model` on top of that, or in place of it, trains a second adapter whose `lora_B` is 0.

## What it does not do
It does not bring back what was never saved: compare the keys of the file with those of the model. Checkpoints that
were written before the resume are intact, those after it are not: they grew from other weights. It does not restore
moments or rates where only weights are loaded.

## References
- https://github.com/huggingface/sentence-transformers/pull/2648
- https://github.com/tloen/alpaca-lora/issues/72
- https://github.com/facebookresearch/DiT/pull/23
- https://huggingface.co/docs/peft/developer_guides/checkpoint
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats

FIX = Fix(
    slug="restore-weights-on-resume",
    title="Restore the weights on resume",
    kind="script",
    change=(
        "Resume with `trainer.train(resume_from_checkpoint=folder)`; in a loop of your own load with `strict=True` "
        "before the model is wrapped, and an adapter with `is_trainable=True`. Take the last checkpoint from before "
        "the resume"
    ),
    treats=(
        Treats("weights-not-restored-on-resume", CURES, "the weights that train are those that were saved"),
        Treats("frozen-adapter", HELPS, "an adapter that is loaded as trainable gets gradients again"),
        Treats("optimizer-state-lost-on-resume", HELPS, "the resume of the Trainer restores the moments as well"),
        Treats("schedule-reset-on-resume", HELPS, "the resume of the Trainer restores the schedule as well"),
        Treats("pretrained-weights-not-loaded", EASES, "strict loading names each key that found no place"),
    ),
    expects=(
        Expectation(
            "the first row after the resume lies within 10 % of the last one before the save, not near {first_loss}",
            "the first row after the resume lies within 10 % of the last one before the save",
        ),
    ),
    check=(
        "Compute the loss of one fixed batch in evaluation mode before the save, and again in a new process after "
        "loading, without a step between: both must agree to 4 digits"
    ),
    risk="Strict loading refuses a file with a wrapper's prefix: unwrap the model before it is saved",
    minutes=10,
    restart="before the fault",
    edit=Edit(
        before="""\
model = AutoModelForCausalLM.from_pretrained(name)
model.load_state_dict(torch.load("out/checkpoint-800/model.pt"), strict=False)
trainer = Trainer(model=get_peft_model(model, lora), args=args, train_dataset=rows)
trainer.train()
""",
        after="""\
model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32)
trainer = Trainer(model=get_peft_model(model, lora), args=args, train_dataset=rows)
trainer.train(resume_from_checkpoint="out/checkpoint-800")
""",
        note="The fresh adapter is filled from the checkpoint; its configuration must be the saved one.",
    ),
    commands=("trainclinic lint train.py --select ADP005,ADP009,ADP012,ADP013,ADP014,RUN004",),
)
