"""A library warns that an adapter is merged into quantised weights.

## What it sees
peft's "Merge lora module to 4-bit linear may get different generations due to rounding errors" (8-bit and the other
adapter types alike), and unsloth's warning about merging into 4 bits.

## Why it matters
The sum of weight and adapter is rounded to the few levels of the quantised format again. Small adapters may vanish in
it, and the merged model answers differently from the model that was evaluated.

## What it does not mean
Training is not at fault: the adapter beside its base is as good as before. Many merges of this kind lose little; the
outputs decide.

## Example
`UserWarning: Merge lora module to 4-bit linear may get different generations due to rounding errors.`

## Check it by hand
Load the base in 16 bits, merge there, and compare the outputs of adapter and merged model on ten prompts.

## References
- https://github.com/huggingface/peft/issues/2321
- https://github.com/huggingface/peft/issues/1043
- https://github.com/huggingface/transformers/issues/31293
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.findings.library_warnings import told
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Find the warning, or a merge without it."""
    evidence = told(run, "quantised-merge")
    if evidence:
        return Present(evidence, settle="outputs of base and adapter beside outputs of the merged model")
    merges = told(run, "adapter-merged", most=1)
    if merges:
        return Absent((*merges[:1], Evidence("no warning about rounding beside it")))
    return NotEvaluated(missing="the messages of the merge")


RULE = Rule(
    code="SET719",
    slug="quantised-merge-warning",
    severity=Severity.WARNING,
    needs=("events: quantised-merge, adapter-merged",),
    check=check,
    since="0.2",
)
