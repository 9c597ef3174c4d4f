"""Let the server build the same ids from a conversation as training did, and convert until the first logits agree.

## Why it works
A served model differs from the trained one in few places: template, begin token, splitting of text, stop ids, order of
heads, and scale of an adapter. Ids come first: where two lists of ids differ, the first difference names the fault, and
no weight has to be looked at. If ids agree, the logits of the first position tell the rest: 16 bits on both sides agree
to a few hundredths, wrong rotary rows or a scale do not. A constant factor in the adapter's change is its scale
(alpha over the rank against alpha over its root: a factor of 4 at rank 16). A current converter, with the tokenizer
that training saved, knows pre-tokenizers and head groups that an older one guesses. The trained weights stay as they
are: nothing is trained again.

## What it does not do
If the model answers badly in the training library too, in the frame of training, serving is not at fault. The frame of
training may itself be foreign to the pretrained weights: that costs some quality, and only new training changes it.
4-bit exports lose a little by themselves, so compare in 16 bits first.

## References
- https://huggingface.co/docs/transformers/main/en/chat_templating
- https://github.com/ggml-org/llama.cpp/issues/7062
- https://github.com/jzhang38/TinyLlama/issues/24
- https://arxiv.org/abs/2312.03732
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, HELPS, Edit, Expectation, Fix, Treats

FIX = Fix(
    slug="serve-with-the-training-template",
    title="Serve with the template and tokenizer of training",
    kind="export",
    change=(
        "Give the server the tokenizer, template and stop tokens that training saved, compare the ids of three "
        "prompts, and convert again with a current converter if ids agree and first logits do not"
    ),
    treats=(
        Treats("export-conversion-mismatch", CURES, "ids and first logits are made equal on both sides"),
        Treats("chat-template-mismatch", HELPS, "prompts then have the frame that was trained"),
        Treats("bos-mismatch", HELPS, "the first ids of served prompts are those of the training rows"),
        Treats("evaluation-artefact", EASES, "a served evaluation asks what training taught"),
    ),
    expects=(
        Expectation("the ids of 3 prompts are the same in training and on the server: 0 differences"),
        Expectation("in 16 bits the first logits agree within 0.1, and the most likely token is the same in 3 of 3"),
        Expectation(
            "answers of the server end in {eos}, at least 18 of 20 before the limit",
            "answers of the server end by themselves, at least 18 of 20 before the limit",
        ),
    ),
    check=(
        "Take three prompts as plain text, dump ids and first logits in the training library and in the server, and "
        "keep both dumps beside the exported file"
    ),
    risk="Chat clients that send a finished prompt get the template twice; send messages, or switch it off",
    minutes=30,
    restart="no training",
    edit=Edit(
        before="""\
inputs = tokenizer(question, return_tensors="pt")
output = model.generate(**inputs, max_new_tokens=200)
""",
        after="""\
messages = [{"role": "user", "content": question}]
inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True, return_tensors="pt")
output = model.generate(**inputs, max_new_tokens=200)
""",
        note="Load the tokenizer from the folder that training saved, not from the name of the base.",
    ),
    commands=(
        "python convert_hf_to_gguf.py merged --outtype f16 --outfile model-f16.gguf",
        'llama-tokenize -m model-f16.gguf --ids -p "Which files does the run need?"',
        "vllm serve merged --chat-template merged/chat_template.jinja",
    ),
    alternatives=("use-one-chat-template",),
    pros=("no training", "every checkpoint stays usable", "shows within minutes which side is at fault"),
    cons=("a frame that is foreign to the base stays", "each server has its own place for templates and stop tokens"),
)
