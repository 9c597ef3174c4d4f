"""Rows whose answer is empty or a placeholder give no target, or teach the model to say nothing.

## Mechanism
Exports keep rows whose answer was deleted, refused or never written. With a loss over the answer
only, such a row has no target token, or only the end token. A mean over no tokens is 0 divided by
0: the row, and in a batch of one the whole micro-batch, has a loss of NaN. Frameworks that clamp
the denominator print 0 instead. In preference and reward data one empty side leaves nothing to
compare.
When the end token is kept as a target, numbers stay finite and the harm is another one: the model
learns that an immediate end is a good answer.

## What it looks like
Single rows of NaN or exact 0 between ordinary ones, at random distances, in every precision and at
every rate; the smaller the batch, the more of them. The gradient of a row without targets is 0, so
the next row is ordinary unless a metric or a scaler was poisoned. An evaluation may be NaN for
ever because of one such row. The model answers some prompts with nothing.

## What else looks like it
- Answers removed by the length limit: bound to long prompts, and gone with a larger limit.
- A marker that is not found: all rows are affected, not some.
- Numbers leaving the fp16 range: gone in bf16 or fp32.
- Outputs that are empty because the weights are NaN: then every output is empty, and every row of
  the log is broken from some step on.

## How to decide
Count rows whose answer has no visible character, or is one of the usual placeholders ("N/A",
"null", "-"). Count target tokens per row after tokenising; any zero is a hit. Drop these rows and
repeat with the same seed: the NaN rows vanish and nothing else changes.

## Typical false diagnosis
"Numeric instability". Instability depends on precision, rate and state; these rows fail alike in
all of them.
The opposite mistake is as common: an empty output is put down to empty answers that were
"memorised", when the weights are NaN. Then the loss is broken in every row after the first update,
which no choice of rows can do.

## References
- [LAION-AI/Open-Assistant#2438](https://github.com/LAION-AI/Open-Assistant/issues/2438): NaN from
  empty answers in preference data
- [snowflakedb/ArcticTraining#335](https://github.com/snowflakedb/ArcticTraining/pull/335): batches
  without target tokens
- [datawhalechina/happy-llm#50](https://github.com/datawhalechina/happy-llm/issues/50): rows whose
  loss mask is empty
- [TRL, dataset formats](https://huggingface.co/docs/trl/dataset_formats): prompt, completion and
  preference rows
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, SOMETIMES, Cause, Excluded, Expect

CAUSE = Cause(
    slug="empty-answers",
    title="Rows with an empty answer",
    family="data",
    incidents=2,
    decided_by=("data", "log"),
    decisive_test=(
        "Count the rows whose answer is empty or a placeholder and the rows without a target token, drop them "
        "and repeat"
    ),
    false_diagnosis="numeric instability",
    expects=(
        Expect("empty-answer-rows", ALWAYS, "the rows are what is wrong"),
        Expect("rows-without-targets", OFTEN, "an empty answer leaves no token to predict"),
        Expect("nan-loss", OFTEN, "the mean over no tokens is 0 divided by 0"),
        Expect("late-nan-onset", OFTEN, "such rows are rare and come after good ones"),
        Expect(
            "recovering-nan-rows", SOMETIMES, "a row without targets has no gradient, so the next one is good again"
        ),
        Expect("rows-without-labels-report", SOMETIMES, "a check of the labels finds rows in which all are ignored"),
        Expect("empty-target-warning", SOMETIMES, "some collators say that a row has no target"),
        Expect("tiny-batch", OFTEN, "in a small batch no other row fills the denominator"),
        Expect("completion-only-loss", OFTEN, "only a loss over the answer depends on the answer being there"),
        Expect("empty-generation", SOMETIMES, "where the end token is a target, an immediate end is taught"),
        Expect("nan-eval-loss", SOMETIMES, "one such row spoils the mean of an evaluation"),
        Expect("failure-in-every-precision", SOMETIMES, "0 divided by 0 is NaN in every precision"),
        Expect("failure-at-every-learning-rate", SOMETIMES, "the missing targets do not depend on the rate"),
        Expect(
            "loss-exactly-zero",
            SOMETIMES,
            "frameworks with a clamped denominator print 0 for a row without targets",
        ),
    ),
    excluded_by=(
        Excluded("empty-answer-rows", "the rows were counted and all have an answer", when="absent"),
        Excluded(
            "nan-after-first-update",
            "rare rows cannot spoil every step from the second on, since they have no gradient",
        ),
        Excluded(
            "finite-loss-with-nan-gradient-norm", "a row without targets spoils the loss and leaves the gradient at 0"
        ),
    ),
    confused_with=("fp16-range-overflow",),
)
