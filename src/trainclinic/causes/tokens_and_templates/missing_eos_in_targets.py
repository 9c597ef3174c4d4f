"""No row of the training text ends in an end token, so there is nothing to learn stopping from.

## Mechanism
A language model stops because it gives a high probability to one id after a complete answer. It learns
that from rows in which this id follows the answer. Most tokenizers add a begin token on their own and
no end token, and a formatting function that glues instruction and answer together seldom writes one.
Some trainers append it to plain text and leave conversations to their template; a home-made template
without an end marker then trains on open ends. A length limit below the length of the answers removes
an end token that was there.

## What it looks like
- Normal loss curves, normal gradient norms, and good beginnings of the outputs.
- Outputs that run to `max_new_tokens`, repeat their last sentence, or go on with an invented next
  question.
- The last supervised id of the rows is a full stop or a word piece, not an end token.
- The pad token plays no role: the symptom stays when it is changed.

## What else looks like it
When pad and end token share an id, the rows do hold an end token and the collator hides it. When a
literal of another model family was appended, the rows end in a few ordinary pieces such as `<`, `|`,
`end`. When the assistant mask closes before the end marker, the marker stands in the ids with label
-100, and recent libraries warn about it. Untrained special tokens stand in the ids with their label,
and are still never produced. A base model that was never tuned goes on for ever, too, and should.

## How to decide
Decode the last three ids of twenty tokenised rows. The share of rows whose last supervised id is the
end token that generation waits for should be all of them; a share of none decides it. Append the token,
train for a few hundred steps and count how many outputs stop.

## Typical false diagnosis
A wrong prompt format or sampling settings. Temperature cannot stop a model that never saw an end, and a
template at inference cannot supply a habit that training did not form.

## References
- https://github.com/huggingface/trl/issues/734
- https://github.com/zjysteven/lmms-finetune/issues/47
- https://github.com/huggingface/transformers/issues/22794
- https://huggingface.co/docs/trl/sft_trainer
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="missing-eos-in-targets",
    title="No end token in the training targets",
    family="tokens-and-templates",
    incidents=2,
    decided_by=("script", "data", "generation"),
    decisive_test="Decode the last three ids of 20 tokenised rows and count those that end in the end token",
    false_diagnosis="a wrong prompt format, or sampling settings",
    expects=(
        Expect("no-end-token-appended", USUALLY, "the text of the rows has no end token to be learned"),
        Expect("chat-template-without-end-of-turn", SOMETIMES, "the template closes no turn"),
        Expect("rows-joined-without-end-token", SOMETIMES, "rows run into each other without an end"),
        Expect("improbable-stop-token", OFTEN, "the end token is never a target"),
        Expect("no-supervised-end-token", ALWAYS, "neither tokenizer nor formatting writes one"),
        Expect("endless-generation", USUALLY, "an id that no row contains is never produced"),
        Expect("repetitive-generation", OFTEN, "text goes on after the answer with the only material there is"),
        Expect("role-leakage", OFTEN, "the most likely continuation of an answer is the next question of the format"),
        Expect("plausible-first-loss", USUALLY, "all that is scored is right; only the end is not there"),
        Expect("text-search-for-answer", SOMETIMES, "hand-written collators that build labels forget the end as well"),
        Expect("chat-template-on-base-model", SOMETIMES, "home-made formats are put on models that have none"),
        Expect("answer-truncation", SOMETIMES, "a cut row loses its end token first"),
        Expect("recorded-outputs", OFTEN, "the curve is good and the texts are not, so texts are what people bring"),
    ),
    excluded_by=(Excluded("no-supervised-end-token", "end tokens are among the targets", when="absent"),),
    confused_with=("overfitting", "chat-template-mismatch"),
)
