"""A training loop goes through its rows in the order of the file, in every epoch.

## What it sees
A `DataLoader` that a training loop goes through, over rows that can be reached by number, without `shuffle=True` and
without a sampler, where nothing has shuffled the rows before; and a `Trainer` of the files whose training sampler is
`SequentialSampler`.

## Why it matters
Files are rarely in a random order: one source follows the other, or long texts follow short ones. Every batch is then
of one kind, the loss jumps where the kind changes, and the last rows of the file leave the strongest mark. The loss
shows the same waves in each epoch.

## What it does not mean
Streams, rows that were shuffled when they were prepared, random crops, and an order on purpose (a curriculum) are fine
as they are. An evaluation loader needs no shuffling.

## Example
Bad:

    import torch
    from datasets import load_dataset
    from torch.utils.data import DataLoader
    from transformers import AutoModelForCausalLM

    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2").cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    data = load_dataset("json", data_files="tokens.jsonl", split="train").with_format("torch")
    loader = DataLoader(data, batch_size=8)
    model.train()
    for epoch in range(2):
        for batch in loader:
            ids = batch["input_ids"].cuda()
            loss = model(input_ids=ids, labels=ids).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()

Good:

    import torch
    from datasets import load_dataset
    from torch.utils.data import DataLoader
    from transformers import AutoModelForCausalLM

    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2").cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    data = load_dataset("json", data_files="tokens.jsonl", split="train").with_format("torch")
    loader = DataLoader(data, batch_size=8, shuffle=True)
    model.train()
    for epoch in range(2):
        for batch in loader:
            ids = batch["input_ids"].cuda()
            loss = model(input_ids=ids, labels=ids).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()

## Check it by hand
Print the first text of ten batches: they must not come from one part of the file. Compare the first batch of two
epochs: it must differ.

## References
- https://pytorch.org/docs/stable/data.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.definitions import Instance
from trainclinic.script.program.names import name_of
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import is_open
from trainclinic.script.program.rows import (
    TrainingData,
    class_text,
    is_in_order,
    is_streamed,
    made_of,
    source_of,
    training_data,
)
from trainclinic.script.program.runs import run_together
from trainclinic.script.program.values import Call, Constant, Item, Value
from trainclinic.script.rule import script_rule

MIXERS = ("shuffle", "permutation", "randperm", "sample", "train_test_split", "random_split", "interleave_datasets")
"""Calls that leave rows in a random order, or mix their sources."""
ORDERED = re.compile(r"shuf|perm|rand|sampl|sort|curric|mix|streaming", re.I)
"""Words of code and file names that tell of an order on purpose, or of one that is random already."""
FEW = re.compile(r"\[:\d{1,3}\]$")
"""End of the name of a split that holds a few rows for a try."""
MAP_STYLE = frozenset(
    {"datasets.load_dataset", "datasets.load_from_disk", "torch.utils.data.TensorDataset"}
    | {f"datasets.Dataset.from_{kind}" for kind in ("json", "csv", "text", "parquet", "list", "dict", "pandas")}
)


def find(program: Program) -> Iterator[Alarm]:
    """Look at the loader of every training loop, then at the samplers of own trainers."""
    for one in _subjects(program):
        if is_in_order(one.user) and not _is_mixed(program, one.user, one.data) and one.user.place is not None:
            says = "this training loader has no `shuffle=True` and no sampler: rows come in the order of the file"
            edits = (Edit("set_argument", one.user.place, "True", "shuffle"),)
            mending = Mending("shuffle the training rows", edits=edits)
            yield Alarm(one.user.place, says, Certainty.LIKELY, _flow(one), mending=mending)
    for made, trained in _sequential(program):
        if made.place is not None and not _is_mixed(program, trained.user, trained.data):
            says = "the trainer takes its rows with `SequentialSampler`, in the order of the file"
            yield Alarm(made.place, says, Certainty.LIKELY, mending=Mending("leave the sampler to the `Trainer`"))


def _subjects(program: Program) -> Iterator[TrainingData]:
    """Rows of training loops that can be reached by number, so that a loader can shuffle them."""
    seen: set[Value] = set()
    for one in training_data(program):
        if one.loop is not None and one.user not in seen and not is_open(one.user) and _is_map_style(one.data):
            seen.add(one.user)
            yield one


def _is_map_style(data: Value) -> bool:
    """Whether rows are known to be reached by number: a data set of a library, or a class with `__getitem__`."""
    source = source_of(data)
    if isinstance(source, Item) and isinstance(source.index, Constant):
        source = source_of(source.base)
    if is_streamed(data):
        return False
    if isinstance(source, Instance):
        return source.cls.find("__getitem__") is not None and source.cls.find("__iter__") is None
    return isinstance(source, Call) and name_of(source.function) in MAP_STYLE


def _is_mixed(program: Program, user: Call, data: Value) -> bool:
    """Whether rows may be in a random order already, or in this order on purpose."""
    if any(run_together(program, user, call) for call in program.calls_ending(*MIXERS)):
        return True
    texts = [one.code for one in made_of(data)] + [class_text(one) for one in made_of(data)]
    names = [one.value for one in made_of(data) if isinstance(one, Constant) and isinstance(one.value, str)]
    return any(FEW.search(name) for name in names) or any(ORDERED.search(text) for text in (*texts, *names))


def _flow(one: TrainingData) -> tuple[Step, ...]:
    if one.loop is None or one.user.place is None or one.training is None:
        return ()
    return (Step(one.training.backward[0].place, "trains on every batch"), Step(one.user.place, "in this order"))


def _sequential(program: Program) -> Iterator[tuple[Call, TrainingData]]:
    """Samplers that an own `Trainer` takes training rows with, and what it trains on."""
    for one in training_data(program):
        own = one.trainer.own if one.trainer is not None else None
        method = own.find("_get_train_sampler") if own is not None else None
        for call in program.calls_of("torch.utils.data.SequentialSampler"):
            if method is not None and call.event.activation.name == "_get_train_sampler" and call.file is method.file:
                yield call, one


def _looked(program: Program) -> bool:
    return any(True for _ in _subjects(program)) or any(True for _ in _sequential(program))


RULE = script_rule(
    code="SMP004",
    slug="training-without-shuffle",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("a training loop over a `DataLoader`",),
    find=find,
    looked=_looked,
    missing="a training loop over a loader whose rows can be reached by number",
    fix="unsafe",
)
