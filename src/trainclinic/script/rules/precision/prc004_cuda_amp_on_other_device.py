"""Mixed precision is set up for CUDA, and the model may run on another device.

## What it sees
`torch.autocast("cuda")`, `torch.cuda.amp` or a `GradScaler` for CUDA around the training of a model that the same
script moves to a device which can be `mps`, or is always `cpu`; no test of the device stands around it.

## Why it matters
An autocast for CUDA does nothing to operations on another device: the forward pass runs in float32, at twice the
memory and half the speed. The scaler warns and switches itself off. Numbers that were tuned with mixed precision are
not those that the run has.

## What it does not mean
A script that falls back to the CPU where there is no GPU is left alone: that is meant for a quick look.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "mps"
    model = AutoModelForCausalLM.from_pretrained("gpt2").to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for batch in batches(device):
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "mps"
    model = AutoModelForCausalLM.from_pretrained("gpt2").to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for batch in batches(device):
        with torch.autocast(device, dtype=torch.bfloat16):
            loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

## Check it by hand
Print `model(**batch).logits.dtype` inside the region: it must be the half-precision type.

## References
- https://github.com/karpathy/nanoGPT/issues/654
- https://pytorch.org/docs/stable/amp.html
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.events import Condition
from trainclinic.script.program.mixed_precision import AUTOCAST, autocast_devices, scalers
from trainclinic.script.program.precision import devices
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, condition_text
from trainclinic.script.program.runs import together
from trainclinic.script.program.training_loops import training_loops
from trainclinic.script.program.updates import holders, updates
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

_ASKS = re.compile(r"device|cuda|mps|amp|autocast|scaler", re.I)
MENDING = Mending("pass the type of the device that the model is on, or switch mixed precision off there")


def find(program: Program) -> Iterator[Alarm]:
    """Compare the device of each autocast and scaler with those of the models that the script trains."""
    moves = [move for move in _moves(program) if move.place is not None]
    for call in _regions(program):
        for move in together(program, call, moves):
            when = _elsewhere(move)
            if when is None or move.place is None or call.place is None:
                continue
            name, conditions = when
            says = f"mixed precision is set up for CUDA, and the model may be on `{name}`, where it does nothing"
            flow = (Step(move.place, f"the model goes to `{name}`"), Step(call.place, "meant for CUDA alone"))
            yield Alarm(call.place, says, Certainty.LIKELY, flow, condition_text(conditions), MENDING)
            break


def _regions(program: Program) -> Iterator[Call]:
    """Autocasts and scalers that are for CUDA whatever the device, and that nothing switches off elsewhere."""
    for call in (*program.calls_of(AUTOCAST), *scalers(program)):
        named = autocast_devices(call)
        asked = any(_ASKS.search(ast.unparse(one.node)) for one in call.event.conditions)
        for_cuda = bool(named) and all(name == "cuda" and not when for name, when in named)
        if for_cuda and not asked and argument(call, "enabled") is None:
            yield call


def _moves(program: Program) -> Iterator[Call]:
    """Calls of `.to(device)` of the models that are trained."""
    trained = [model for update in updates(program) for model in holders(program, update.optimizer)]
    for call in program.calls_of(".to"):
        if call in trained or call.result in trained or call.receiver in trained:
            yield call


def _elsewhere(move: Call) -> tuple[str, tuple[Condition, ...]] | None:
    """A device without CUDA that the model may go to: `mps` under some condition, or `cpu` in every case."""
    given = argument(move, "device", 0)
    found = devices(given)
    mps = next(((name, when) for name, when in found if name == "mps"), None)
    if mps is not None:
        return mps
    return ("cpu", ()) if found and all(name == "cpu" for name, _ in found) else None


def _looked(program: Program) -> bool:
    return bool(training_loops(program)) and any(True for _ in _regions(program)) and any(_moves(program))


RULE = script_rule(
    code="PRC004",
    slug="cuda-amp-on-other-device",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("autocast or a gradient scaler in an own loop", "the device that the model is moved to"),
    find=find,
    looked=_looked,
    missing="an own loop with mixed precision for CUDA and a model that is moved to a device",
)
