"""A collator does not find the marker after which the answer begins.

## What it sees
"Could not find response key" (or instruction key, or response template) in the log: the completion-only collators of
TRL and of scripts that copied it.

## Why it matters
A row without the marker has no target at all. When every row is named, the loss is 0 or NaN; when many are, the run
learns from what is left.

## What it does not mean
The marker usually *is* in the text. Encoded alone it has other token ids than inside the sample: a leading space, a
line break or a neighbouring letter changes them. A few such rows among thousands are samples whose answer was cut off
by the length limit.

## Example
`Could not find response key "### Answer:" in the following instance: ... This instance will be ignored in loss
calculation.`

## Check it by hand
Encode a whole sample, take the ids at the place of the marker, and pass those ids to the collator instead of the text.

## References
- https://github.com/huggingface/trl/issues/1183
- https://github.com/huggingface/trl/issues/1191
- https://github.com/huggingface/trl/issues/1920
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Present, Severity, Verdict
from trainclinic.findings.library_warnings import FEW, LEARNS, milder, told, untold
from trainclinic.signals.measured import Measured

KIND = "response-template-missing"


def check(run: Measured) -> Verdict:
    """Find the warnings."""
    evidence = told(run, KIND, most=1)
    if not evidence:
        return untold(run, "no warning about a missing response marker", by=("trl",))
    settle = "the ids of the marker inside one encoded sample, beside the ids of the marker alone"
    return Present(evidence, settle=settle, severity=milder(run, KIND))


RULE = Rule(
    code="SET715",
    slug="response-marker-warning",
    severity=Severity.WARNING,
    needs=("events: response-template-missing", "versions: trl", "train/loss"),
    check=check,
    thresholds=(FEW, LEARNS),
    since="0.2",
)
