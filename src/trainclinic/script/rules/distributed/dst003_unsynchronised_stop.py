"""One process leaves the loop, or waits for the others, where these do not come along.

## What it sees
A call that all processes have to make together (`barrier`, `all_reduce`, `gather`, a trainer's `evaluate`) that only
the first process reaches; or a `break` out of a training loop on the first process alone.

## Why it matters
The others never make that call, or make another one: the run hangs, with the devices at full load or none, until the
watchdog stops it after 10 to 30 minutes ("collective operation timeout").

## What it does not mean
The pair of barriers around a download (`if rank != 0: barrier()`, then `if rank == 0: barrier()`) is right. Logging and
saving on one process is right.

## Example
Bad:

    import torch
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel
    from mymodel import build, batches, score

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
        if rank == 0 and score(model) > 0.9:
            break

Good:

    import torch
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel
    from mymodel import build, batches, score

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
        stop = torch.tensor(float(rank == 0 and score(model) > 0.9)).cuda()
        dist.broadcast(stop, src=0)
        if stop.item() > 0:
            break

## Check it by hand
Start two processes, let the condition hold on the first step, and see whether both end.

## References
- https://pytorch.org/docs/stable/distributed.html
- https://huggingface.co/docs/accelerate/usage_guides/distributed_inference
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.events import Condition, Event
from trainclinic.script.program.processes import is_main_only, wrapping_call
from trainclinic.script.program.program import Program
from trainclinic.script.program.trainers import trainers
from trainclinic.script.program.training_loops import TrainingLoop, training_loops
from trainclinic.script.program.values import Call, Value
from trainclinic.script.rule import script_rule

COLLECTIVES = ("barrier", "all_reduce", "all_gather", "all_gather_object", "reduce_scatter", "broadcast_object_list")
TOGETHER = (".wait_for_everyone", ".gather_for_metrics")
LAUNCHED = ("torch.distributed.init_process_group", "deepspeed.init_distributed", "deepspeed.initialize")


def find(program: Program) -> Iterator[Alarm]:
    """Look at calls that all processes must make, then at every `break` of a training loop."""
    for call in _collectives(program):
        condition = _main_only(call.event)
        if condition is not None and call.place is not None and not _has_partner(program, call):
            says = f"only one process reaches `{call.method}`, which waits for all of them"
            flow = (
                Step(call.event.file.place(condition.node), f"`{condition}` holds on one process"),
                Step(call.place, "all processes must make this call"),
            )
            mending = Mending("move the call out of the condition, so that every process makes it")
            yield Alarm(call.place, says, Certainty.LIKELY, flow, mending=mending)
    for loop in _synchronised(program):
        for event in program.breaks:
            condition = _main_only(event) if event.loops and event.loops[-1] in loop.backward[0].loops else None
            if condition is not None:
                says = "only one process leaves the training loop here, and the others wait for its gradients"
                flow = (
                    Step(event.file.place(condition.node), f"`{condition}` holds on one process"),
                    Step(event.place, "it leaves the loop"),
                )
                mending = Mending("let all processes decide together, by `broadcast` or `all_reduce` of the decision")
                yield Alarm(event.place, says, Certainty.LIKELY, flow, mending=mending)


def _collectives(program: Program) -> list[Call]:
    """Calls that hang unless every process makes them."""
    names = [f"torch.distributed.{name}" for name in COLLECTIVES]
    built: set[Value | None] = {one.call for one in trainers(program)}
    evaluations = [one for one in program.calls_of(".evaluate", ".predict") if one.receiver in built]
    return [*program.calls_of(*names, *TOGETHER), *evaluations]


def _main_only(event: Event) -> Condition | None:
    return next((one for one in event.conditions if is_main_only(one)), None)


def _has_partner(program: Program, call: Call) -> bool:
    """Whether the same call stands where other processes reach it instead: in another branch of the rank."""
    for other in program.calls_ending(call.method):
        ranks = [one for one in other.event.conditions if "rank" in str(one) or "main" in str(one)]
        if other.file is call.file and any(not is_main_only(one) for one in ranks):
            return True
    return False


def _synchronised(program: Program) -> Iterator[TrainingLoop]:
    """Training loops whose backward passes wait for all processes."""
    for loop in training_loops(program):
        wrapped = any(wrapping_call(event.call.function) is not None for event in loop.events)
        if wrapped or any(_is_accelerated(event.call) for event in loop.backward):
            yield loop


def _is_accelerated(backward: Call) -> bool:
    made = backward.receiver
    return isinstance(made, Call) and made.method == "Accelerator"


def _looked(program: Program) -> bool:
    return any(True for _ in _synchronised(program)) or bool(_collectives(program) and program.calls_of(*LAUNCHED))


RULE = script_rule(
    code="DST003",
    slug="unsynchronised-stop",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("a training loop of several processes, or calls that all of them make",),
    find=find,
    looked=_looked,
    missing="a training loop with `DistributedDataParallel` or `Accelerator`",
)
