"""Render training rows, evaluation prompts and served prompts with one template: that of the pretrained model.

## Why it works
An instruct model answers well inside one exact frame of role headers, separators and end markers. Rows in the same
frame start at the loss of ordinary text and spend no step on the frame; a foreign one costs from a few tenths of a nat
up to the level of guessing at the start, and part of what the model knew. When one function,
`tokenizer.apply_chat_template`, writes all prompts, no second copy can drift: the ids of a training row up to the
answer are the ids of the prompt at inference with `add_generation_prompt=True`, header and newline included.
Save the tokenizer with its template beside every checkpoint, since many servers read it from there.

## What it does not do
It gives a base model no knowledge of a chat frame: choose the chat model of the family, or plain prompts. It does not
repair a missing end token or a second begin token. Before checkpoints are given up, ask one of them in exactly the
frame of training: if it answers well there, training worked, and serving in that frame is the smaller change.

## References
- https://huggingface.co/docs/transformers/main/en/chat_templating
- https://github.com/hiyouga/LlamaFactory/issues/1199
- https://github.com/hiyouga/LlamaFactory/issues/2884
- https://github.com/unslothai/unsloth/issues/487
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="use-one-chat-template",
    title="Use the model's chat template everywhere",
    kind="recipe",
    change=(
        "Render every conversation with `tokenizer.apply_chat_template` of the pretrained model, in training, in "
        "evaluation and at inference, there with `add_generation_prompt=True`"
    ),
    treats=(
        Treats("chat-template-mismatch", CURES, "one template is left for the weights, the rows and the prompts"),
        Treats("foreign-special-tokens", HELPS, "the template holds only tokens of this tokenizer"),
        Treats("missing-eos-in-targets", HELPS, "templates of chat models close every turn"),
        Treats("export-conversion-mismatch", EASES, "the template travels with the tokenizer to the server"),
        Treats("evaluation-artefact", EASES, "the evaluation asks in the frame that was trained"),
    ),
    expects=(
        Expectation("the ids of a training row up to its answer equal those of the prompt: 0 differences in 20 rows"),
        Expectation(
            "the first loss lies in {expected_first_loss} instead of {logged_first_loss}",
            "the first loss is lower by some tenths of a nat, since no foreign frame has to be learned",
        ),
        Expectation("0 of 20 outputs hold a role name or a marker"),
    ),
    check="Render one conversation through the training and the inference path and compare both lists of ids",
    risk="Templates differ in system messages and generation prompts; a template of a newer release is another frame",
    minutes=20,
    restart="nothing",
    patches=(Patch("text.template", "the pretrained weights know one frame, and it is this one", to="model"),),
    edit=Edit(
        before="""\
def render(row):
    return f"Human: {row['question']}\\nAssistant: {row['answer']}"

prompt = f"### Instruction:\\n{question}\\n### Response:\\n"
""",
        after="""\
def render(question, answer=None):
    messages = [{"role": "user", "content": question}]
    messages += [{"role": "assistant", "content": answer}] if answer is not None else []
    return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=answer is None)

prompt = render(question)
""",
        note="Tokenise the rendered text with `add_special_tokens=False`, since the template wrote the begin token.",
    ),
    commands=("trainclinic data train.jsonl --tokenizer models/base --show 3",),
    alternatives=("serve-with-the-training-template",),
    pros=("weights, rows and prompts agree", "nothing is spent on learning a frame", "servers know the template"),
    cons=("training starts again", "needs a model with a chat template"),
)
