"""Every process writes the same checkpoint file.

## What it sees
`torch.save` or `save_pretrained` of a `DistributedDataParallel` model, or of its optimizer, to a path without a rank in
it, and nothing around it that asks for the rank.

## Why it matters
Several processes write one file at a time. Mostly the last one wins; now and then the file is cut or mixed, and the run
cannot be resumed ("PytorchStreamReader failed reading zip archive").

## What it does not mean
The weights are the same on every process, so that a file which can be read is right. Sharded saving, where each process
writes its own part, is not meant.

## Example
Bad:

    import torch
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel
    from mymodel import build, batches

    dist.init_process_group("nccl")
    rank = dist.get_rank()
    model = DistributedDataParallel(build().cuda())
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for batch in batches(rank, dist.get_world_size()):
        loss = model(batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    torch.save(model.module.state_dict(), "out/last.pt")

Good:

    import torch
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel
    from mymodel import build, batches

    dist.init_process_group("nccl")
    rank = dist.get_rank()
    model = DistributedDataParallel(build().cuda())
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for batch in batches(rank, dist.get_world_size()):
        loss = model(batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    if rank == 0:
        torch.save(model.module.state_dict(), "out/last.pt")

## Check it by hand
Print the rank beside the path just before the save, with two processes: it must be printed once.

## References
- https://pytorch.org/tutorials/intermediate/ddp_tutorial.html
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.processes import asks_for_rank, is_guarded, wrapping_call
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, contains, is_open
from trainclinic.script.program.values import Call, Value
from trainclinic.script.rule import script_rule

MENDING = Mending("save on the first process only: `if rank == 0:`")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every save of a wrapped model."""
    for save, target, wrapped in _subjects(program):
        if save.place is None or is_guarded(save.event) or _is_told(save) or is_open(save):
            continue
        if target is not None and contains(target, asks_for_rank, limit=200) is not None:
            continue
        path = target.code if target is not None else "one path"
        says = f"every process writes `{path}` here" if path else "every process writes the same file here"
        flow = (Step(wrapped.event.place, "several processes train the model"), Step(save.place, "all of them save"))
        yield Alarm(save.place, says, Certainty.LIKELY, flow, mending=MENDING)


def _subjects(program: Program) -> Iterator[tuple[Call, Value | None, Call]]:
    """Saves of a model that is wrapped for several processes: the save, where to, the wrapping."""
    for save in program.calls_of("torch.save"):
        made = contains(argument(save, "obj", 0), _is_state_of_wrapped, limit=60)
        wrapped = wrapping_call(made.receiver) if isinstance(made, Call) else None
        if wrapped is not None:
            yield save, argument(save, "f", 1), wrapped
    for save in program.calls_of(".save_pretrained"):
        wrapped = wrapping_call(save.receiver)
        if wrapped is not None:
            yield save, argument(save, "save_directory", 0), wrapped


def _is_state_of_wrapped(value: Value) -> bool:
    return isinstance(value, Call) and value.method == "state_dict" and wrapping_call(value.receiver) is not None


def _is_told(save: Call) -> bool:
    """Whether the call itself is told which process it runs on."""
    return argument(save, "is_main_process") is not None


def _looked(program: Program) -> bool:
    return any(not is_open(save) for save, _, _ in _subjects(program))


RULE = script_rule(
    code="DST004",
    slug="save-on-every-process",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("a save of a model that is wrapped in `DistributedDataParallel`",),
    find=find,
    looked=_looked,
    missing="a save of a wrapped model",
)
