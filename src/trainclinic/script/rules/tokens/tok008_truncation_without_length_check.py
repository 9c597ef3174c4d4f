r"""Training text is cut at a short limit, and nothing tells how much of it is lost.

## What it sees
A tokenizer call with `truncation=True` and a literal `max_length` of 512 or less in a program that trains, which
nowhere counts the tokens of its rows.

## Why it matters
The end of a long row goes first: the answer and its end token. A model that is trained on cut answers stops early or
does not learn to stop, and no number of the log says so.

## What it does not mean
Short rows lose nothing. Whether rows are cut depends on the data, which this rule does not see.

## Example
Bad:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer
    from transformers import TrainingArguments

    name = "Qwen/Qwen2.5-0.5B-Instruct"
    tokenizer = AutoTokenizer.from_pretrained(name)
    model = AutoModelForCausalLM.from_pretrained(name)

    def encode(row):
        text = f"Question: {row['question']}\nAnswer: {row['answer']}{tokenizer.eos_token}"
        return tokenizer(text, truncation=True, max_length=256)

    data = load_dataset("json", data_files="faq.jsonl", split="train")
    data = data.map(encode, remove_columns=data.column_names)
    arguments = TrainingArguments("out", learning_rate=1e-5, num_train_epochs=2, bf16=True, seed=7)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    trainer = Trainer(model=model, args=arguments, train_dataset=data, data_collator=collator)
    trainer.train()

Good:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling, Trainer
    from transformers import TrainingArguments

    name = "Qwen/Qwen2.5-0.5B-Instruct"
    tokenizer = AutoTokenizer.from_pretrained(name)
    model = AutoModelForCausalLM.from_pretrained(name)

    def encode(row):
        text = f"Question: {row['question']}\nAnswer: {row['answer']}{tokenizer.eos_token}"
        return tokenizer(text, truncation=True, max_length=256)

    data = load_dataset("json", data_files="faq.jsonl", split="train")
    data = data.map(encode, remove_columns=data.column_names)
    print("rows at the limit:", sum(len(ids) == 256 for ids in data["input_ids"]))
    arguments = TrainingArguments("out", learning_rate=1e-5, num_train_epochs=2, bf16=True, seed=7)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    trainer = Trainer(model=model, args=arguments, train_dataset=data, data_collator=collator)
    trainer.train()

## Check it by hand
Count the rows whose `input_ids` have exactly `max_length` entries: that many are cut, or nearly so.

## References
- https://huggingface.co/docs/transformers/pad_truncation
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.program.encodings import encodings
from trainclinic.script.program.generation import generations
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, contains, flag, only
from trainclinic.script.program.runs import together, trainings
from trainclinic.script.program.values import Attribute, Call, Constant, Item, Value
from trainclinic.script.rule import script_rule

SHORT = Threshold("length limit", 512, "tokens", "a page of text is about 600 tokens, a chat of three turns often more")
MENDING = Mending("count the rows that reach `max_length`, and raise it or leave them out")


def find(program: Program) -> Iterator[Alarm]:
    """Look at the limit of every tokenizer call that cuts training text."""
    if _counts(program):
        return
    for call in _cutting(program):
        limit = only(argument(call, "max_length"))
        if isinstance(limit, int) and limit <= SHORT.value and call.place is not None:
            says = f"training text is cut at {limit} tokens, and nothing counts how many rows that concerns"
            yield Alarm(call.place, says, Certainty.HINT, mending=MENDING)


def _cutting(program: Program) -> list[Call]:
    """Tokenizer calls that cut training text."""
    prompts = {one.source for one in generations(program)}
    calls = [call for call, _ in encodings(program) if call not in prompts and flag(argument(call, "truncation"))]
    return [call for call in calls if together(program, call, trainings(program))]


def _counts(program: Program) -> bool:
    """Whether the program takes the length of token ids anywhere."""
    for event in program.calls:
        call = event.call
        if call.method == "len" and call.args and contains(call.args[0], _is_ids) is not None:
            return True
    return False


def _is_ids(value: Value) -> bool:
    if isinstance(value, Attribute):
        return value.name == "input_ids"
    return isinstance(value, Item) and isinstance(value.index, Constant) and value.index.value == "input_ids"


def _looked(program: Program) -> bool:
    return bool(_cutting(program)) and _counts(program)


RULE = script_rule(
    code="TOK008",
    slug="truncation-without-length-check",
    severity=Severity.NOTE,
    certainty=Certainty.HINT,
    needs=("tokenizer calls with `truncation=True` in a program that trains",),
    find=find,
    looked=_looked,
    missing="a tokenizer call that cuts training text, and the lengths of its rows",
    thresholds=(SHORT,),
)
