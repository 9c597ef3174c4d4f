"""Nothing in the model is trained.

## What it sees

How many tensors and values require a gradient.

## Why it matters

Without a single one the backward pass fails, or, where something else still has a gradient, hours pass and nothing is
learned.

## What it does not mean

A small share is normal: an adapter trains about one value in a hundred.

## Example

An adapter was loaded with `PeftModel.from_pretrained` for further training, which freezes it: 0 of 1,100 million values
require a gradient.

## Check it by hand

Print `sum(p.numel() for p in model.parameters() if p.requires_grad)`.

## References

- https://huggingface.co/docs/peft/package_reference/peft_model (`is_trainable`)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import percent
from trainclinic.probes.rule import Cost, probe

if TYPE_CHECKING:
    from trainclinic.probes.live import Live


def look(live: Live) -> Verdict:
    """Count what requires a gradient."""
    every = list(live.model.parameters())
    total = sum(one.numel() for one in every)
    if not total:
        return NotEvaluated("a model with parameters")
    trained = sum(one.numel() for one in live.trained.values())
    seen = Evidence(
        f"{trained:,} of {total:,} values ({percent(trained / total)}) in {len(live.trained):,} of {len(every):,} "
        "tensors require a gradient"
    )
    return Absent((seen,)) if trained else Present((seen,))


RULE = probe(
    code="PRB301",
    slug="no-trained-tensors",
    severity=Severity.HARMFUL,
    question="Is anything trained?",
    needs=("parameters",),
    look=look,
    cost=Cost.LOOK,
)
