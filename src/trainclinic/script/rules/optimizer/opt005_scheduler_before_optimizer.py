"""The learning-rate schedule is stepped before the optimizer in every round.

## What it sees
A loop, or a loop around it, in which `scheduler.step()` of torch or transformers comes first and every
`optimizer.step()` only after it.

## Why it matters
The first value of the schedule is never used: the run is one step ahead of its plan all along. In a schedule that is
stepped once per epoch a whole epoch at the first learning rate is lost, and torch warns about the order.

## What it does not mean
At the start of the next round, behind the step of the last one, the order is right. Where the first value is zero, as
in a warm-up, one lost step does no harm.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=1000)
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        loss.backward()
        scheduler.step()
        optimizer.step()
        optimizer.zero_grad()

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=1000)
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()

## Check it by hand
Print `scheduler.get_last_lr()` right before the first `optimizer.step()`: it must be the first value of the schedule.

## References
- https://pytorch.org/docs/stable/optim.html
- https://github.com/h2oai/h2o-llmstudio/issues/663
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.events import CallEvent
from trainclinic.script.program.loop_order import are_exclusive, move
from trainclinic.script.program.program import Program
from trainclinic.script.program.schedules import schedules
from trainclinic.script.program.updates import Update, updates
from trainclinic.script.rule import script_rule


def find(program: Program) -> Iterator[Alarm]:
    """Compare the order of each schedule's steps with those of its optimizer."""
    for schedule in schedules(program):
        steps = [one for one in updates(program) if one.optimizer is schedule.optimizer]
        for event in schedule.steps:
            later = _steps_after(event, steps)
            if later is None:
                continue
            what = "epoch" if len(later.event.loops) > len(event.loops) else "round"
            says = f"`{event.call.code}` comes before the first `{later.event.call.code}` of each {what}"
            flow = (Step(later.event.place, "the optimizer's step comes later"), Step(event.place, "stepped first"))
            certainty = Certainty.LIKELY if program.is_prepared(schedule.call) else Certainty.PROOF
            yield Alarm(event.place, says, certainty, flow, mending=_mending(event, later))


def _steps_after(event: CallEvent, steps: list[Update]) -> Update | None:
    """The first update behind a scheduler's step in the same loop; `None` when one comes before it, or none."""
    if not event.loops:
        return None
    mine = [one for one in steps if one.event.loops[: len(event.loops)] == event.loops]
    mine = [one for one in mine if not are_exclusive(one.event, event)]
    if any(one.event.order < event.order for one in mine):
        return None
    return mine[0] if mine else None


def _mending(event: CallEvent, later: Update) -> Mending:
    behind = [backward for backward in later.loop.backward if backward.order > event.order]
    edits = () if behind or event.loops != later.event.loops else move(later.event, event)
    return Mending("step the optimizer first, then the schedule", "unsafe", edits)


def _looked(program: Program) -> bool:
    stepped = {one.optimizer for one in updates(program)}
    return any(schedule.optimizer in stepped and schedule.steps for schedule in schedules(program))


RULE = script_rule(
    code="OPT005",
    slug="scheduler-before-optimizer",
    severity=Severity.WARNING,
    certainty=Certainty.PROOF,
    needs=("an own training loop with a learning-rate schedule",),
    find=find,
    looked=_looked,
    missing="an own training loop that steps a schedule and its optimizer",
    fix="unsafe",
)
