"""The adapter is part of the model, but its parameters do not require a gradient.

## Mechanism
Loading a saved adapter for inference freezes it, and `PeftModel.from_pretrained` loads for inference
unless `is_trainable=True` is given; loading the adapter folder through the base class does the same.
Preparing a model for k-bit training freezes every parameter, and a second preparation freezes the
adapter with them. A save hook that loads a second adapter switches the first one to frozen, so that
training ends silently with the first checkpoint. The forward pass is untouched in all these cases:
loss, accuracy and speed look like those of a run.

## What it looks like
- `grad_norm` exactly 0.0 in row after row while the learning rate follows its schedule and the loss is
  finite and positive, fluctuating around its first value.
- Or a healthy beginning, and 0.0 from the row after the first save on.
- `trainable params: 0`, or an error that no element requires a gradient.
- In policy training a reward that wanders and an adapter file whose hash never changes.

## What else looks like it
A gradient norm of 0.0 beside a loss of 0.0 means that no token was a target. A cut graph leaves single
tensors alive and a small norm, or a warning about inputs. An optimizer over other parameters has
ordinary norms and unchanged weights. A rate that is too low, and updates that bfloat16 rounds away,
have healthy norms. A schedule that ended at 0 says so in the rate. A new adapter starts with zeros in
one of its two factors: the norm is small in the first rows, not zero.

## How to decide
Print the number of parameters that require a gradient and the number that the optimizer holds, after
the first save once more. Hash the adapter before and after ten steps. Zero, or equal hashes beside a
positive rate, decide it.

## Typical false diagnosis
A learning rate that is too low, or a noisy reward. The rate multiplies an update that does not exist: a
hundredfold rate gives the same curve.

## References
- https://github.com/huggingface/trl/issues/6700
- https://github.com/modelscope/ms-swift/pull/9452
- https://github.com/huggingface/trl/pull/4081
- https://huggingface.co/docs/peft/package_reference/peft_model
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="frozen-adapter",
    title="Adapter loaded or left frozen",
    family="trainable-parameters",
    incidents=6,
    decided_by=("log", "script", "probe"),
    decisive_test="Count the parameters with `requires_grad` and hash the adapter before and after ten steps",
    false_diagnosis="a learning rate that is too low, or a noisy reward",
    expects=(
        Expect("adapter-loaded-frozen", USUALLY, "an adapter is loaded for inference unless the call says otherwise"),
        Expect("everything-frozen", SOMETIMES, "nothing is set trainable again"),
        Expect("missing-gradients-report", OFTEN, "frozen tensors receive no gradient"),
        Expect("zero-gradient-norm", USUALLY, "no parameter that requires a gradient receives one"),
        Expect(
            "zero-gradient-norm-from-start", OFTEN, "an adapter loaded for inference is frozen before the first step"
        ),
        Expect("zero-gradient-norm-from-save", SOMETIMES, "a save hook that loads an adapter freezes the active one"),
        Expect("adapter-training", ALWAYS, "there must be an adapter that can be frozen"),
        Expect("unchanged-weights", USUALLY, "the optimizer has nothing to move"),
        Expect("flat-loss-from-start", OFTEN, "the model of step 0 is evaluated at every step"),
        Expect("plausible-first-loss", USUALLY, "the forward pass is that of an intact model"),
        Expect("no-trainable-parameters", SOMETIMES, "the printed count of trainable parameters is 0"),
        Expect("continued-run", SOMETIMES, "an adapter of an earlier run is loaded to train it further"),
        Expect("four-bit-base", SOMETIMES, "preparing a quantised model freezes all that it finds"),
        Expect("loss-at-log-two", SOMETIMES, "a frozen policy stays equal to its reference"),
        Expect("identical-curves-under-changed-settings", SOMETIMES, "no setting of the optimizer reaches the weights"),
        Expect("sampled-completions-objective", RARELY, "policy training hides it best: its reward moves by chance"),
    ),
    excluded_by=(
        Excluded("training-from-scratch", "an adapter needs trained weights to stand on"),
        Excluded("loss-exactly-zero", "a frozen model still has the positive loss of its weights"),
        Excluded("nan-after-first-update", "frozen weights are not updated, so no update can ruin them"),
    ),
    confused_with=("learning-rate-too-low",),
)
