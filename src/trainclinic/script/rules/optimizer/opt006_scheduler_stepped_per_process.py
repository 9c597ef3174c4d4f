"""The schedule counts other steps than it was planned for.

## What it sees
A schedule that went through `accelerator.prepare` and is planned in plain steps, in a launch of several processes;
one that is stepped in every micro-batch and planned in updates, or the reverse; one that is planned in epochs and
stepped per batch, or planned in batches and stepped per epoch.

## Why it matters
A prepared schedule advances once per process in every step: on 8 processes the learning rate reaches its end after an
eighth of the run, and the rest trains at zero. A schedule that is stepped too rarely stays in its warm-up.

## What it does not mean
Totals taken from the length of the loader before `prepare`, or multiplied by `accelerator.num_processes`, are right,
and so is any schedule with `split_batches=True`.

## Example
Bad:

    # file: run.sh
    accelerate launch --num_processes 2 train.py

    # file: train.py
    import torch
    from accelerate import Accelerator
    from accelerate.utils import set_seed
    from model import build, loader

    set_seed(0)
    accelerator = Accelerator()
    model, batches = build(), loader(batch=16)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1000, gamma=0.1)
    model, optimizer, batches, scheduler = accelerator.prepare(model, optimizer, batches, scheduler)
    for inputs, targets in batches:
        loss = torch.nn.functional.cross_entropy(model(inputs), targets)
        accelerator.backward(loss)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()

Good:

    # file: run.sh
    accelerate launch --num_processes 2 train.py

    # file: train.py
    import torch
    from accelerate import Accelerator
    from accelerate.utils import set_seed
    from model import build, loader

    set_seed(0)
    accelerator = Accelerator()
    model, batches = build(), loader(batch=16)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    steps = 1000 * accelerator.num_processes
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=steps, gamma=0.1)
    model, optimizer, batches, scheduler = accelerator.prepare(model, optimizer, batches, scheduler)
    for inputs, targets in batches:
        loss = torch.nn.functional.cross_entropy(model(inputs), targets)
        accelerator.backward(loss)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()

## Check it by hand
Print the learning rate at half the run and compare it with the formula of the schedule at half its length.

## References
- https://github.com/huggingface/accelerate/issues/2142
- https://github.com/huggingface/accelerate/issues/963
- https://huggingface.co/docs/accelerate/package_reference/torch_wrappers
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.events import CallEvent
from trainclinic.script.program.processes import launches_of, root_file
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, may_be_true, possible
from trainclinic.script.program.runs import together
from trainclinic.script.program.schedule_units import mismatch
from trainclinic.script.program.schedules import Schedule, schedules
from trainclinic.script.program.values import Value
from trainclinic.script.rule import script_rule

_SIGNS = (".gather", ".gather_for_metrics", ".wait_for_everyone", ".reduce")
MENDING = Mending("plan the schedule in the steps that it is given")


def find(program: Program) -> Iterator[Alarm]:
    """Compare the plan of every schedule with the way that it is stepped."""
    for schedule in schedules(program):
        for event in schedule.steps[:1]:
            found = _per_process(program, schedule) or mismatch(program, schedule, event)
            if found is None or schedule.call.place is None:
                continue
            says, certainty = found
            flow = (Step(schedule.call.place, "planned here"), Step(event.place, "stepped here"))
            yield Alarm(event.place, says, certainty, flow, mending=MENDING)


def _per_process(program: Program, schedule: Schedule) -> tuple[str, Certainty] | None:
    """A prepared schedule that is planned in plain steps."""
    length, event = schedule.length, schedule.steps[0]
    if length is None or not program.is_prepared(schedule.call) or _steps_once(program, schedule):
        return None
    found, complete = possible(length)
    numbers = [one.value for one in found if isinstance(one.value, (int, float))]
    if not complete or not numbers or len(numbers) != len(found):
        return None
    processes = [one.processes for one in launches_of(program, root_file(event))]
    several = max((one for one in processes if one is not None), default=0)
    if several == 1 and None not in processes:
        return None
    if several > 1:
        fixed = all(one.setting is None or one.given for one in found)
        says = f"a prepared schedule takes {several} steps at once on {several} processes: its {numbers[0]:g} end early"
        return says, Certainty.PROOF if fixed else Certainty.LIKELY
    says = f"a prepared schedule advances once per process in each step, and is planned for {numbers[0]:g} steps"
    return says, Certainty.LIKELY if _has_processes(program, event) else Certainty.HINT


def _steps_once(program: Program, schedule: Schedule) -> bool:
    """Whether an `Accelerator` of the script is told to step schedules once."""
    made = together(program, schedule.call, program.calls_of("accelerate.Accelerator"))
    for call in made:
        single = bool(may_be_true(argument(call, "split_batches", 1)))
        configured = argument(call, "dataloader_config") is not None
        apart = argument(call, "step_scheduler_with_optimizer") is not None
        if single or configured or apart or any(name is None for name, _ in call.keywords):
            return True
    return False


def _has_processes(program: Program, event: CallEvent) -> bool:
    asked: list[Value] = [one.test for each in program.calls for one in each.conditions]
    named = any(getattr(one, "name", "") in {"is_main_process", "is_local_main_process"} for one in asked)
    return named or bool(together(program, event.call, program.calls_of(*_SIGNS)))


def _looked(program: Program) -> bool:
    return any(schedule.steps and schedule.length is not None for schedule in schedules(program))


RULE = script_rule(
    code="OPT006",
    slug="scheduler-stepped-per-process",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("a schedule with its length, and where it is stepped", "launch commands"),
    find=find,
    looked=_looked,
    missing="a schedule with a length that the script steps itself",
)
