"""Every process of a distributed run goes through the same rows.

## What it sees
A training loop over a `DataLoader` that calls a `DistributedDataParallel` model, whose loader has no distributed
sampler and whose data is not split by process; or a `DistributedSampler` over several epochs without `set_epoch`.

## Why it matters
With four processes and the same rows in each, an epoch does four times the work, and where the order is the same as
well, three of four gradients add nothing. Without `set_epoch` every epoch has the order of the first.

## What it does not mean
`accelerator.prepare`, the Trainer, `split_dataset_by_node` and `shard` split the rows themselves.

## Example
Bad:

    import torch
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel
    from torch.utils.data import DataLoader
    from datasets import load_dataset
    from transformers import AutoModelForCausalLM

    dist.init_process_group("nccl")
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2").cuda()
    model = DistributedDataParallel(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    data = load_dataset("json", data_files="tokens.jsonl", split="train").with_format("torch")
    loader = DataLoader(data, batch_size=8, shuffle=True)
    model.train()
    for batch in loader:
        loss = model(input_ids=batch["input_ids"].cuda(), labels=batch["labels"].cuda()).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

Good:

    import torch
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel
    from torch.utils.data import DataLoader, DistributedSampler
    from datasets import load_dataset
    from transformers import AutoModelForCausalLM

    dist.init_process_group("nccl")
    model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2").cuda()
    model = DistributedDataParallel(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    data = load_dataset("json", data_files="tokens.jsonl", split="train").with_format("torch")
    loader = DataLoader(data, batch_size=8, sampler=DistributedSampler(data))
    model.train()
    for batch in loader:
        loss = model(input_ids=batch["input_ids"].cuda(), labels=batch["labels"].cuda()).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

## Check it by hand
Print the first ids of the first batch on every process: they must differ.

## References
- https://pytorch.org/docs/stable/data.html
- https://pytorch.org/tutorials/intermediate/ddp_tutorial.html
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.adapters import is_given, ways
from trainclinic.script.program.events import Loop
from trainclinic.script.program.processes import is_splitting, loader_of, wrapping_call
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, constants, flag, is_open
from trainclinic.script.program.training_loops import TrainingLoop, training_loops
from trainclinic.script.program.values import Call, Value
from trainclinic.script.rule import script_rule

MENDING = Mending(
    "give the loader `sampler=DistributedSampler(data)`, and call `sampler.set_epoch(epoch)` in each epoch"
)


def find(program: Program) -> Iterator[Alarm]:
    """Look at the loader of every training loop with a wrapped model."""
    for loop, loader, wrapped in _subjects(program):
        sampler = _sampler(loader)
        if loader.place is None:
            continue
        if sampler is not None:
            yield from _same_order(program, loop, sampler)
        elif not program.is_prepared(loader):
            says = "this loader has no distributed sampler, so that every process goes through all rows"
            flow = (Step(wrapped.event.place, "several processes train the model"), Step(loader.place, "all rows"))
            yield Alarm(loader.place, says, Certainty.PROOF, flow, mending=MENDING)


def _sampler(loader: Call) -> Value | None:
    given = (argument(loader, "sampler", 3), argument(loader, "batch_sampler", 4))
    return next((one for one in given if is_given(one)), None)


def _subjects(program: Program) -> Iterator[tuple[Loop, Call, Call]]:
    """Loops over a loader in which a wrapped model is trained: the loop, the loader, the wrapping.

    Loaders without a sampler whose rows may be split in another way are left out.
    """
    for one in training_loops(program):
        wrapped = _wrapped_in(one)
        for loop in one.backward[0].loops if wrapped is not None else ():
            loader = loader_of(loop)
            if loader is None or wrapped is None or is_open(loader):
                continue
            if _sampler(loader) is not None or not _is_split(program, loader):
                yield loop, loader, wrapped


def _wrapped_in(one: TrainingLoop) -> Call | None:
    """What wraps the model that is called in a training loop."""
    return next((made for event in one.events if (made := wrapping_call(event.call.function)) is not None), None)


def _is_split(program: Program, loader: Call) -> bool:
    """Whether the rows may be split between the processes in another way."""
    data = argument(loader, "dataset", 0)
    return data is None or is_splitting(program, data)


def _same_order(program: Program, loop: Loop, sampler: Value) -> Iterator[Alarm]:
    """A distributed sampler that is never told the epoch."""
    made = next((one for one in ways(sampler) if isinstance(one, Call) and one.method == "DistributedSampler"), None)
    if made is None or made.place is None or flag(argument(made, "shuffle", 3)) is False or is_open(made):
        return
    if program.calls_ending("set_epoch") or program.attributes_set("epoch"):
        return
    outer = next((each for each in _around(program, loop) if _is_repeated(each)), None)
    if outer is not None:
        says = "`set_epoch` of the sampler is never called, so that every epoch has the order of the first"
        flow = (Step(outer.place, "several epochs"), Step(made.place, "the sampler"))
        yield Alarm(made.place, says, Certainty.LIKELY, flow, mending=MENDING)


def _around(program: Program, loop: Loop) -> tuple[Loop, ...]:
    inside = next((event for event in program.events if loop in event.loops), None)
    return inside.loops[: inside.loops.index(loop)] if inside is not None else ()


def _is_repeated(loop: Loop) -> bool:
    """Whether a loop counts epochs, of which there is more than one as far as the code says."""
    if not isinstance(loop.node, ast.For) or "epoch" not in ast.unparse(loop.node.target) + ast.unparse(loop.node.iter):
        return False
    counted = loop.over if isinstance(loop.over, Call) and loop.over.method in {"range", "trange"} else None
    return counted is not None and constants(counted.args[-1] if counted.args else None) != [1]


def _looked(program: Program) -> bool:
    return any(True for _ in _subjects(program))


RULE = script_rule(
    code="DST002",
    slug="missing-distributed-sampler",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("a training loop over a `DataLoader` with a `DistributedDataParallel` model",),
    find=find,
    looked=_looked,
    missing="an own training loop over a loader in sight, with a wrapped model",
)
