"""Tensors that were trained are not in the saved file.

## What it sees
A list or count of the tensors that require a gradient, beside a list or count of the saved keys which is shorter.

## Why it matters
What is not saved is lost when the process ends: the reloaded model has the old values there, and is worse than the
one that was evaluated at the end of training.

## What it does not mean
Frozen tensors belong to the base model and need not be saved. A tied head is saved once and shows under one name.

## Example
`requires_grad: embed_tokens.weight, 192 lora tensors; saved keys: 192 lora tensors`

## Check it by hand
Compare the names of `requires_grad` parameters with the keys of the saved safetensors file.

## References
- https://github.com/artidoro/qlora/issues/214
- https://github.com/huggingface/transformers/issues/45127
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Severity, Verdict
from trainclinic.findings.check_reports import verdict_of
from trainclinic.signals.measured import Measured

MISSING = "the names of the trained tensors beside the keys of the saved file"


def check(run: Measured) -> Verdict:
    """Look at what a check found."""
    return verdict_of(run, "trained-not-saved", "trained-and-saved", MISSING)


RULE = Rule(
    code="SET735",
    slug="trained-tensors-missing-from-save",
    severity=Severity.HARMFUL,
    needs=("events: trained-not-saved", "events: trained-and-saved"),
    check=check,
    since="0.2",
)
