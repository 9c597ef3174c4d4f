"""A library refuses the side on which batches are padded, or doubts it.

## What it sees
The error of FlashAttention models of transformers on `padding_side='right'`, and the warning of `generate` that right
padding was detected in a decoder-only model.

## Why it matters
A decoder continues from the last position. Where that is padding, the shorter prompts of a batch get other outputs than
alone, and FlashAttention with a cache stops altogether, often in the first evaluation.

## What it does not mean
The trained weights are not damaged: the same prompts one by one give their usual answers. Training itself works with
right padding; switching the cache off ends the error there.

## Example
`You are attempting to perform batched generation with padding_side='right'`

## Check it by hand
Generate two prompts of different length together and alone: the outputs must agree.

## References
- https://github.com/huggingface/trl/issues/1217
- https://github.com/axolotl-ai-cloud/axolotl/pull/675
- transformers `GenerationMixin.generate`
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import NotEvaluated, Present, Severity, Verdict
from trainclinic.findings.library_warnings import told, untold
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Find the error or warning."""
    evidence = told(run, "padding-side-refused")
    if evidence:
        return Present(evidence, settle="two prompts of different length, generated together and alone")
    attention = run.record.facts.text("attention_implementation") or ""
    if "flash" not in attention and not run.record.generations:
        return NotEvaluated(missing="generation in batches, or FlashAttention: only there the padding side is checked")
    return untold(run, "no message about the padding side")


RULE = Rule(
    code="SET718",
    slug="padding-side-error",
    severity=Severity.WARNING,
    needs=("events: padding-side-refused", "attention_implementation", "generations"),
    check=check,
    since="0.2",
)
