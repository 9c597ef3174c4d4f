"""A method of a data set gives back a new data set, and nobody takes it.

## What it sees
`shuffle`, `map`, `filter`, `select`, `rename_column`, `remove_columns`, `train_test_split` and their like, called on a
data set of Hugging Face's `datasets` as a statement of their own.

## Why it matters
Data sets of `datasets` never change: the rows stay unshuffled, unfiltered and untokenized under the old name. A missing
column is noticed at once; rows in the order of their source, or bad rows that were meant to go, are not.

## What it does not mean
`random.shuffle` of a list and `set_format` of a data set work in place. A `map` whose function is called for what it
does elsewhere (counting, writing), or that only fills the cache of one process for the others, is fine.

## Example
Bad:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments
    from mydata import encode

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct")
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct", dtype="float32")
    rows = load_dataset("json", data_files="chats.jsonl", split="train")
    rows.filter(lambda row: len(row["answer"]) > 0)
    rows = rows.map(lambda row: encode(tokenizer, row), remove_columns=rows.column_names)
    arguments = TrainingArguments("out", learning_rate=1e-5, num_train_epochs=2)
    trainer = Trainer(model=model, args=arguments, train_dataset=rows, data_collator=DataCollatorForSeq2Seq(tokenizer))
    trainer.train()

Good:

    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments
    from mydata import encode

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct")
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B-Instruct", dtype="float32")
    rows = load_dataset("json", data_files="chats.jsonl", split="train")
    rows = rows.filter(lambda row: len(row["answer"]) > 0)
    rows = rows.map(lambda row: encode(tokenizer, row), remove_columns=rows.column_names)
    arguments = TrainingArguments("out", learning_rate=1e-5, num_train_epochs=2)
    trainer = Trainer(model=model, args=arguments, train_dataset=rows, data_collator=DataCollatorForSeq2Seq(tokenizer))
    trainer.train()

## Check it by hand
Print `len(rows)`, `rows.column_names` and the first row right before training.

## References
- https://huggingface.co/docs/datasets/process
- https://huggingface.co/docs/datasets/package_reference/main_classes
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapters import is_dropped
from trainclinic.script.program.names import name_of
from trainclinic.script.program.processes import is_guarded
from trainclinic.script.program.program import Program
from trainclinic.script.program.values import Attribute, Call, Choice, Constant, Element, Item, Mapping, Value
from trainclinic.script.rule import script_rule

CALLING = frozenset({"map", "filter"})
"""Methods that call a function for every row, which may do something of its own."""
RENEWING = CALLING | {
    *("shuffle", "select", "take", "skip", "shard", "sort", "train_test_split", "flatten", "class_encode_column"),
    *("rename_column", "rename_columns", "remove_columns", "select_columns", "add_column", "add_item"),
    *("cast", "cast_column", "with_format", "with_transform"),
}
"""Methods of data sets that give back a new one and leave the old one as it is."""
_MADE = ("load_dataset", "load_from_disk", "concatenate_datasets", "interleave_datasets", "DatasetDict", "Dataset")
_KINDS = ("dict", "list", "pandas", "generator", "json", "csv", "text", "parquet")
MAKING = frozenset({f"datasets.{name}" for name in _MADE} | {f"datasets.Dataset.from_{kind}" for kind in _KINDS})
_ELSEWHERE = frozenset({"append", "add", "update", "write", "extend", "writerow", "print", "put", "increment"})


def find(program: Program) -> Iterator[Alarm]:
    """Look at every statement that is no more than a call of such a method."""
    for call in _renewed(program):
        made = _made(call.receiver)
        if call.place is None or made is None or not is_dropped(call) or _works_elsewhere(program, call):
            continue
        says = f"`{call.method}` gives back a new data set, which is thrown away: the old one stays as it was"
        flow = (Step(made.place, "the data set"), Step(call.place, "the new one is dropped")) if made.place else ()
        mending = Mending("assign the result", edits=_edits(call))
        yield Alarm(call.place, says, Certainty.PROOF, flow, mending=mending)


def _renewed(program: Program) -> Iterator[Call]:
    for call in program.calls_of(*sorted(f".{name}" for name in RENEWING)):
        if isinstance(call.function, Attribute) and _made(call.receiver) is not None:
            yield call


def _made(value: Value | None, depth: int = 0) -> Call | None:
    """The call of `datasets` that a data set comes from; `None` for everything that may be something else."""
    if depth > 24:
        return None
    if isinstance(value, Choice):
        found = [_made(option.value, depth + 1) for option in value.options]
        return found[0] if None not in found else None
    if isinstance(value, Item) and isinstance(value.index, Constant) and isinstance(value.index.value, str):
        return _made(value.base, depth + 1)
    if not isinstance(value, Call):
        return None
    if name_of(value.function) in MAKING:
        return value
    return _made(value.receiver, depth + 1) if value.method in RENEWING else None


def _works_elsewhere(program: Program, call: Call) -> bool:
    """Whether a function that is called for every row may be called for what else it does."""
    if call.method not in CALLING:
        return False
    given = call.callbacks.get("rows")
    if given is None or (isinstance(given, Constant) and given.value is None):
        return True
    inside = [event for event in program.calls if event.activation.call is call]
    stored = [event for event in program.stores if event.activation.call is call and event.kind != "name"]
    does = any(event.call.method in _ELSEWHERE for event in inside)
    return does or any(not isinstance(event.base, (Element, Mapping)) for event in stored) or is_guarded(call.event)


def _edits(call: Call) -> tuple[Edit, ...]:
    """The statement as an assignment to the name that the data set has."""
    node = call.node
    held = node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
    if node is None or call.place is None or not isinstance(held, (ast.Name, ast.Attribute, ast.Subscript)):
        return ()
    if call.place.line != call.place.end_line or call.method == "train_test_split":
        return ()
    return (Edit("replace", call.place, f"{ast.unparse(held)} = {ast.unparse(node)}"),)


def _looked(program: Program) -> bool:
    return any(True for _ in _renewed(program))


RULE = script_rule(
    code="LOP010",
    slug="dropped-result-of-a-data-method",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("methods of data sets of `datasets`",),
    find=find,
    looked=_looked,
    missing="a data set of `datasets` that a method is called on",
    fix="unsafe",
)
