"""Tensors that are trained are kept in half precision.

## What it sees

The type of every tensor that requires a gradient. float16 is harmful; bfloat16 is a warning.

## Why it matters

In float16 the smallest terms of Adam round to zero: the division becomes 0/0, and weights are NaN after a step or two,
however small the learning rate. In bfloat16 a weight has 8 significant bits: an update below 0.4 % of it is lost, and a
loss that should fall stands still.

## What it does not mean

Frozen weights may be of any type. Computing in half precision (autocast) over float32 weights is the usual and right
way. An optimizer that keeps float32 copies or rounds at random makes bfloat16 weights safe; that cannot be seen here.

## Example

A model was loaded with `dtype=torch.float16`, and its adapter took over the type: 88 of 88 trained tensors are float16.

## Check it by hand

Print `{p.dtype for p in model.parameters() if p.requires_grad}`: it should be `{torch.float32}`. This probe answers the
deciding test `dtype-of-trained-parameters`.

## References

- https://github.com/huggingface/peft/pull/1706 (adapter weights in float32)
- Micikevicius et al. 2018, Mixed Precision Training, https://arxiv.org/abs/1710.03740 (a float32 copy of the weights)
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.probes.rule import Cost, named, probe

if TYPE_CHECKING:
    from trainclinic.probes.live import Live


def look(live: Live) -> Verdict:
    """Sort the trained tensors by type."""
    if not live.trained:
        return NotEvaluated("a tensor that is trained")
    by_type: dict[str, list[str]] = defaultdict(list)
    for name, one in live.trained.items():
        by_type[str(one.dtype).removeprefix("torch.")].append(name)
    says = ", ".join(f"{len(names):,} {dtype}" for dtype, names in sorted(by_type.items()))
    seen = Evidence(f"trained tensors by type: {says}")
    half = [dtype for dtype in ("float16", "bfloat16") if dtype in by_type]
    if not half:
        return Absent((seen,))
    evidence = (seen, *(Evidence(f"{dtype}: {named(by_type[dtype])}") for dtype in half))
    return Present(evidence, severity=None if "float16" in half else Severity.WARNING)


RULE = probe(
    code="PRB201",
    slug="half-precision-trained-tensors",
    severity=Severity.HARMFUL,
    question="Are all trained tensors float32?",
    needs=("parameters",),
    look=look,
    cost=Cost.LOOK,
)
