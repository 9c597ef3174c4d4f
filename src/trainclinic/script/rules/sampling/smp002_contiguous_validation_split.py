"""The last part of rows that come from several sources is held out, without a shuffle.

## What it sees
Rows of several files or data sets, one after the other, that are cut at one number into training and validation rows
(`rows[:n]`, `rows[n:]`, `select(range(n))`), or divided with `shuffle=False`, where nothing shuffles them. One text
that is cut in the same way is a hint.

## Why it matters
The held-out rows are all of the source that stands last. The validation loss then tells how hard that source is, and
how little of it was trained on: it can rise while the model gets better, or stay below the training loss all along.

## What it does not mean
A cut is right where the order is time and the future is to be predicted, and fine for one text of one kind, as in
character models. Rows of one file may be mixed already.

## Example
Bad:

    from datasets import concatenate_datasets, load_dataset

    papers = load_dataset("json", data_files="papers.jsonl", split="train")
    forum = load_dataset("json", data_files="forum.jsonl", split="train")
    rows = concatenate_datasets([papers, forum])
    at = int(0.9 * len(rows))
    train_rows = rows.select(range(at))
    val_rows = rows.select(range(at, len(rows)))
    train_rows.to_json("train.jsonl")
    val_rows.to_json("val.jsonl")

Good:

    from datasets import concatenate_datasets, load_dataset

    papers = load_dataset("json", data_files="papers.jsonl", split="train")
    forum = load_dataset("json", data_files="forum.jsonl", split="train")
    rows = concatenate_datasets([papers, forum]).shuffle(seed=7)
    at = int(0.9 * len(rows))
    train_rows = rows.select(range(at))
    val_rows = rows.select(range(at, len(rows)))
    train_rows.to_json("train.jsonl")
    val_rows.to_json("val.jsonl")

## Check it by hand
Count the rows of each source on both sides of the cut: the shares must be about the same.

## References
- https://scikit-learn.org/stable/modules/cross_validation.html
- https://huggingface.co/docs/datasets/process
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, constants
from trainclinic.script.program.rows import made_of, shuffles
from trainclinic.script.program.splits import Split, before, joined_from, splits, whole
from trainclinic.script.program.values import Call, Element, Item, Items, Value
from trainclinic.script.rule import script_rule

SORTED = re.compile(r"sort|time|date|chrono|shuf|perm", re.I)
"""Words of code and names that tell of an order on purpose, or of a random one."""
READS = frozenset({"read", "read_text", "fromfile", "memmap"})
"""Methods that give one text, or one array of tokens."""
OPENING = frozenset({"open", "load_dataset", "load_from_disk", "read_json", "read_csv", "read_text"})
"""Calls that open one file or data set."""
MENDING = Mending("shuffle the rows with a seed before they are divided, or divide each source by itself")


def find(program: Program) -> Iterator[Alarm]:
    """Look at what every split that keeps the order divides."""
    for one in splits(program):
        if not one.is_contiguous or _is_mixed(program, one):
            continue
        joined = _joined(program, one)
        if joined is not None:
            says = "the last of these rows are held out, and they are the rows of the last source alone"
            flow = (Step(joined.place, "one source after the other"), Step(one.place, "cut")) if joined.place else ()
            yield Alarm(one.place, says, Certainty.LIKELY, flow, mending=MENDING)
        elif _is_one_text(one):
            says = "the end of one text is held out: it may differ in kind from what stands before"
            yield Alarm(one.place, says, Certainty.HINT, mending=MENDING)


def _joined(program: Program, one: Split) -> Value | None:
    """Where the rows of several sources were put one after the other; `None` when that is not in sight."""
    for value, parts in joined_from(program, one.data):
        if len({whole(part) for part in parts}) > 1:
            return value
    for value in before(one.data):
        if isinstance(value, Items) and _grows_by_file(program, value):
            return value
        if isinstance(value, Call) and _reads_several(value):
            return value
    return None


def _grows_by_file(program: Program, rows: Items) -> bool:
    """Whether a loop over files or sources extends a list."""
    for call in program.calls_of(".extend"):
        if call.receiver is rows and call.args:
            opened = [one for one in made_of(call.args[0]) if isinstance(one, Call) and one.method in OPENING]
            return any(loop.target in {*made_of(one)} for one in opened for loop in call.event.loops)
    return False


def _reads_several(call: Call) -> bool:
    """Whether `load_dataset` is given several files for one split."""
    files = argument(call, "data_files")
    return isinstance(files, Items) and len(files.elements) > 1 and call.method == "load_dataset"


def _is_one_text(one: Split) -> bool:
    return any(isinstance(value, Call) and value.method in READS for value in made_of(one.data))


def _is_mixed(program: Program, one: Split) -> bool:
    """Whether rows may be in a random order, or in one on purpose."""
    parts = {*made_of(one.data), *before(one.data)}
    if any(each.rows in parts or each.call in parts for each in shuffles(program)):
        return True
    texts = [value.code for value in parts if not isinstance(value, (Element, Item))]
    names = [str(name) for value in parts for name in constants(value)]
    return any(SORTED.search(text) for text in (*texts, *names))


def _looked(program: Program) -> bool:
    known = [one for one in splits(program) if one.is_contiguous]
    return any(_is_mixed(program, one) or _joined(program, one) is not None for one in known)


RULE = script_rule(
    code="SMP002",
    slug="contiguous-validation-split",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("a split into training and validation rows that keeps their order",),
    find=find,
    looked=_looked,
    missing="a split that keeps the order of rows whose sources are in sight",
)
