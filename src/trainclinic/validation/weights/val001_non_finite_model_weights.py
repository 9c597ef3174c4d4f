"""Weights of the model are NaN or infinite.

## What it sees

Every tensor of the files, read one by one before anything is loaded; for an adapter those of its base as well.

## Why it matters

One NaN in a layer makes every logit NaN: the model writes token 0 for ever, or nothing. Nothing repairs it but an
earlier checkpoint.

## What it does not mean

It does not say when the weights were destroyed: the log of the run does, and only the last checkpoints may be hit.

## Example

2 of 292 tensors hold NaN or infinity, first `model.layers.0.self_attn.q_proj.lora_B.weight`.

## Check it by hand

Load each file with `safetensors.torch.load_file` and ask `torch.isfinite(t).all()` of every tensor.

## References

- https://docs.pytorch.org/docs/stable/generated/torch.isfinite.html
- https://huggingface.co/docs/safetensors/index (the format)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.validation.rule import model_rule, named

if TYPE_CHECKING:
    from trainclinic.validation.tested import Tested


def check(tested: Tested) -> Verdict:
    """Count the tensors that hold values which are no numbers."""
    seen = tested.weights
    if seen is None:
        return NotEvaluated("the folder of the model")
    if seen.non_finite:
        amount = count(len(seen.non_finite), "tensor")
        says = f"{amount} of {seen.tensors:,} hold NaN or infinity: {named(seen.non_finite)}"
        return Present((Evidence(says),), settle="`trainclinic diagnose` on the run, for the last good checkpoint")
    return Absent((Evidence(f"all {seen.values:,} values of {count(seen.tensors, 'tensor')} are finite"),))


RULE = model_rule(
    code="VAL001",
    slug="non-finite-model-weights",
    severity=Severity.HARMFUL,
    needs=("files of the weights",),
    check=check,
)
