"""Only rows that hold padding give NaN or nothing.

## What it sees
Counts of rows whose outputs are not finite, all of them with padding; or generated samples of one batch, where those
with padding are empty and those without are not.

## Why it matters
A query whose keys are all masked has a softmax over nothing. The NaN stays in its row, or it spreads through a sum over
the batch into every gradient.

## What it does not mean
Neither the padding token nor the tokenizer is wrong because of this, and neither are the weights: rows without padding
go through the same weights.

## Example
`rows with pads and nan logits: 16`

## Check it by hand
Run the same prompts one by one and in a batch, and compare which rows are NaN with which rows are padded.

## References
- https://github.com/huggingface/transformers/issues/32390
- https://github.com/pytorch/pytorch/issues/103749
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.findings.check_reports import told
from trainclinic.record.parts import Generation
from trainclinic.signals.measured import Measured

FEWEST = Threshold("empty outputs of padded rows", 2, "rows", "one answer may be empty by itself")


def check(run: Measured) -> Verdict:
    """Look at counted rows, then at generated samples that say how much padding they had."""
    record = run.record
    bad, others = record.events_of("padded-rows-non-finite"), record.events_of("unpadded-rows-non-finite")
    if bad and not others:
        return Present(told(bad))
    if others or record.events_of("padded-rows-finite"):
        return Absent(told((*others, *record.events_of("padded-rows-finite"))))
    rows = [sample for sample in record.generations if sample.padding is not None]
    padded, plain = [r for r in rows if r.padding], [r for r in rows if not r.padding]
    if len(padded) >= FEWEST.value and plain:
        return _generated(padded, plain)
    return NotEvaluated(missing="which rows of a batch are NaN, and which of them are padded")


def _generated(padded: list[Generation], plain: list[Generation]) -> Verdict:
    empty = [row for row in padded if not row.output.strip()]
    answered = [row for row in plain if row.output.strip()]
    says = f"{count(len(empty), 'empty output')} in {count(len(padded), 'row')} with padding, "
    says += f"{len(plain) - len(answered)} in {count(len(plain), 'row')} without"
    shown = (Evidence(says, (empty or padded)[0].source),)
    everything = len(empty) == len(padded) and len(answered) == len(plain)
    return Present(shown) if everything else Absent(shown)


RULE = Rule(
    code="SET738",
    slug="nan-only-in-padded-rows",
    severity=Severity.HARMFUL,
    needs=("events: padded-rows-non-finite", "generations"),
    check=check,
    thresholds=(FEWEST,),
    since="0.2",
)
