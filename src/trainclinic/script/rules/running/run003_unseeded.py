"""A training loop of the script draws random numbers, and nothing sets a seed.

## What it sees
A loop with a backward pass, and no call in any file that sets a seed: `manual_seed`, `set_seed`, `seed_everything`,
`random.seed`. The Trainer, which seeds itself with 42, is no loop of this kind.

## Why it matters
New weights, the order of the data and dropout differ each time. Whether a change helped or the second run was merely
luckier cannot be told: fine-tuning the same model with another seed often moves its scores by one to three points.

## What it does not mean
A seed makes no run better. One run alone needs none.

## Example
Bad:

    # file: train.py
    import torch
    from transformers import GPT2LMHeadModel
    from mydata import batches

    model = GPT2LMHeadModel.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    for batch in batches():
        optimizer.zero_grad()
        model(**batch).loss.backward()
        optimizer.step()

Good:

    # file: train.py
    import torch
    from transformers import GPT2LMHeadModel
    from mydata import batches

    torch.manual_seed(7)
    model = GPT2LMHeadModel.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    for batch in batches():
        optimizer.zero_grad()
        model(**batch).loss.backward()
        optimizer.step()

## Check it by hand
Start the script twice and compare the loss of the first ten steps: with a seed they agree in most digits.

## References
- https://docs.pytorch.org/docs/stable/notes/randomness.html
- https://arxiv.org/abs/2002.06305
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.program.names import name_of
from trainclinic.script.program.program import Program
from trainclinic.script.program.training_loops import TrainingLoop, training_loops
from trainclinic.script.program.values import External
from trainclinic.script.rule import script_rule

_SEED = re.compile(r"seed|determinis|reproducib", re.I)
MENDING = Mending("call `torch.manual_seed(...)`, or `set_seed` of transformers, before the model is made")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every loop that updates weights, unless anything sets a seed."""
    for one in _loops(program) if not _sets_seed(program) else ():
        says = "no seed is set anywhere: this training gives other numbers each time"
        place = one.loop.place if one.loop is not None else one.backward[0].place
        yield Alarm(place, says, Certainty.HINT, mending=MENDING)


def _loops(program: Program) -> list[TrainingLoop]:
    return [one for one in training_loops(program) if one.loop is not None and one.steps]


def _sets_seed(program: Program) -> bool:
    """Whether a function is called whose name speaks of a seed, or something is handed over as one."""
    for event in program.calls:
        call = event.call
        whole = name_of(call.function) if isinstance(call.function, External) else call.method
        if _SEED.search(whole) or any(name is not None and _SEED.search(name) for name, _ in call.keywords):
            return True
    return False


def _looked(program: Program) -> bool:
    return bool(_loops(program))


RULE = script_rule(
    code="RUN003",
    slug="unseeded",
    severity=Severity.NOTE,
    certainty=Certainty.HINT,
    needs=("a training loop of its own",),
    find=find,
    looked=_looked,
    missing="a training loop of its own",
)
