"""Outputs are word salad or junk characters.

## What it sees
Outputs with replacement and control characters, four and more scripts mixed word by word, words without vowels, or
hardly anything but function words; each with its number.

## Why it matters
Such a model is unusable, and the kind of junk narrows the reason down: random words come from weights that do not fit
their tokenizer, function words alone from a model that cannot see its context.

## What it does not mean
It is no verdict on a language: text in any one script passes. It does not say whether training or export did it.
Text whose characters were only decoded wrongly is put right before it is judged; that is GEN809.

## Example
`of of of the the of , of the . of the`

## Check it by hand
Generate with the base model and the same tokenizer and settings; if that is clean, repeat with the adapter, then with
the exported model, and see where the junk begins.

## References
- The Unicode standard, category Co, Cn and U+FFFD
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.findings.outputs import written_outputs

if TYPE_CHECKING:
    from trainclinic.signals.measured import Measured

HALF = Threshold("garbled outputs", 0.5, "share", "single ones may come from sampling at a high temperature")


def check(run: Measured) -> Verdict:
    """Count outputs that are no text, and name the sign."""
    written = written_outputs(run)
    if isinstance(written, NotEvaluated):
        return written
    found = [shape for shape in written if shape.garbling is not None]
    first = run.record.generations[(found or written)[0].row]
    sign = found[0].garbling if found else None
    if sign is None:
        return Absent((Evidence(f"none of {count(len(written), 'output')} is garbled", first.source),))
    says = f"no text in {len(found)} of {count(len(written), 'output')}: {sign.reason}, such as `{sign.example}`"
    return Present(
        (Evidence(says, first.source, first.step),),
        settle="the same prompts with the base model, then with the adapter, then with the export",
        severity=None if len(found) >= HALF.value * len(written) else Severity.WARNING,
    )


RULE = Rule(
    code="GEN804",
    slug="garbled-generation",
    severity=Severity.HARMFUL,
    needs=("generations",),
    check=check,
    thresholds=(HALF,),
)
