"""A data loader counts other tokens for the parts of a sample than for the whole.

## What it sees
"tokenization mismatch: 102 vs. 104 (ignored)" of loaders that descend from FastChat, or TRL's "mismatch between
tokenized prompt and the start of tokenized prompt+completion". The evidence says by how many tokens the counts differ
and whether every warning has the same difference.

## Why it matters
The mask that hides the prompt from the loss is built from those counts. FastChat-style loaders then ignore the whole
sample: when every sample is named, nothing is a target and the loss reads 0. TRL goes on, with a mask that begins a
token early or late.

## What it does not mean
The rows of the data are rarely at fault. A difference that is the same in every warning belongs to the template: a
separator, a begin token or an end token that is counted once too often or too seldom per turn.

## Example
`WARNING: tokenization mismatch: 102 vs. 104. (ignored)`

## Check it by hand
Encode the prompt and the whole sample: the first ids of the whole must be those of the prompt. Print the decoded target
tokens of three rows.

## References
- https://github.com/haotian-liu/LLaVA/issues/1166
- https://github.com/BAAI-DCAI/Bunny/issues/75
- trl `SFTTrainer`, tokenisation of prompt-completion data
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Evidence, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.findings.library_warnings import FEW, LEARNS, milder, told, untold
from trainclinic.signals.measured import Measured

KIND = "token-count-mismatch"


def check(run: Measured) -> Verdict:
    """Find the warnings and compare their differences."""
    events = run.record.events_of(KIND)
    if not events:
        return untold(run, "no warning about differing token counts", by=("trl", "fschat", "llava"))
    differences = [event.value for event in events for _ in range(event.count) if event.value is not None]
    evidence, means = told(run, KIND, most=1), ""
    if len(differences) > 1 and len(set(differences)) == 1:
        evidence = (
            *evidence,
            Evidence(f"the difference is {number(differences[0])} in all {len(differences)} of them"),
        )
        means = "The same difference everywhere belongs to the template or its separators, not to single rows."
    elif len(differences) > 1:
        low, high = number(min(differences)), number(max(differences))
        evidence = (*evidence, Evidence(f"the differences of {count(len(differences), 'line')} lie in {low} to {high}"))
    settle = "the decoded target tokens of three rows"
    return Present(evidence, means=means, settle=settle, severity=milder(run, KIND))


RULE = Rule(
    code="SET714",
    slug="token-count-mismatch-warning",
    severity=Severity.WARNING,
    needs=("events: token-count-mismatch", "versions: trl", "train/loss"),
    check=check,
    thresholds=(FEW, LEARNS),
    since="0.2",
)
