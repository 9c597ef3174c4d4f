"""A setting is stored in an object that is made anew each time, so that nobody ever reads it.

## What it sees
An assignment, `setattr` or `update` on what a property or function of the files has just built (`config.model.x = 1`
where `model` returns a new object), or on the copy that `to_dict()`, `asdict()` or `state_dict()` returns.

## Why it matters
The value is lost when the statement ends: the next access builds the object again, with the old value. A switch that
does nothing is the worst kind of setting: seven ablations with seven flags give seven equal curves.

## What it does not mean
A property may build its result. Only a change of that result through the property is without effect; keep it in a
variable, or store it in what the property builds it from.

## Example
Bad:

    # file: config.py
    from types import SimpleNamespace

    class Config:
        def __init__(self):
            self.dropout = 0.0

        @property
        def model(self):
            return SimpleNamespace(dropout=self.dropout)

    # file: train.py
    from transformers import GPT2Config, GPT2LMHeadModel
    from config import Config

    config = Config()
    config.model.dropout = 0.1
    model = GPT2LMHeadModel(GPT2Config(resid_pdrop=config.model.dropout))

Good:

    # file: config.py
    from types import SimpleNamespace

    class Config:
        def __init__(self):
            self.dropout = 0.0

        @property
        def model(self):
            return SimpleNamespace(dropout=self.dropout)

    # file: train.py
    from transformers import GPT2Config, GPT2LMHeadModel
    from config import Config

    config = Config()
    config.dropout = 0.1
    model = GPT2LMHeadModel(GPT2Config(resid_pdrop=config.model.dropout))

## Check it by hand
Print the setting right after it was stored, by the same way: `config.model.dropout` still gives the old value, and
`config.model is config.model` is `False`.

## References
- https://docs.python.org/3/library/functions.html#property
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.program import Program
from trainclinic.script.program.temporaries import Lost, lost_stores
from trainclinic.script.rule import script_rule


def find(program: Program) -> Iterator[Alarm]:
    """Look at every store on an object that nobody holds."""
    for one in lost_stores(program):
        first = (Step(one.made, f"`{one.maker}` makes a new object each time"),) if one.made is not None else ()
        flow = (*first, Step(one.place, "a value is stored in one of them")) if first else ()
        certainty = Certainty.PROOF if one.is_sure else Certainty.LIKELY
        yield Alarm(one.place, _says(one), certainty, flow, mending=Mending(_instead(one)))


def _says(one: Lost) -> str:
    if not one.is_sure:
        return f"what is stored through `{_short(one.target)}` is lost where that is the property `{one.maker}`"
    stored = f"`{one.key}`" if one.key != "..." else "what"
    verb = "is stored in" if one.key != "..." else "is put into"
    maker = "a copy" if one.kind == "copy" else "an object made anew each time"
    return f"{stored} {verb} `{_short(one.target)}`, {maker}, and is lost"


def _short(target: str) -> str:
    return target if len(target) <= 40 else target[:37] + "..."


def _instead(one: Lost) -> str:
    if one.kind == "copy":
        return "keep the copy in a variable, or change the object itself"
    return f"store it in what `{one.maker}` reads, or keep the result of `{one.maker}` and hand that on"


def _looked(program: Program) -> bool:
    return bool(program.stores)


RULE = script_rule(
    code="RUN005",
    slug="override-on-temporary-object",
    severity=Severity.HARMFUL,
    certainty=Certainty.PROOF,
    needs=("assignments to attributes and items",),
    find=find,
    looked=_looked,
    missing="an assignment",
)
