"""Rows are doubled or augmented first, and divided into training and validation afterwards.

## What it sees
`rows * k`, `rows + changed_copies_of(rows)`, `concatenate_datasets` of a data set with itself or with a changed copy,
or a list that is extended by its own rows, before `train_test_split`, `random_split` or a cut at one number.

## Why it matters
Copies of one row land on both sides. With three copies and a tenth held out, 99 of 100 validation rows have a copy in
the training set: the validation loss measures memory, falls with every epoch, and chooses the most overfitted model.

## What it does not mean
Doubling the training part alone, after the split, is fine. So is joining different sources.

## Example
Bad:

    from datasets import concatenate_datasets, load_dataset

    def shouted(row):
        return {"text": row["text"].upper()}

    rows = load_dataset("json", data_files="questions.jsonl", split="train")
    rows = concatenate_datasets([rows, rows.map(shouted)])
    parts = rows.train_test_split(test_size=0.1, seed=7)
    parts["train"].to_json("train.jsonl")
    parts["test"].to_json("test.jsonl")

Good:

    from datasets import concatenate_datasets, load_dataset

    def shouted(row):
        return {"text": row["text"].upper()}

    rows = load_dataset("json", data_files="questions.jsonl", split="train")
    parts = rows.train_test_split(test_size=0.1, seed=7)
    rows = concatenate_datasets([parts["train"], parts["train"].map(shouted)])
    rows.to_json("train.jsonl")
    parts["test"].to_json("test.jsonl")

## Check it by hand
Count how many validation texts, in lower case and without punctuation, stand in the training set as well: it must be
about none.

## References
- https://scikit-learn.org/stable/common_pitfalls.html
- https://huggingface.co/docs/datasets/process
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import constants
from trainclinic.script.program.splits import Split, before, joined_from, splits, whole
from trainclinic.script.program.values import Call, Constant, Items, Mapping, Operation, Value
from trainclinic.script.rule import script_rule

MENDING = Mending("divide the rows first, and double or augment the training part alone")


def find(program: Program) -> Iterator[Alarm]:
    """Look at what every split divides."""
    for one in splits(program):
        doubled = _doubled(program, one)
        if doubled is not None and doubled.place is not None:
            says = f"rows are divided after `{doubled.code[:50]}` has put copies of rows beside each other"
            flow = (Step(doubled.place, "copies of the same rows"), Step(one.place, "divided afterwards"))
            yield Alarm(one.place, says, Certainty.LIKELY, flow, mending=MENDING)


def _doubled(program: Program, one: Split) -> Value | None:
    """What put a second copy of rows beside the first; `None` when nothing did."""
    for value, parts in joined_from(program, one.data):
        wholes = [whole(part) for part in parts]
        others = [[one for other in parts[:at] + parts[at + 1 :] for one in before(other)] for at in range(len(parts))]
        again = [one for one, known in zip(wholes, others, strict=True) if one in known]
        if any(_is_data(found) for found in again):
            return value
    return _repeated(one.data)


def _is_data(origin: Value) -> bool:
    """Whether a value can be rows: constants and rows that are written out may well be joined twice."""
    return not isinstance(origin, (Constant, Items, Mapping))


def _repeated(data: Value) -> Value | None:
    """`rows * 3`, before what kept all rows."""
    origin = whole(data)
    is_product = isinstance(origin, Operation) and origin.symbol == "*" and len(origin.operands) == 2
    if not isinstance(origin, Operation) or not is_product:
        return None
    numbers = [n for operand in origin.operands for n in constants(operand) if isinstance(n, int) and n > 1]
    rows = [operand for operand in origin.operands if isinstance(operand, Call)]
    return origin if numbers and rows else None


def _looked(program: Program) -> bool:
    return any(isinstance(whole(one.data), Call) for one in splits(program))


RULE = script_rule(
    code="SMP003",
    slug="split-after-augmentation",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("a split into training and validation rows",),
    find=find,
    looked=_looked,
    missing="a split of rows whose origin is in sight",
)
