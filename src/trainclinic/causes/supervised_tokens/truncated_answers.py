"""The length limit keeps the prompt and cuts the answer off, so that rows have few or no target tokens.

## Mechanism
A row is tokenised as prompt and answer, labels are -100 over the prompt, and the row is cut on the
right at `max_length`. When the prompt alone reaches the limit, nothing of the answer is left: every
label is -100. The mean over zero targets is 0/0. Older stacks report that as NaN, the logging filter of
the Trainer turns it into 0.0, and recent versions of TRL clamp the denominator and log 0.0 for loss,
gradient norm and accuracy alike. A row that loses only its tail still trains, but never on its end
token.

## What it looks like
- `loss` exactly 0.0 and `mean_token_accuracy` 0.0 from the first row, while `num_tokens` grows by full
  windows.
- `grad_norm` is 0.0 where the denominator is clamped and NaN where it is not.
- When only some rows are too long: single NaN or zero rows among ordinary ones, most often at batch
  size 1.
- An evaluation loss of NaN, when one evaluation batch holds long rows only.
- The learning rate, the precision and the device make no difference at all.

## What else looks like it
A response marker that is never found and a wrong prompt length leave the same rows without targets, but
do so for short rows as well, and usually print a warning for each. Weights ruined in half precision
also log 0.0 with a NaN norm; there the first rows are finite, no row ever recovers, and the weights
themselves hold NaN. A loss that reaches 0 smoothly has targets: that is memorisation or a leak.

## How to decide
Count the labels that are not -100 in every row at the configured limit, and look at the prompt lengths
beside it. A share of empty rows that falls to none when the limit is raised decides it. So does a
prompt whose median length exceeds the limit. Without the tokenizer, four characters per token is close
enough to see the worst cases.

## Typical false diagnosis
A precision or kernel fault, because of the NaN, or a learning rate that is too high. Neither can act
before the first update, and here the very first batch is empty. Changing the model does not help
either.

## References
- https://github.com/huggingface/trl/issues/3927
- https://github.com/huggingface/trl/pull/6025
- https://github.com/AnswerDotAI/fsdp_qlora/issues/45
- https://huggingface.co/docs/trl/sft_trainer
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="truncated-answers",
    title="Answers cut off by the length limit",
    family="supervised-tokens",
    incidents=7,
    decided_by=("log", "config", "data"),
    decisive_test=(
        "Tokenise all rows at the configured `max_length` and count those in which every label is -100; "
        "repeat with the limit doubled"
    ),
    false_diagnosis="a precision or kernel fault, or a learning rate that is too high",
    expects=(
        Expect("total-limit-after-joining", OFTEN, "the limit cuts the end, and the end is the answer"),
        Expect("answer-truncation", ALWAYS, "answer tokens lie beyond the length limit"),
        Expect("rows-without-targets", ALWAYS, "a prompt that fills the window leaves no token of its answer"),
        Expect("zero-token-accuracy", USUALLY, "no token is scored, so none can be right, while tokens are consumed"),
        Expect("completion-only-loss", ALWAYS, "only with a masked prompt does a cut answer leave nothing to score"),
        Expect("loss-exactly-zero", OFTEN, "the mean over no target is clamped, or its NaN filtered, to 0"),
        Expect("zero-loss-from-start", OFTEN, "the limit cuts the first batch like every other"),
        Expect("wrong-value-before-first-update", OFTEN, "the rows are empty before any weight has moved"),
        Expect("zero-gradient-norm-from-start", OFTEN, "a loss over no target has no gradient"),
        Expect("nan-at-zero-learning-rate", OFTEN, "0/0 over an empty batch needs no update"),
        Expect("nan-hidden-as-zero", OFTEN, "older stacks compute 0/0 and the filter writes 0.0 for it"),
        Expect("nan-loss", SOMETIMES, "own loops print the mean over zero targets as NaN"),
        Expect("rows-without-labels-report", SOMETIMES, "a count of labels per row shows the empty ones"),
        Expect("recovering-nan-rows", SOMETIMES, "only batches of long prompts are empty, the next one is not"),
        Expect("empty-target-warning", SOMETIMES, "some trainers name rows that have no target"),
        Expect("nan-gradient-norm", SOMETIMES, "where the denominator is not clamped the norm of 0/0 is NaN"),
        Expect("response-marker-warning", RARELY, "the marker itself may lie beyond the limit"),
    ),
    excluded_by=(Excluded("answer-truncation", "all answers end within the length limit", when="absent"),),
    confused_with=("learning-rate-too-high", "fp16-range-overflow"),
)
