"""A gradient scaler is built for Apple's MPS.

## What it sees
`torch.amp.GradScaler` whose device can be `mps`. It is a hint: whether it works depends on the version of torch.

## Why it matters
Older versions of torch compute the scale in float64, which MPS does not have, and stop with a TypeError; later ones
have been seen to set half-precision gradients to zero.

## What it does not mean
Training on MPS is fine in float32, or under autocast to bfloat16, which needs no scaler.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2").to("mps")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    scaler = torch.amp.GradScaler("mps")
    model.train()
    for batch in batches():
        with torch.autocast("mps", dtype=torch.float16):
            loss = model(**batch).loss
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()

Good:

    import torch
    from transformers import AutoModelForCausalLM
    from data import batches

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained("gpt2").to("mps")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    model.train()
    for batch in batches():
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

## Check it by hand
Print the share of gradients that are exactly zero after one backward pass, on MPS and on the CPU: they must be alike.

## References
- https://github.com/pytorch/pytorch/issues/142397
- https://github.com/pytorch/pytorch/issues/184286
- https://pytorch.org/docs/stable/amp.html
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.program.mixed_precision import autocast_devices, is_enabled, scalers
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import condition_text
from trainclinic.script.rule import script_rule

MENDING = Mending("train in float32 on MPS, or under autocast to bfloat16, without a scaler")


def find(program: Program) -> Iterator[Alarm]:
    """Look at the device of every gradient scaler."""
    for call in scalers(program):
        for name, when in autocast_devices(call):
            if name == "mps" and call.place is not None and is_enabled(call) is not False:
                says = "the gradient scaler is for `mps`, where it fails or sets gradients to zero in some versions"
                yield Alarm(call.place, says, Certainty.HINT, when=condition_text(when), mending=MENDING)


def _looked(program: Program) -> bool:
    return any(autocast_devices(call) for call in scalers(program))


RULE = script_rule(
    code="PRC009",
    slug="scaler-on-old-mps",
    severity=Severity.WARNING,
    certainty=Certainty.HINT,
    needs=("a gradient scaler with its device",),
    find=find,
    looked=_looked,
    missing="a gradient scaler whose device is in sight",
)
