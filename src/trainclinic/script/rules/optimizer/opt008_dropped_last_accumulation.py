"""The micro-batches that are left over at the end of an epoch are never applied.

## What it sees
A loop over a loader that steps only every n rounds (`if (i + 1) % n == 0`), with no step for the rest: none behind
the loop, and no `or` in the test for the last round.

## Why it matters
Unless n divides the number of batches, up to n - 1 batches of every epoch are computed for nothing; their gradients
stay and are added to the first step of the next epoch, which is too large. On small data sets that is much of an
epoch.

## What it does not mean
In a stream without end, or with thousands of steps an epoch, it does not matter.

## Example
Bad:

    import torch
    from torch.utils.data import DataLoader
    from transformers import AutoModelForCausalLM
    from data import rows, collate

    torch.manual_seed(0)
    accumulate = 8
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    loader = DataLoader(rows, batch_size=4, shuffle=True, collate_fn=collate)
    model.train()
    for epoch in range(3):
        for i, batch in enumerate(loader):
            loss = model(**batch).loss / accumulate
            loss.backward()
            if (i + 1) % accumulate == 0:
                optimizer.step()
                optimizer.zero_grad()

Good:

    import torch
    from torch.utils.data import DataLoader
    from transformers import AutoModelForCausalLM
    from data import rows, collate

    torch.manual_seed(0)
    accumulate = 8
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    loader = DataLoader(rows, batch_size=4, shuffle=True, collate_fn=collate)
    model.train()
    for epoch in range(3):
        for i, batch in enumerate(loader):
            loss = model(**batch).loss / accumulate
            loss.backward()
            if (i + 1) % accumulate == 0 or i + 1 == len(loader):
                optimizer.step()
                optimizer.zero_grad()

## Check it by hand
Print `len(loader) % accumulate`: it must be 0.

## References
- https://huggingface.co/docs/accelerate/usage_guides/gradient_accumulation
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.accumulation import Accumulation, accumulations
from trainclinic.script.program.processes import loader_of
from trainclinic.script.program.program import Program
from trainclinic.script.program.updates import updates
from trainclinic.script.rule import script_rule

MENDING = Mending("step in the last round as well: `or i + 1 == len(loader)`")


def find(program: Program) -> Iterator[Alarm]:
    """Look for a step behind every loop that accumulates over a loader, or in its last round."""
    for one in _over_loaders(program):
        if one.has_tail or _steps_outside(program, one):
            continue
        event = one.update.event
        says = f"batches that are left over when `{one.count}` does not divide their number are never applied"
        flow = (Step(one.backward[0].place, "gradients of every batch"), Step(event.place, "applied in full groups"))
        yield Alarm(event.place, says, Certainty.LIKELY, flow, mending=MENDING)


def _over_loaders(program: Program) -> Iterator[Accumulation]:
    for one in accumulations(program):
        loop = one.update.loop.loop
        if loop is not None and loader_of(loop) is not None:
            yield one


def _steps_outside(program: Program, one: Accumulation) -> bool:
    """Whether the same optimizer is stepped anywhere else, as behind the loop."""
    same = [update for update in updates(program) if update.optimizer is one.update.optimizer]
    others = [call for call in program.calls_of(".step") if call.receiver is one.update.event.call.receiver]
    return len(same) > 1 or len({call.node for call in others}) > 1


def _looked(program: Program) -> bool:
    return any(True for _ in _over_loaders(program))


RULE = script_rule(
    code="OPT008",
    slug="dropped-last-accumulation",
    severity=Severity.NOTE,
    certainty=Certainty.LIKELY,
    needs=("an own loop over a loader that steps every so many rounds",),
    find=find,
    looked=_looked,
    missing="an own loop over a loader that steps every so many rounds",
)
