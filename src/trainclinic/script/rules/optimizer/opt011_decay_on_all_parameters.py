"""Weight decay is applied to every parameter, norms and biases included.

## What it sees
AdamW or SGD over a plain `model.parameters()` with a weight decay above zero, in an own loop. It is a hint.

## Why it matters
The scales of normalisation layers and biases are pulled towards zero like matrices. Over a fine-tuning run the effect
is small; recipes for pretraining leave them out.

## What it does not mean
The Trainer leaves norms and biases out by itself. For adapters of LoRA there is nothing to leave out.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5, weight_decay=0.1)
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=2e-5)
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

## Check it by hand
Print the length and the weight decay of each entry of `optimizer.param_groups`.

## References
- https://pytorch.org/docs/stable/generated/torch.optim.AdamW.html
- https://github.com/karpathy/nanoGPT/blob/master/model.py
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.program.adapters import attached_by
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, constants
from trainclinic.script.program.updates import trained_models
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

MENDING = Mending("give norms and biases a group of their own with `weight_decay=0.0`")


def find(program: Program) -> Iterator[Alarm]:
    """Look at the decay of every optimizer that gets all parameters in one group."""
    for training in trained_models(program):
        given = argument(training.by, "params", 0) if training.trainer is None else None
        if not isinstance(given, Call) or given.method != "parameters" or attached_by(training.model) is not None:
            continue
        decays = [one for one in constants(argument(training.by, "weight_decay")) if isinstance(one, (int, float))]
        if decays and min(decays) > 0 and training.by.place is not None:
            says = f"`{training.by.method}` decays all parameters by {decays[0]:g}, norms and biases included"
            yield Alarm(training.by.place, says, Certainty.HINT, mending=MENDING)


def _looked(program: Program) -> bool:
    return any(one.trainer is None for one in trained_models(program))


RULE = script_rule(
    code="OPT011",
    slug="decay-on-all-parameters",
    severity=Severity.NOTE,
    certainty=Certainty.HINT,
    needs=("an own loop with an optimizer built in sight",),
    find=find,
    looked=_looked,
    missing="an own loop with an optimizer built in sight",
)
