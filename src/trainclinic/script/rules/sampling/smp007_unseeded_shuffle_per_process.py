"""Every process of a distributed run shuffles the rows by itself, each in another order.

## What it sees
`random.shuffle`, `np.random.permutation`, `torch.randperm` or `ds.shuffle()` of training rows without a seed, in a
project that runs as several processes and divides the rows among them by number: a `Trainer`, a `DistributedSampler`,
a loader prepared by accelerate; and a `Dataset` class that shuffles its rows when it is built.

## Why it matters
Samplers hand out numbers, on the promise that number 17 is the same row everywhere. Without a common seed each process
looks up another row: with two processes a quarter of the rows is left out of an epoch, with eight a third, and others
come twice or more. A run that is resumed has an order of its own again.

## What it does not mean
One process may shuffle as it likes, and so may several whose rows were divided by rank before. A script that sets seeds
anywhere is left alone.

## Example
Bad:

    # file: train.py
    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling
    from transformers import Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained("openai-community/gpt2")
    tokenizer.add_special_tokens({"pad_token": "<|pad|>"})
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    model.resize_token_embeddings(len(tokenizer))

    def encode(row):
        return tokenizer(row["text"] + tokenizer.eos_token, truncation=True, max_length=512)

    rows = load_dataset("json", data_files="notes.jsonl", split="train").map(encode).shuffle()
    arguments = TrainingArguments("out", learning_rate=2e-5, seed=7)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    trainer = Trainer(model=model, args=arguments, data_collator=collator, train_dataset=rows)
    trainer.train()

    # file: run.sh
    torchrun --nproc_per_node 8 train.py

Good:

    # file: train.py
    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling
    from transformers import Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained("openai-community/gpt2")
    tokenizer.add_special_tokens({"pad_token": "<|pad|>"})
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
    model.resize_token_embeddings(len(tokenizer))

    def encode(row):
        return tokenizer(row["text"] + tokenizer.eos_token, truncation=True, max_length=512)

    rows = load_dataset("json", data_files="notes.jsonl", split="train").map(encode).shuffle(seed=7)
    arguments = TrainingArguments("out", learning_rate=2e-5, seed=7)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    trainer = Trainer(model=model, args=arguments, data_collator=collator, train_dataset=rows)
    trainer.train()

    # file: run.sh
    torchrun --nproc_per_node 8 train.py

## Check it by hand
Print the text of row 0 on every process right before training: it must be the same text.

## References
- https://github.com/QwenLM/Qwen3-VL/issues/1971
- https://huggingface.co/docs/datasets/process
- https://docs.python.org/3/library/random.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Place, Step
from trainclinic.script.program.adapters import is_given
from trainclinic.script.program.definitions import Instance
from trainclinic.script.program.names import name_of
from trainclinic.script.program.processes import DDP, asks_for_rank, is_guarded, root_file
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument
from trainclinic.script.program.rows import (
    Shuffle,
    TrainingData,
    class_text,
    holder_of,
    is_streamed,
    made_of,
    shuffles,
    training_data,
)
from trainclinic.script.program.runs import run_together
from trainclinic.script.program.values import Value
from trainclinic.script.rule import script_rule
from trainclinic.script.sources.source import SourceFile

SEVERAL = ("torch.distributed.init_process_group", DDP, "torch.utils.data.distributed.DistributedSampler")
SEEDING = re.compile(r"seed|full_determinism|broadcast", re.I)
"""Calls that give every process the same random numbers, or the same rows."""
DIVIDED = re.compile(r"rank|world_size|num_replicas|process_index", re.I)


def find(program: Program) -> Iterator[Alarm]:
    """Look at every shuffle of rows that training gets."""
    for one in _subjects(program):
        several = _several_processes(program, one)
        is_common, place = one.is_seeded or _is_seeded(program), one.call.place
        if is_common or place is None or _is_divided(program, one) or (several is None and holder_of(one.call) is None):
            continue
        called = name_of(one.call.function) or f".{one.call.method}()"
        says = f"`{called}` has no seed, so that each process brings the rows into an order of its own"
        flow = (Step(several, "several processes"), Step(place, "each in an order of its own")) if several else ()
        edits = (Edit("set_argument", place, "42", "seed"),) if one.rows is one.call.receiver else ()
        mending = Mending("shuffle with the same seed in every process", edits=edits)
        yield Alarm(place, says, Certainty.LIKELY if several else Certainty.HINT, flow, mending=mending)


def _subjects(program: Program) -> Iterator[Shuffle]:
    """Shuffles of rows that are handed out by number afterwards."""
    trained = [(one, {*made_of(one.data)}) for one in training_data(program)]
    for one in shuffles(program):
        holder = holder_of(one.call)
        users = [user for user, parts in trained if not parts.isdisjoint({one.rows, holder or one.rows})]
        if any(_is_by_number(program, user) for user in users) or (not users and _is_data_set(holder)):
            yield one


def _is_by_number(program: Program, user: TrainingData) -> bool:
    """Whether several processes would divide these rows by their numbers."""
    if is_streamed(user.data):
        return False
    sampler = argument(user.user, "sampler", 3)
    return user.trainer is not None or program.is_prepared(user.user) or is_given(sampler)


def _is_data_set(holder: Instance | None) -> bool:
    """Whether an object is a data set whose rows are reached by number."""
    if holder is None or not isinstance(holder.cls.find("__getitem__"), Value):
        return False
    return any(one.name.endswith("Dataset") for one in holder.cls.lineage())


def _several_processes(program: Program, one: Shuffle) -> Place | None:
    """What says that the code runs as several processes: a launch, or a call that joins them."""
    for launch in program.project.launches:
        many = launch.processes is not None and launch.processes > 1
        started = _started(program, launch.script)
        if many and (started is None or _leads_to(program, started, root_file(one.call.event))):
            return launch.place
    calls = program.calls_of(*SEVERAL, "torch.utils.data.DistributedSampler", "deepspeed.initialize")
    return next((call.place for call in calls if run_together(program, call, one.call)), None)


def _started(program: Program, script: str) -> SourceFile | None:
    """The file that a launch starts; `None` when it is not among the files."""
    name = script.replace("\\", "/").rpartition("/")[2]
    return next((file for file in program.project.files if file.path.name == name), None)


def _leads_to(program: Program, started: SourceFile, file: SourceFile) -> bool:
    return started is file or file in program.reached_from(started)


def _is_seeded(program: Program) -> bool:
    return any(SEEDING.search(event.call.method) for event in program.calls)


def _is_divided(program: Program, one: Shuffle) -> bool:
    """Whether each process may have rows of its own by then, or one process alone shuffles."""
    holder = holder_of(one.call)
    named = any(asks_for_rank(value) for value in made_of(one.rows))
    by_class = holder is not None and DIVIDED.search(class_text(holder)) is not None
    return (
        named or by_class or is_guarded(one.call.event) or bool(program.calls_ending("shard", "split_dataset_by_node"))
    )


def _looked(program: Program) -> bool:
    return any(_several_processes(program, one) is not None for one in _subjects(program))


RULE = script_rule(
    code="SMP007",
    slug="unseeded-shuffle-per-process",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("a shuffle of training rows in a program of several processes",),
    find=find,
    looked=_looked,
    missing="training rows that a program of several processes shuffles",
    fix="unsafe",
)
