"""The marker that ends a turn lies outside the part of the text that is trained, so the model never learns to stop.

## Mechanism
With a loss on assistant turns only, the chat template itself says which tokens belong to the assistant:
those between its generation tags, or those that a header search finds. Many templates write the
end-of-turn marker after the closing tag, as if it belonged to the frame and not to the speaker. The
marker is in the ids, in the right place, and its label is -100. The rest of the answer is trained
perfectly. At inference the model is asked to produce exactly the one token that it was never asked for.

## What it looks like
- A low, smooth loss; even lower than before, because only the answers count.
- A warning of recent trainers that the end-of-turn token is not part of the assistant mask.
- Outputs with a correct answer, then the same answer again or the next turn, up to the limit.
- Strict formats suffer most: in a public report valid JSON fell from 100 % without training to 80 %
  after it.

## What else looks like it
With pad equal to end token the mask comes from the collator and not from the template, and a loss on
all tokens shows it as well. When no end token exists in the rows at all, there is no marker to find in
the ids. Untrained special tokens are inside the mask, and fail because their rows of the embedding are
not trained. Overfitting needs a rising evaluation loss, which this fault does not bring.

## How to decide
Render one conversation, take the assistant mask that the trainer uses, and read it at the end-of-turn
id of each assistant turn. All zeros decide it; ones clear it. A change of the template that moves the
closing tag behind the marker must make the outputs stop after a short run.

## Typical false diagnosis
Overfitting or catastrophic forgetting, because the untrained model did better on the same prompts. What
is worse is one token: cut the outputs at the first end of an answer and the quality is back.

## References
- https://github.com/huggingface/trl/pull/7230
- https://github.com/huggingface/trl/pull/5988
- https://huggingface.co/docs/trl/sft_trainer
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="end-of-turn-outside-loss-mask",
    title="End-of-turn marker outside the assistant mask",
    family="tokens-and-templates",
    incidents=2,
    decided_by=("log", "config", "script", "generation", "probe"),
    decisive_test="Read the assistant mask at the end-of-turn id of every assistant turn: it must be 1",
    false_diagnosis="overfitting, or catastrophic forgetting",
    expects=(
        Expect("improbable-stop-token", OFTEN, "the end-of-turn token lies outside the mask"),
        Expect("end-token-outside-mask-warning", USUALLY, "recent trainers compare the mask with the end token"),
        Expect("completion-only-loss", ALWAYS, "without a mask over the prompt every marker is a target"),
        Expect("no-supervised-end-token", ALWAYS, "the marker stands in the ids with label -100"),
        Expect("endless-generation", USUALLY, "the one token that was never trained is the one that ends the turn"),
        Expect("repetitive-generation", OFTEN, "the answer is said again, since it was not closed"),
        Expect("role-leakage", OFTEN, "what follows an open answer is the next turn"),
        Expect("plausible-first-loss", USUALLY, "everything that is scored is right"),
        Expect("ignored-answer-labels", SOMETIMES, "a label preview shows -100 at the end of each assistant turn"),
        Expect("recorded-outputs", OFTEN, "the curve is good and the texts are not, so texts are what people bring"),
    ),
    excluded_by=(Excluded("no-supervised-end-token", "end tokens are among the targets", when="absent"),),
    confused_with=("overfitting",),
)
