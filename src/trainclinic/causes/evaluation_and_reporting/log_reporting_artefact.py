"""A filter, a formula or a change of version alters what is printed, and not the training itself.

## Mechanism
Between a tensor and a row of the log there are means, filters and formats. The Trainer of Hugging
Face replaces a non-finite micro-batch by the running mean of its window, so a broken step looks
smooth, and a window that is broken from its middle on is inflated by powers of a ratio. DeepSpeed
prints -1 for each NaN norm. Some trackers store 0.0 for NaN. Norms are logged before or after
clipping, over all parameters or over a shard, and a new release may change from one to the other.
Losses are summed over accumulation in one version and averaged in the next. Speeds are means since
the start.
The name fits when the training went on unharmed behind the strange number. When the filter hides
weights that are broken for good, the artefact is only the curtain: look for what is behind it.

## What it looks like
A column that contradicts another one. A norm that jumps by a factor of fifty with an upgrade while
the loss is the same to three digits. A smooth loss although a hook saw a NaN in that step. A giant
value in a row whose neighbours are normal, and an evaluation that is normal throughout. A loss
that is an exact multiple of the evaluation's.

## What else looks like it
- A true explosion: evaluation and outputs suffer too, and the next rows remember it.
- Half-precision faults behind the filter: rows of exact 0.0 to the end, weights that are NaN.
- A wrongly normalised loss: the gradient is scaled as well, not only the print.
- An evaluation that is computed differently: the odd number is in the evaluation.

## How to decide
Switch the filter off (`logging_nan_inf_filter=False`) and log every step; or print the value at
its source, before anything is averaged. Invert an inflated row with the known accumulation and
window: a plausible mean confirms the formula. For a norm compare releases at the same seed: equal
losses with unequal norms acquit the training.

## Typical false diagnosis
"The loss explodes" or "the new release is worse". The loss of an independent evaluation before and
after decides it in a minute.

## References
- [huggingface/transformers#13758](https://github.com/huggingface/transformers/issues/13758):
  non-finite values that a log hides
- [huggingface/trl#6702](https://github.com/huggingface/trl/issues/6702): one NaN step behind a
  smooth history
- [deepspeedai/DeepSpeed#7749](https://github.com/deepspeedai/DeepSpeed/issues/7749): another norm
  is reported after an upgrade
- [Trainer arguments](https://huggingface.co/docs/transformers/main_classes/trainer):
  `logging_nan_inf_filter`
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="log-reporting-artefact",
    title="Log column that misreports the run",
    family="evaluation-and-reporting",
    incidents=3,
    decided_by=("log", "config", "environment"),
    decisive_test=("Log every step with `logging_nan_inf_filter=False` and print the suspicious value at its source"),
    false_diagnosis="a real explosion or a worse release",
    expects=(
        Expect(
            "hidden-non-finite-loss",
            OFTEN,
            "a value that a hook saw and the log does not show was changed on the way",
        ),
        Expect(
            "normal-eval-beside-abnormal-train",
            OFTEN,
            "a number that only the print has wrong leaves the evaluation as it was",
        ),
        Expect("trainer-log-rows", USUALLY, "the filter that replaces non-finite values belongs to this trainer"),
        Expect(
            "gradient-norm-differing-at-equal-loss",
            ALWAYS,
            "runs with equal losses made equal updates, so only the column differs",
        ),
        Expect("metric-disagreement", SOMETIMES, "one of two columns that should agree is computed differently"),
        Expect("isolated-giant-loss", SOMETIMES, "the filter inflates a window that is broken from its middle on"),
        Expect(
            "nan-filter-inflation",
            SOMETIMES,
            "the filter multiplies what is left of a window by powers of a ratio",
        ),
        Expect("recovering-nan-rows", SOMETIMES, "a single broken step leaves rows that are finite again"),
        Expect("cumulative-speed-bias", RARELY, "a mean since the start is a formula that hides the present speed"),
        Expect("loss-differing-between-releases", SOMETIMES, "a release changed what the column means"),
    ),
    excluded_by=(
        Excluded("non-finite-weights", "weights that are broken are more than a matter of printing"),
        Excluded("persistent-nan", "a run that is never finite again is broken and not only printed so"),
        Excluded("unchanged-weights", "weights that do not move are not a matter of printing"),
    ),
    confused_with=("learning-rate-too-high",),
)
