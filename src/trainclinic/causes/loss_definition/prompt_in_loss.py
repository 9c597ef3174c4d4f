"""Instruction tokens are targets too, so the loss measures prompts as well as answers.

## Mechanism
A collator for language modelling scores every token that is not a pad. On instruction data this includes system text,
questions and template markers. Repeated template text is learned within a few steps and pulls the mean down; free
questions are harder than answers and hold it up. The number is not wrong, it measures something else than answer-only
training does, and part of the capacity and of the gradient goes to writing prompts. With short answers behind long
prompts the answers hardly weigh.

## What it looks like
- A normal curve, offset by some tenths up to one nat from another trainer on the same data, in training and evaluation
  alike.
- A first part that falls fast while fixed template text is learned, then a floor: the entropy of the users' questions.
- Lower, not higher, where a long system text is the same in every row.
- A score on answers that does not follow the loss.
- Sometimes the model goes on after its answer and writes the next question, because it was taught to.
- A collator for language modelling, or `train_on_inputs: true`, on instruction data.

## What else looks like it
- Pads in the loss: an unreal first loss, then a mean that is too low.
- A worse framework or worse data: compare on the same mask before comparing at all.
- A missing end token: the text also goes on, but the loss equals that of the other trainer.
- Another shift or normalisation: an integer factor or a start above 6, not a moderate offset.

## How to decide
Decode the targets of one row, and split the loss:

    print(tokenizer.decode(batch["input_ids"][0][batch["labels"][0] != -100]))
    print(loss_per_token[is_prompt].mean(), loss_per_token[is_answer].mean())

Prompt text in the first line says that it is scored. Compare trainers on the answer tokens alone: equal there means
that only the scope differed. Whether prompts should be scored is a choice; comparing numbers across that choice is the
mistake. With answers shorter than a tenth of the row, mask the prompts.

## Typical false diagnosis
"A worse framework" or "worse data". Both losses are right for what they count.

## References
- https://github.com/axolotl-ai-cloud/axolotl/issues/1100
- https://huggingface.co/docs/trl/sft_trainer
- https://huggingface.co/docs/transformers/main_classes/data_collator
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, Cause, Excluded, Expect

CAUSE = Cause(
    slug="prompt-in-loss",
    title="Prompt tokens counted in the loss",
    family="loss-definition",
    incidents=1,
    decided_by=("script", "config", "data"),
    decisive_test=(
        "Decode the labels of one batch and compute the loss separately for prompt and answer tokens; compare trainers "
        "on answer tokens only"
    ),
    false_diagnosis="a worse framework or worse data",
    expects=(
        Expect("loss-differing-between-releases", SOMETIMES, "what is scored by default differs between trainers"),
        Expect("metric-disagreement", SOMETIMES, "a score on answers alone does not follow a loss on everything"),
        Expect("plausible-first-loss", OFTEN, "scored prompts cost an intact model little more than answers"),
        Expect("role-leakage", SOMETIMES, "the model was trained to write the other side's turns"),
        Expect("eval-train-gap", RARELY, "one of the two losses counts prompts, the other does not"),
        Expect("loss-plateau", RARELY, "the entropy of free questions is a floor"),
    ),
    excluded_by=(Excluded("completion-only-loss", "a loss on completions alone does not count prompt tokens"),),
    confused_with=("learning-rate-too-high",),
)
