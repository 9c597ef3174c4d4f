"""Rows are shuffled first and cut into blocks afterwards, and the blocks are used in that order.

## What it sees
`shuffle` of a data set, then a batched `map` whose function joins the rows and cuts them into blocks, then
`save_to_disk` (or another way to store them) or a training loader that does not shuffle, with no other shuffle in
between.

## Why it matters
A text that is longer than a block becomes a run of blocks that follow each other. A book of 100,000 tokens fills
twenty-five blocks of 4,096: whole batches come from one text, their gradients agree, and the loss goes in waves.

## What it does not mean
The `Trainer` shuffles blocks itself, if it is given the data set rather than a stream. Texts that are shorter than a
block stay well mixed.

## Example
Bad:

    from datasets import load_dataset
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("openai-community/gpt2")

    def blocks(batch, size=1024):
        texts = [text + tokenizer.eos_token for text in batch["text"]]
        stream = [token for ids in tokenizer(texts)["input_ids"] for token in ids]
        whole = len(stream) // size * size
        return {"input_ids": [stream[at : at + size] for at in range(0, whole, size)]}

    rows = load_dataset("json", data_files="books.jsonl", split="train").shuffle(seed=7)
    rows = rows.map(blocks, batched=True, remove_columns=rows.column_names)
    rows.save_to_disk("blocks")

Good:

    from datasets import load_dataset
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("openai-community/gpt2")

    def blocks(batch, size=1024):
        texts = [text + tokenizer.eos_token for text in batch["text"]]
        stream = [token for ids in tokenizer(texts)["input_ids"] for token in ids]
        whole = len(stream) // size * size
        return {"input_ids": [stream[at : at + size] for at in range(0, whole, size)]}

    rows = load_dataset("json", data_files="books.jsonl", split="train")
    rows = rows.map(blocks, batched=True, remove_columns=rows.column_names).shuffle(seed=7)
    rows.save_to_disk("blocks")

## Check it by hand
Decode the first fifty tokens of eight blocks in a row: they must not tell one story.

## References
- https://github.com/hiyouga/LlamaFactory/issues/5247
- https://huggingface.co/docs/datasets/process
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.blocks import Grouping, groupings, steps_before
from trainclinic.script.program.program import Program
from trainclinic.script.program.rows import is_in_order, training_data
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

STORING = ("save_to_disk", "push_to_hub", "to_json", "to_parquet", "to_csv")
MENDING = Mending("shuffle the blocks: call `shuffle(seed=...)` after this `map`")


def find(program: Program) -> Iterator[Alarm]:
    """Look at what happens to the rows before they are cut, and to the blocks afterwards."""
    for one in groupings(program):
        before = next((call for call in steps_before(one.call) if call.method == "shuffle"), None)
        use = _use_in_order(program, one)
        if before is None or use is None or _is_shuffled_later(program, one):
            continue
        if before.place is not None and one.call.place is not None:
            name, keeper = one.function.name, use.method
            says = f"`{name}` cuts blocks from rows that were shuffled before, and `{keeper}` keeps their order"
            flow = (Step(before.place, "texts are shuffled"), Step(one.call.place, "each text becomes a run of blocks"))
            yield Alarm(one.call.place, says, Certainty.LIKELY, flow, mending=MENDING)


def _use_in_order(program: Program, one: Grouping) -> Call | None:
    """The call that stores the blocks as they are, or the loader that trains on them in this order."""
    stored = next((call for call in program.calls_ending(*STORING) if one.call in [*steps_before(call)]), None)
    if stored is not None:
        return stored
    trained = (each for each in training_data(program) if each.loop is not None and is_in_order(each.user))
    return next((each.user for each in trained if one.call in {each.data, *steps_before(each.data)}), None)


def _is_shuffled_later(program: Program, one: Grouping) -> bool:
    later = program.calls_ending("shuffle", "train_test_split", "permutation", "randperm", "random_split", "sample")
    return any(call.event.order > one.call.event.order for call in later)


def _looked(program: Program) -> bool:
    return any(
        _use_in_order(program, one) is not None or _is_shuffled_later(program, one) for one in groupings(program)
    )


RULE = script_rule(
    code="SMP005",
    slug="shuffled-before-grouping",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("a batched `map` that joins rows and cuts them into blocks",),
    find=find,
    looked=_looked,
    missing="blocks that are cut from joined rows and used in sight",
)
