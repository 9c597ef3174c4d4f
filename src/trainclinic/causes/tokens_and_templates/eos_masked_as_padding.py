"""The end token is also the pad token, and a collator that ignores padding ignores the real end of every answer.

## Mechanism
Many base models have no pad token, so scripts write `tokenizer.pad_token = tokenizer.eos_token`. A
language-modelling collator with `mlm=False` copies the ids into the labels and sets every label that
equals the pad id to -100. It cannot tell padding from the end token that closes the answer: both have
the same id. The text of the rows is right, their ids are right, and still no row ever asks for the end
token. The model learns what to say and never that it is over. Packing does not help, because the id is
masked wherever it stands. Code that masks by the attention mask instead of by the id is safe with the
same pad token.

## What it looks like
- Training and evaluation loss like those of a perfect run; one masked token per row cannot be seen in a
  mean.
- Outputs answer well, then go on: the answer again, the next `### Instruction:`, a turn of the user, up
  to the limit.
- More epochs change nothing. In a small controlled run no output of eight stopped, against eight of
  eight with another pad token, while the losses ended within 0.1 nats of each other.

## What else looks like it
Rows without any end token, a foreign literal in its place, and an assistant mask that ends too early
give the same loss and the same outputs; only the labels at the end of the answer tell them apart.
Special tokens with untrained embeddings do have the end token among the targets, yet it never becomes
likely, and reserved tokens appear in the outputs. A template that differs at inference leads to endless
text too, but the right template cures that without training. Overfitted models recite training rows and
stop where those stopped.

## How to decide
Take one batch as the collator returns it and look at the label where the ids hold the end token of an
answer: -100 is this fault, the id itself clears it. As a cross-check read the probability of the end
token after a training answer.

## Typical false diagnosis
Too little training, or sampling settings; people add epochs, a repetition penalty, or stop strings. No
number of epochs can teach a token that is never a target, and stop strings hide the fault without
removing it.

## References
- https://github.com/unslothai/unsloth/issues/416
- https://github.com/mlabonne/llm-course/issues/33
- https://github.com/huggingface/transformers/issues/23530
- https://huggingface.co/docs/transformers/main_classes/data_collator
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="eos-masked-as-padding",
    title="End token masked as padding (pad equals eos)",
    family="tokens-and-templates",
    incidents=2,
    decided_by=("config", "script", "data", "generation", "probe"),
    decisive_test="Print the label at the end token of each answer in one collated batch: -100 means that it is masked",
    false_diagnosis="too little training, or sampling settings",
    expects=(
        Expect("improbable-stop-token", OFTEN, "the end token is masked wherever it stands"),
        Expect("pad-equals-eos-with-lm-collator", ALWAYS, "the collator ignores the pad id, which is the end token"),
        Expect("pad-token-equal-to-end-token", ALWAYS, "only a shared id lets padding take the end token with it"),
        Expect("no-supervised-end-token", ALWAYS, "the label of each end token is -100"),
        Expect("endless-generation", USUALLY, "a token that is never a target never becomes likely"),
        Expect(
            "role-leakage", OFTEN, "after the answer the model writes the next turn of the format it was trained on"
        ),
        Expect("repetitive-generation", OFTEN, "with nothing left to say the answer starts again"),
        Expect("plausible-first-loss", USUALLY, "weights, tokens and all other targets are right"),
        Expect("ignored-answer-labels", SOMETIMES, "a label preview shows -100 at the end of the answer"),
        Expect("variable-length-batches", SOMETIMES, "rows are padded to the longest, which is what needs a pad token"),
        Expect("reserved-token-output", RARELY, "an end token may appear in the middle of the text that follows"),
        Expect("recorded-outputs", OFTEN, "the curve is good and the texts are not, so texts are what people bring"),
    ),
    excluded_by=(Excluded("no-supervised-end-token", "end tokens are among the targets", when="absent"),),
    confused_with=("overfitting", "learning-rate-too-low"),
)
