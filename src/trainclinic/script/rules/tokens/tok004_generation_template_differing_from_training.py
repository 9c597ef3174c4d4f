r"""Prompts for generation are written in another form than the text of the training.

## What it sees
The literal in front of the answer in training text (`### Response:\n`) against the end of the prompts that the same
program lets the model continue: another marker, a line break more or less, a chat template on one side only.

## Why it matters
The model has learned to answer after one exact sequence of tokens. After another one it does what the base model did:
it repeats the question, answers in another style, or gives nothing. The losses of training and validation look right.

## What it does not mean
A space that training writes before the answer and the prompt leaves out is right: most tokenizers put the space into
the first token of the answer.

## Example
Bad:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer
    from transformers import TrainingArguments

    name = "Qwen/Qwen2.5-0.5B-Instruct"
    tokenizer = AutoTokenizer.from_pretrained(name)
    model = AutoModelForCausalLM.from_pretrained(name)

    def encode(row):
        text = f"### Question:\n{row['question']}\n### Response:\n{row['answer']}{tokenizer.eos_token}"
        return tokenizer(text, truncation=True, max_length=1024)

    data = load_dataset("json", data_files="faq.jsonl", split="train")
    data = data.map(encode, remove_columns=data.column_names)
    arguments = TrainingArguments("out", learning_rate=1e-5, num_train_epochs=2, bf16=True, seed=7)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    trainer = Trainer(model=model, args=arguments, train_dataset=data, data_collator=collator)
    trainer.train()

    model.eval()
    question = "When are you open?"
    prompt = tokenizer(f"### Question:\n{question}\n### Answer:\n", return_tensors="pt").to(model.device)
    output = model.generate(**prompt, max_new_tokens=64)
    print(tokenizer.decode(output[0, prompt.input_ids.shape[1] :], skip_special_tokens=True))

Good:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer
    from transformers import TrainingArguments

    name = "Qwen/Qwen2.5-0.5B-Instruct"
    tokenizer = AutoTokenizer.from_pretrained(name)
    model = AutoModelForCausalLM.from_pretrained(name)

    def encode(row):
        text = f"### Question:\n{row['question']}\n### Response:\n{row['answer']}{tokenizer.eos_token}"
        return tokenizer(text, truncation=True, max_length=1024)

    data = load_dataset("json", data_files="faq.jsonl", split="train")
    data = data.map(encode, remove_columns=data.column_names)
    arguments = TrainingArguments("out", learning_rate=1e-5, num_train_epochs=2, bf16=True, seed=7)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    trainer = Trainer(model=model, args=arguments, train_dataset=data, data_collator=collator)
    trainer.train()

    model.eval()
    question = "When are you open?"
    prompt = tokenizer(f"### Question:\n{question}\n### Response:\n", return_tensors="pt").to(model.device)
    output = model.generate(**prompt, max_new_tokens=64)
    print(tokenizer.decode(output[0, prompt.input_ids.shape[1] :], skip_special_tokens=True))

## Check it by hand
Encode one row of the training data and one prompt with the same question. The ids of the prompt must be the beginning
of the ids of the row.

## References
- https://huggingface.co/docs/transformers/chat_templating
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.encodings import chats_in
from trainclinic.script.program.program import Program
from trainclinic.script.program.prompts import Prompt, TrainingText, prompts, training_texts
from trainclinic.script.program.runs import run_together
from trainclinic.script.program.texts import ANSWER_MARKER
from trainclinic.script.rule import script_rule

MENDING = Mending("build both texts with one function that leaves the answer out for prompts")
TEMPLATE_MARKUP = ("<|", "[/INST]", "<start_of_turn>", "<｜")


def find(program: Program) -> Iterator[Alarm]:
    """Compare the end of every prompt with what stands before answers in training."""
    known = training_texts(program)
    for prompt in prompts(program) if known else ():
        texts = [one for one in known if run_together(program, one.call, prompt.call)]
        markers = {marker: one for one in texts if (marker := one.skeleton.answer_marker) is not None}
        says = _difference(prompt, markers, texts) if texts else None
        if says is None or prompt.call.place is None:
            continue
        origin = next(iter(markers.values()), texts[0])
        steps = (Step(origin.call.place, "training text"),) if origin.call.place is not None else ()
        flow = (*steps, Step(prompt.call.place, "the prompt"))
        yield Alarm(prompt.call.place, says, Certainty.LIKELY, flow, mending=MENDING)


def _difference(prompt: Prompt, markers: dict[str, TrainingText], texts: list[TrainingText]) -> str | None:
    chats = [one for one in texts if _is_chat(one)]
    if prompt.skeleton is None:
        plain = markers and not chats and not any(part in marker for marker in markers for part in TEMPLATE_MARKUP)
        shown = _last_line(next(iter(markers), ""))
        return f"the prompt has the form of the chat template, training text that of `{shown}`" if plain else None
    pieces = prompt.skeleton.pieces
    tail = pieces[-1] if pieces and isinstance(pieces[-1], str) else ""
    if not ANSWER_MARKER.search(tail):
        return None
    if chats and len(chats) == len(texts) and not any(part in tail for part in TEMPLATE_MARKUP):
        return f"the prompt ends in `{_last_line(tail)}`, training text has the form of the chat template"
    return _other_marker(tail, list(markers)) if markers and not chats else None


def _is_chat(text: TrainingText) -> bool:
    """Whether a chat template writes a training text, or a part of it."""
    return any(True for piece in text.skeleton.pieces if not isinstance(piece, str) for _ in chats_in(piece))


def _other_marker(tail: str, markers: list[str]) -> str | None:
    same = [marker for marker in markers if _last_line(marker) == _last_line(tail)]
    if not same:
        shown = _last_line(markers[0])
        return f"the prompt ends in `{_last_line(tail)}`, where training text has `{shown}` before the answer"
    if any(_breaks(marker) == _breaks(tail) for marker in same):
        return None
    wanted = "a line break" if _breaks(same[0]) else "no line break"
    return f"the prompt ends in `{_last_line(tail)}`, after which training text has {wanted} and the prompt differs"


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2].strip().replace("`", "")[-30:]


def _breaks(text: str) -> int:
    return text[len(text.rstrip()) :].count("\n")


def _looked(program: Program) -> bool:
    texts = training_texts(program)
    known = [one for one in texts if one.skeleton.answer_marker is not None or _is_chat(one)]
    asked = [prompt for prompt in prompts(program) if _is_marked(prompt)]
    return any(run_together(program, one.call, prompt.call) for one in known for prompt in asked)


def _is_marked(prompt: Prompt) -> bool:
    if prompt.skeleton is None:
        return True
    last = prompt.skeleton.pieces[-1] if prompt.skeleton.pieces else ""
    return isinstance(last, str) and ANSWER_MARKER.search(last) is not None


RULE = script_rule(
    code="TOK004",
    slug="generation-template-differing-from-training",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("training text with an answer, and prompts for `generate`, both built by the program",),
    find=find,
    looked=_looked,
    missing="both training text and prompts for `generate` in sight",
)
