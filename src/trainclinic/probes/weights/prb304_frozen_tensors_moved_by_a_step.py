"""A step of training changes tensors that are frozen.

## What it sees

Tensors that require no gradient, compared before and after one step: bit by bit where all weights together are below
1 GiB, else at up to some 4,096 values of each.

## Why it matters

An adapter belongs to the base it was trained on. When the base moves with it and is not saved, the saved adapter meets
other weights than it was trained with.

## What it does not mean

A frozen tensor that shares its memory with a trained one (tied embeddings of which one is trained) moves with it; where
both are saved that is no fault, but the loss after loading tells.

## Example

The output layer is trained in full and tied to the frozen embedding: one step changes `embed_tokens.weight`.

## Check it by hand

Copy a frozen parameter, make one `optimizer.step()`, and compare with `torch.equal`.

## References

- https://huggingface.co/docs/peft/developer_guides/troubleshooting (what of a model an adapter saves)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.probes.rule import Cost, named, probe

if TYPE_CHECKING:
    from trainclinic.probes.live import Live


def look(live: Live) -> Verdict:
    """Compare the frozen tensors before and after one step."""
    if not live.trained:
        return NotEvaluated("a tensor that is trained")
    if not live.has_adapter:
        return NotEvaluated("a frozen tensor: all of this model is trained")
    step = live.step
    moved = list(step.frozen_moved)
    seen = Evidence(f"one step of {step.optimizer} changes {len(moved):,} of {step.frozen:,} frozen tensors")
    return Present((seen, Evidence(f"changed: {named(moved)}"))) if moved else Absent((seen,))


RULE = probe(
    code="PRB304",
    slug="frozen-tensors-moved-by-a-step",
    severity=Severity.HARMFUL,
    question="Does one optimizer step leave frozen tensors alone?",
    needs=("optimizer", "parameters"),
    look=look,
    cost=Cost.STEP,
)
