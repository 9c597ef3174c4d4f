"""The loop trains one model, and its optimizer holds the parameters of another one.

## What it sees
A loop whose loss comes from one model, while every optimizer that is stepped there was given the parameters of
another model: both are built in the files, and neither is a part, a wrapper or an input of the other. `copy.deepcopy`
makes another model.

## Why it matters
Gradients land in one model and the optimizer moves another one, whose gradients are missing or old. The loss stays
flat but for noise, however long it runs.

## What it does not mean
A loss that passes through both models, as in distillation or adversarial training, trains the one that the optimizer
holds.

## Example
Bad:

    import copy
    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    reference = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(reference.parameters(), lr=2e-5)
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

Good:

    import copy
    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    reference = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

## Check it by hand
After one step compare `[p.grad is None for g in optimizer.param_groups for p in g["params"]]`: no entry may be true,
or the optimizer holds parameters that the loss does not reach.

## References
- https://pytorch.org/docs/stable/optim.html
- https://docs.python.org/3/library/copy.html
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.events import CallEvent
from trainclinic.script.program.model_identity import Origin, are_connected, is_made_anew, origin_of
from trainclinic.script.program.precision import module_ways
from trainclinic.script.program.program import Program
from trainclinic.script.program.training_loops import TrainingLoop, stepper_of, training_loops
from trainclinic.script.program.updates import Update, holders, unknown_calls, updates
from trainclinic.script.program.values import Value
from trainclinic.script.rule import script_rule

MENDING = Mending("build the optimizer from the parameters of the model that the loss comes from")


def find(program: Program) -> Iterator[Alarm]:
    """Compare the models behind each loss with those of the optimizers that are stepped in its loop."""
    for loop, mine in _loops(program):
        held = [model for update in mine for model in holders(program, update.optimizer)]
        for backward in loop.backward:
            origin = origin_of(backward.call.receiver)
            if not _are_apart(program, origin, held) or unknown_calls(mine[0], [*held, *origin.models]):
                continue
            yield from _alarm(backward, mine[0], [*origin.models, *held])
            break


def _alarm(backward: CallEvent, update: Update, models: list[Value]) -> Iterator[Alarm]:
    place = update.optimizer.place
    if place is None:
        return
    says = f"`{update.optimizer.method}` holds the parameters of another model than the one whose loss is used"
    flow = (Step(backward.place, "gradients of one model"), Step(place, "parameters of another one"))
    certainty = Certainty.PROOF if all(is_made_anew(one) for one in models) else Certainty.LIKELY
    yield Alarm(place, says, certainty, flow, mending=MENDING)


def _loops(program: Program) -> Iterator[tuple[TrainingLoop, list[Update]]]:
    """Loops all of whose steps are of optimizers with models in sight."""
    for loop in training_loops(program):
        mine = [update for update in updates(program) if update.loop is loop]
        steps = [event for event in loop.steps if stepper_of(event) in {"optimizer", "scaler", "engine"}]
        if mine and len(mine) == len(steps) and all(holders(program, update.optimizer) for update in mine):
            yield loop, mine


def _are_apart(program: Program, origin: Origin, held: list[Value]) -> bool:
    if not origin.models or any(way in origin.values for model in held for way in module_ways(model)):
        return False
    return not any(are_connected(program, one, other) for one in origin.models for other in held)


def _looked(program: Program) -> bool:
    loops = list(_loops(program))
    return any(origin_of(backward.call.receiver).models for loop, _ in loops for backward in loop.backward)


RULE = script_rule(
    code="OPT013",
    slug="optimizer-of-another-model",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("an own loop whose loss comes from a model in sight", "the optimizers that it steps"),
    find=find,
    looked=_looked,
    missing="an own loop whose model and optimizer are built in sight",
)
