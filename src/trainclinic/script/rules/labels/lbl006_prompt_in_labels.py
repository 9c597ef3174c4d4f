r"""Prompts of instruction data are part of the loss.

## What it sees
Texts that the script builds with a marker before the answer ("### Response:", "Assistant:"), and
`DataCollatorForLanguageModeling(mlm=False)`, which makes labels of the whole text.

## Why it matters
The model also learns to write questions. With long prompts most of the loss comes from them: it looks good and falls
nicely while the answers improve little.

## What it does not mean
Many good models were trained with the prompt in the loss; with short or varied prompts it does little harm and can
help small data sets. This is a note, not a fault.

## Example
Bad:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling
    from transformers import Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained("EleutherAI/pythia-410m")
    tokenizer.add_special_tokens({"pad_token": "<|padding|>"})
    model = AutoModelForCausalLM.from_pretrained("EleutherAI/pythia-410m")

    def encode(row):
        text = f"### Question: {row['question']}\n### Answer: {row['answer']}{tokenizer.eos_token}"
        return tokenizer(text, truncation=True, max_length=1024)

    data = load_dataset("json", data_files="pairs.jsonl", split="train")
    rows = data.map(encode, remove_columns=data.column_names)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    arguments = TrainingArguments("out", learning_rate=2e-5, num_train_epochs=1)
    Trainer(model, arguments, train_dataset=rows, data_collator=collator).train()

Good:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq
    from transformers import Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained("EleutherAI/pythia-410m")
    tokenizer.add_special_tokens({"pad_token": "<|padding|>"})
    model = AutoModelForCausalLM.from_pretrained("EleutherAI/pythia-410m")

    def encode(row):
        prompt = f"### Question: {row['question']}\n### Answer: "
        start = tokenizer(prompt, truncation=True, max_length=512)["input_ids"]
        end = tokenizer(row["answer"] + tokenizer.eos_token)["input_ids"]
        return {"input_ids": start + end, "labels": [-100] * len(start) + end}

    data = load_dataset("json", data_files="pairs.jsonl", split="train")
    rows = data.map(encode, remove_columns=data.column_names)
    collator = DataCollatorForSeq2Seq(tokenizer)
    arguments = TrainingArguments("out", learning_rate=2e-5, num_train_epochs=1)
    Trainer(model, arguments, train_dataset=rows, data_collator=collator).train()

## Check it by hand
Decode the labels of one row without -100: whatever is printed is trained.

## References
- https://huggingface.co/docs/trl/sft_trainer
- https://huggingface.co/docs/transformers/main_classes/data_collator
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.masking import ignores_positions
from trainclinic.script.program.program import Program
from trainclinic.script.program.prompts import TrainingText, training_texts
from trainclinic.script.program.reading import argument, flag
from trainclinic.script.program.supervision import lm_collators, users_of
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

MENDING = Mending("set the labels of the prompt to -100, or train on prompt-completion rows")


def find(program: Program) -> Iterator[Alarm]:
    """Look at collators that make labels of whole texts, where texts have prompts and no label is ignored."""
    texts = _with_answers(program)
    if not texts or ignores_positions(program):
        return
    text = texts[0]
    marker = (text.skeleton.answer_marker or "").strip()[-30:]
    for collator in _whole_text_collators(program):
        if collator.place is not None and text.call.place is not None:
            says = f"what stands before `{marker}` is trained like the answer"
            flow = (
                Step(text.call.place, "prompt and answer are one text"),
                Step(collator.place, "all of it is labels"),
            )
            yield Alarm(collator.place, says, Certainty.HINT, flow, mending=MENDING)


def _with_answers(program: Program) -> list[TrainingText]:
    return [one for one in training_texts(program) if one.skeleton.answer_marker is not None]


def _whole_text_collators(program: Program) -> Iterator[Call]:
    for collator in lm_collators(program):
        used = any(True for _ in users_of(program, collator))
        if used and flag(argument(collator, "mlm", 1)) is False:
            yield collator


def _looked(program: Program) -> bool:
    return any(True for _ in _whole_text_collators(program)) and bool(training_texts(program))


RULE = script_rule(
    code="LBL006",
    slug="prompt-in-labels",
    severity=Severity.NOTE,
    certainty=Certainty.HINT,
    needs=("texts that the script builds", "the collator that makes labels of them"),
    find=find,
    looked=_looked,
    missing="texts in sight and a collator that makes labels of them",
)
