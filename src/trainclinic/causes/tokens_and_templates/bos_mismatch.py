"""The begin token stands twice at the start of the text, or not at all where the model needs it.

## Mechanism
Chat templates write the begin token as part of the text. When that text is tokenised with default
settings, the tokenizer adds its own, and the row begins with two. The model was never trained on a
doubled begin token; most bear it with a small loss, and one that is trained with two and served with
one, or the reverse, sees a start it does not know. The other direction is worse for some families:
Gemma puts so much of its attention on the first position that without a begin token every later
prediction is off: perplexities of 2645 and of billions were published for checkpoints that score 3.5
and less with it.

## What it looks like
- Two equal ids at the start of each row, or a first id that is an ordinary word piece.
- Doubled: a loss that is a few hundredths higher, benchmark scores some points lower; nothing in the
  curve.
- Absent, in a family that needs it: an evaluation perplexity in the hundreds or thousands from an
  intact checkpoint, or a first training loss far too high.
- Scores that differ between two evaluation tools with the same weights.

## What else looks like it
A wrong chat template changes many ids and not just the first one. Weights that were not loaded give a
first loss at ln V and cannot answer at all; a model without its begin token recovers as soon as it is
put in front. Forgetting shows in the answers, and only after training: here the untouched checkpoint is
affected too.

## How to decide
Print the first two ids of a training row, an evaluation row and a prompt at inference. They must be the
same begin token once, in all three. Then score one text with it and without it: a difference above a
nat decides the severe form.

## Typical false diagnosis
An effect of the data set, or forgetting. The same text under the same weights changes its score with
one id at the front, which no data set and no learning rate can do.

## References
- https://github.com/EleutherAI/lm-evaluation-harness/pull/2049
- https://github.com/ml-explore/mlx-examples/issues/1002
- https://github.com/princeton-pli/retaining-by-doing/issues/5
- https://huggingface.co/docs/transformers/main/en/chat_templating
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="bos-mismatch",
    title="Begin token doubled or absent",
    family="tokens-and-templates",
    incidents=3,
    decided_by=("script", "data", "probe"),
    decisive_test="Print the first two ids of a training row, an evaluation row and an inference prompt",
    false_diagnosis="an effect of the data set, or forgetting",
    expects=(
        Expect(
            "doubled-begin-token-call", USUALLY, "the template writes the begin token and the tokenizer adds another"
        ),
        Expect("begin-token-twice-in-dump", OFTEN, "the template and the tokenizer each add a begin token"),
        Expect("doubled-begin-token", OFTEN, "the template writes one and the tokenizer adds another"),
        Expect("implausible-evaluation", OFTEN, "some families predict nothing well without their first token"),
        Expect("token-ids-differing-between-tools", OFTEN, "one tool adds the begin token and the other does not"),
        Expect("metric-disagreement", SOMETIMES, "two scores of one model were taken with and without it"),
        Expect("export-changed-output", SOMETIMES, "the serving tool begins the prompt in another way"),
        Expect("initial-loss-too-high", SOMETIMES, "every position attends to a first token that is not there"),
        Expect("wrong-value-before-first-update", SOMETIMES, "the untouched checkpoint scores badly already"),
        Expect("eval-train-gap", SOMETIMES, "training rows and evaluation rows begin differently"),
        Expect("bfloat16-pretrained-family", SOMETIMES, "the families that cannot do without it are recent ones"),
        Expect("initial-loss-above-uniform", RARELY, "in the severe form the model is confidently wrong"),
        Expect("garbled-generation", RARELY, "in the severe form the outputs are off from the first word"),
        Expect("recorded-outputs", OFTEN, "the curve is good and the texts are not, so texts are what people bring"),
    ),
    excluded_by=(Excluded("nan-after-first-update", "one id at the front does not make numbers non-finite"),),
    confused_with=("overfitting",),
)
