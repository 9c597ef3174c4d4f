"""Training, inference and the pretrained weights do not agree on how a conversation is written.

## Mechanism
An instruct model has learned one exact frame: its role headers, its separators, its newline after the
header, its end marker. Training on another frame spends the first steps on the frame and gives up part
of what the model knew. The other direction is more frequent: training was right, and the inference code
leaves the template out, forgets the header that opens the assistant's turn, or uses a serving tool with
a template of its own. The model then continues a text that looks like none it has seen. A tokenizer
saved with another default template is enough.

## What it looks like
- With a foreign frame in training: a first loss that is too high, from a few tenths to the level of
  guessing when the frame itself is scored, and that falls within tens of steps.
- With a difference at inference: perfect curves and junk, "human:" in the outputs, or an echo of the
  question.
- Outputs that differ between two tools with the same weights; evaluation scores near zero beside a good
  loss.

## What else looks like it
A missing end token gives role leakage and endless text even under the exact template of training. A
begin token twice or not at all is a difference of one id, and not of the frame. A foreign literal in an
otherwise right frame is one token split into pieces. A bad export changes the outputs under the same
ids; here the ids differ. A first loss at the level of guessing with ordinary text, without any chat,
comes from the weights or the labels.

## How to decide
Render one conversation through the training path and through the inference path and compare the two
lists of ids. The first difference is the fault. Then render it with the template of the pretrained
model and compare once more.

## Typical false diagnosis
"LoRA did not learn", or the learning rate. Where outputs are right under the training template,
training worked. A wrong frame never causes NaN or a zero loss as long as each row keeps a target.

## References
- https://github.com/hiyouga/LlamaFactory/issues/1199
- https://github.com/hiyouga/LlamaFactory/issues/2884
- https://github.com/unslothai/unsloth/issues/487
- https://huggingface.co/docs/transformers/main/en/chat_templating
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="chat-template-mismatch",
    title="Chat template that differs between model, training and inference",
    family="tokens-and-templates",
    incidents=5,
    decided_by=("config", "script", "generation"),
    decisive_test="Render one conversation through the training and the inference path and compare the token ids",
    false_diagnosis="an adapter that did not learn, or the learning rate",
    expects=(
        Expect(
            "generation-template-differing-from-training", USUALLY, "the prompt at inference is not the one of training"
        ),
        Expect(
            "missing-generation-prompt", OFTEN, "without the answer's header the model goes on with the user's turn"
        ),
        Expect("right-padded-generation", RARELY, "padding between prompt and answer is a mismatch too"),
        Expect("role-leakage", OFTEN, "turns of an unknown frame are not recognised as borders"),
        Expect("token-ids-differing-between-tools", OFTEN, "the two paths render the same conversation differently"),
        Expect("special-token-text", OFTEN, "markers of another family are plain text for this tokenizer"),
        Expect("garbled-generation", SOMETIMES, "the prompt looks like no text that the model has seen"),
        Expect("endless-generation", SOMETIMES, "the end marker of one frame is not awaited by the other"),
        Expect("empty-generation", SOMETIMES, "without the opening header the most likely next token ends the turn"),
        Expect("repetitive-generation", SOMETIMES, "an unknown frame is continued by echo"),
        Expect("initial-loss-too-high", SOMETIMES, "the scored frame is unknown to the weights"),
        Expect("chat-template-on-base-model", SOMETIMES, "base weights know no frame at all"),
        Expect("completion-only-loss", SOMETIMES, "chat data are usually trained on the answers only"),
        Expect("implausible-evaluation", SOMETIMES, "the evaluation asks in another frame than training taught"),
        Expect("loss-collapse-to-zero", RARELY, "when the frame is what is scored it is soon known by heart"),
        Expect("initial-loss-near-uniform", RARELY, "headers that the weights never saw are guessed"),
        Expect("recorded-outputs", OFTEN, "the curve is good and the texts are not, so texts are what people bring"),
    ),
    excluded_by=(
        Excluded("nan-after-first-update", "a template changes which tokens are read, not whether numbers are finite"),
        Excluded("non-finite-weights", "a wrong frame teaches wrong things, but in finite weights"),
    ),
    confused_with=("overfitting",),
)
