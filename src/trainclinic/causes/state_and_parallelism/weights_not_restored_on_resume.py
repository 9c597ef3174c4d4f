"""The run goes on with weights that are not those it had saved.

## Mechanism
A resume restores four things: weights, optimizer moments, the schedule and the place in the data.
The loader of the weights is the one that fails without a sound. An adapter checkpoint is passed to
the loader of a full model, or the other way round, and every key is "missing" and ignored. A
wrapper adds a prefix (`module.`, `base_model.model.`, `_orig_mod.`), so no key matches and
`strict=False` forgives it. The right weights are loaded into an object that the trainer no longer
uses, because a loss module or an average of the weights still holds the old one.
The optimizer then starts from an untrained adapter, or from a mix of old and new tensors. In the
second case the loss may be worse than that of the untrained model, since half of a trained network
is not a network.

## What it looks like
The first row after the resume lies where the run began, or above: 0.21 at the end, and the value
of step 0 in the next row; or 0.82 before the save and 8.7 after it. The learning rate and the step
counter go on as if nothing had happened. Then the loss falls a second time, faster than a bump of
the optimizer would and for as long as the first descent took.
A log that names missing or unexpected keys at the resume is half a proof.

## What else looks like it
- Lost optimizer moments leave the weights right: the first row after the resume is the old level,
  and a bump follows in the next rows.
- A restarted schedule shows in the learning-rate column and rarely lifts the loss by more than a
  few per cent.
- A new order of the data changes the level by the noise of a row, not to the level of an untrained
  model.
- A divergence that happened before the save: then the last rows before the resume are high as
  well.

## How to decide
Take one fixed batch. Evaluate it in the running process before the save, save, load in a fresh
process and evaluate it again without a step. Equal losses acquit the loader. If they differ,
compare the keys of the checkpoint with those of the live state dict, and load with `strict=True`.
For an adapter, hash one `lora_B` tensor before the save and after the load; a fresh adapter holds
exact zeros there.

## Typical false diagnosis
People speak of the optimizer "warming up again". Fresh Adam moments give a bump of a few per cent
that is gone after tens of steps, and they never put the very first row back to the level of step
0.

## References
-
  [huggingface/sentence-transformers#2648](https://github.com/huggingface/sentence-transformers/pull/2648):
  a resumed run restarts at the untrained level
- [tloen/alpaca-lora#72](https://github.com/tloen/alpaca-lora/issues/72): the loss jumps from below
  1 to above 8 after loading an adapter checkpoint
- [facebookresearch/DiT#23](https://github.com/facebookresearch/DiT/pull/23): averaged weights that
  the resume did not rebind
- [PEFT checkpoint format](https://huggingface.co/docs/peft/developer_guides/checkpoint): names of
  the keys in an adapter file
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="weights-not-restored-on-resume",
    title="Weights or adapter not restored on resume",
    family="state-and-parallelism",
    incidents=6,
    decided_by=("log", "script", "probe"),
    decisive_test=(
        "Evaluate one fixed batch before the save and again after loading the checkpoint in a fresh process, "
        "without a step between: the two losses must agree to the last printed digits"
    ),
    false_diagnosis="an optimizer that has to warm up again after a resume",
    expects=(
        Expect("new-adapter-on-load", SOMETIMES, "a fresh adapter stands where the trained one was meant"),
        Expect("replaced-state-dict", OFTEN, "the checkpoint holds less than the resume expects"),
        Expect("half-loaded-state-dict", OFTEN, "keys that do not fit are passed over"),
        Expect("continued-run", ALWAYS, "without a resume there is nothing that could fail to be restored"),
        Expect(
            "jump-after-resume",
            ALWAYS,
            "weights that are not the saved ones give the loss of other weights in the very first row",
        ),
        Expect(
            "fresh-loss-after-resume",
            USUALLY,
            "an untrained adapter or a half-loaded model starts at or above the level of step 0",
        ),
        Expect(
            "curve-differing-after-resume",
            USUALLY,
            "the resumed curve repeats the first descent instead of going on",
        ),
        Expect(
            "eval-loss-changed-by-reload",
            OFTEN,
            "the reloaded model is another model than the one that was saved",
        ),
        Expect("loss-divergence", SOMETIMES, "a log that ends soon after the resume ends far above its best level"),
        Expect(
            "adapter-training",
            OFTEN,
            "adapter files and full checkpoints have different keys, and mixing them up is silent",
        ),
        Expect(
            "overlapping-steps",
            SOMETIMES,
            "the steps since the last save are run again, so both levels stand at the same steps",
        ),
        Expect(
            "uninitialised-weights-warning",
            SOMETIMES,
            "the loader lists the keys that it did not find in the checkpoint",
        ),
        Expect("trained-tensors-missing-from-save", SOMETIMES, "what was never written cannot be restored"),
    ),
    excluded_by=(
        Excluded("dip-after-resume", "a loss below the earlier curve can only come from weights that have learned"),
    ),
    confused_with=("optimizer-state-lost-on-resume",),
)
