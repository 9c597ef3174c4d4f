"""Texts are joined into blocks with nothing between them that says where one ends.

## What it sees
Encoded rows that are joined into one stream and cut into blocks, in a batched `map`, a function or a data set class,
where the texts get no end token on the way and the tokenizer adds neither a begin nor an end token of its own.

## Why it matters
The model is trained to continue one text with another: the last words of a recipe predict the first words of an
invoice. It never learns to stop, and generation runs on into a new text. No metric of the training shows it.

## What it does not mean
Lines of one long text may be joined as they are. Tokenizers that put a begin token before each text (Llama, Mistral,
Gemma) separate texts well enough. Rows that are packed by a library are not looked at here.

## Example
Bad:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments, default_data_collator

    tokenizer = AutoTokenizer.from_pretrained("openai-community/gpt2")
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")

    def encode(rows):
        return tokenizer(rows["text"])

    def group(rows, size=1024):
        stream = sum(rows["input_ids"], [])
        blocks = [stream[at : at + size] for at in range(0, len(stream) // size * size, size)]
        return {"input_ids": blocks, "labels": [list(block) for block in blocks]}

    data = load_dataset("json", data_files="articles.jsonl", split="train")
    data = data.map(encode, batched=True, remove_columns=data.column_names)
    data = data.map(group, batched=True, remove_columns=data.column_names)
    arguments = TrainingArguments("out", learning_rate=2e-5, seed=7)
    trainer = Trainer(model=model, args=arguments, train_dataset=data, data_collator=default_data_collator)
    trainer.train()

Good:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments, default_data_collator

    tokenizer = AutoTokenizer.from_pretrained("openai-community/gpt2")
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")

    def encode(rows):
        return tokenizer([text + tokenizer.eos_token for text in rows["text"]])

    def group(rows, size=1024):
        stream = sum(rows["input_ids"], [])
        blocks = [stream[at : at + size] for at in range(0, len(stream) // size * size, size)]
        return {"input_ids": blocks, "labels": [list(block) for block in blocks]}

    data = load_dataset("json", data_files="articles.jsonl", split="train")
    data = data.map(encode, batched=True, remove_columns=data.column_names)
    data = data.map(group, batched=True, remove_columns=data.column_names)
    arguments = TrainingArguments("out", learning_rate=2e-5, seed=7)
    trainer = Trainer(model=model, args=arguments, train_dataset=data, data_collator=default_data_collator)
    trainer.train()

## Check it by hand
Count `tokenizer.eos_token_id` in a few blocks: there must be about as many as there are texts in them.

## References
- https://github.com/huggingface/transformers/issues/22794
- https://huggingface.co/docs/transformers/tasks/language_modeling
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Place, Step
from trainclinic.script.program.blocks import cuts, groupings, holders, joins, row_function, steps_before
from trainclinic.script.program.definitions import Class, Function
from trainclinic.script.program.encodings import encodings, text_of
from trainclinic.script.program.identities import identity_of
from trainclinic.script.program.program import Program
from trainclinic.script.program.prompts import names_end_token
from trainclinic.script.program.reading import argument, constants, contains, flag
from trainclinic.script.program.runs import together, trainings
from trainclinic.script.program.values import Call, Operation, Text, Value
from trainclinic.script.rule import script_rule

LINES = re.compile(r"wikitext|^text$|shakespeare|\bptb|\benwik", re.I)
"""Data sets whose rows are lines of longer texts."""
STORING = ("save_to_disk", "push_to_hub", "to_json", "to_parquet")
MENDING = Mending("append `tokenizer.eos_token` to each text before it is encoded")


@dataclass(frozen=True, slots=True)
class Joined:
    """Code that joins encoded rows into blocks.

    Attributes:
        place: Where it is called, else where it stands.
        name: Name of the function or class.
        encoded: Calls of tokenizers that encode the rows, with the tokenizer.
        source: Calls that the rows come from, as far as they are in sight.
    """

    place: Place
    name: str
    encoded: tuple[tuple[Call, Value], ...]
    source: tuple[Call, ...] = ()


def find(program: Program) -> Iterator[Alarm]:
    """Look at the texts of everything that joins encoded rows."""
    for one in _joined(program):
        call, tokenizer = one.encoded[0]
        certainty = _certainty(call, tokenizer)
        bare = all(_is_bare(encoding) for encoding, _ in one.encoded)
        if certainty is not None and bare and not names_end_token(program) and not _are_lines(one) and call.place:
            says = f"`{one.name}` joins encoded texts into blocks, and no end token separates them"
            flow = (Step(call.place, "texts are encoded as they are"), Step(one.place, "and joined"))
            yield Alarm(one.place, says, certainty, flow, mending=MENDING)


def _joined(program: Program) -> Iterator[Joined]:
    """Code that makes blocks of rows whose encoding is in sight, for training."""
    for one in (*_mapped(program), *_own(program)):
        used = [*trainings(program), *program.calls_ending(*STORING)]
        if one.encoded and together(program, one.encoded[0][0], used):
            yield one


def _mapped(program: Program) -> Iterator[Joined]:
    for one in groupings(program):
        steps = tuple(steps_before(one.call))
        functions = [one.function, *(row_function(step) for step in steps if step.method == "map")]
        encoded = tuple(_encoded_in(program, [function for function in functions if function is not None]))
        if one.call.place is not None:
            yield Joined(one.call.place, one.function.name, encoded, steps)


def _own(program: Program) -> Iterator[Joined]:
    """Functions and classes that encode, join and cut, and are no function of a `map`."""
    mapped = {one.function.definition for one in groupings(program)}
    found: dict[ast.AST, tuple[Class | Function, list[tuple[Call, Value]]]] = {}
    for call, tokenizer in encodings(program):
        for one in holders(call):
            found.setdefault(one.definition, (one, []))[1].append((call, tokenizer))
    for code, (one, encoded) in found.items():
        if code not in mapped and one.place is not None and joins(code) and cuts(code):
            yield Joined(one.place, one.name, tuple(encoded))


def _encoded_in(program: Program, code: list[Function]) -> Iterator[tuple[Call, Value]]:
    wanted = {one.definition for one in code}
    for call, tokenizer in encodings(program):
        if any(one.definition in wanted for one in holders(call)):
            yield call, tokenizer


def _certainty(call: Call, tokenizer: Value) -> Certainty | None:
    """How sure it is that a tokenizer adds no token between texts; `None` when it does."""
    known = identity_of(tokenizer)
    if known is None or known.family.adds_bos is None or known.family.adds_eos is None:
        return Certainty.HINT
    bare = flag(argument(call, "add_special_tokens")) is False
    return Certainty.LIKELY if bare or not (known.family.adds_bos or known.family.adds_eos) else None


def _is_bare(call: Call) -> bool:
    """Whether texts are encoded as they stand in the data: text that code builds may have marks of its own."""
    built = contains(text_of(call), lambda one: isinstance(one, (Text, Operation)), limit=60)
    return text_of(call) is not None and built is None


def _are_lines(one: Joined) -> bool:
    names = (name for call in one.source for value in call.args[:2] for name in constants(value))
    return any(isinstance(name, str) and LINES.search(name) for name in names)


def _looked(program: Program) -> bool:
    return any(True for _ in _joined(program))


RULE = script_rule(
    code="SMP001",
    slug="rows-joined-without-end-token",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("code that joins encoded texts into blocks",),
    find=find,
    looked=_looked,
    missing="encoded texts that the script joins into blocks for training",
)
