"""Runs with different settings have the same losses to the last digit.

## What it sees
Columns or runs of one folder that are named as different runs and agree in every shared row as printed.

## Why it matters
Numerics differ as soon as anything in the computation does. Equal digits mean that the changed settings never reached
the model, so what was concluded from the comparison is void.

## What it does not mean
Runs that differ in nothing but a name, or in how often they save, are rightly equal.

## Example
columns `baseline`, `no_mtp` and `no_shared` that are equal in all rows.

## Check it by hand
Print the settings from the object that builds the model, and toggle one whose effect must be visible at step 1.

## References
- https://github.com/huggingface/peft/issues/793
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, percent
from trainclinic.record.facts import Fact
from trainclinic.signals.comparison_words import words_of
from trainclinic.signals.measured import Measured

ROWS = Threshold("shared rows", 4, "rows", "one seed and a warm-up from 0 make the first row equal, sometimes two")

MISSING = "a second run with a changed setting, under its own name"


_SWITCHES = "no without with off on disable disabled enable enabled baseline ablation variant"
SWITCHES = frozenset(_SWITCHES.split())
"""Words with which people name a run after a setting that they changed; a mere copy of a log has none."""


def _is_variant(run: Measured, copy: Fact) -> bool:
    """Whether the name of a log with the same rows says that a setting was changed."""
    loss = run.train_loss
    if loss is None or len(loss) < ROWS.value or not run.record.files:
        return False
    mine, theirs = words_of(run.record.files[0]), words_of(str(copy.value))
    return bool((mine ^ theirs) & SWITCHES)


def check(run: Measured) -> Verdict:
    """Compare every pair of runs digit by digit."""
    pairs = [pair for pair in run.pairs if pair.one.words != pair.other.words and not pair.conflict]
    pairs = [
        pair for pair in pairs if not {"resume", "reload"} & set(pair.factors) and len(pair.shared[0]) >= ROWS.value
    ]
    if copies := [fact for fact in run.record.other_facts if fact.name == "same_rows_as" and _is_variant(run, fact)]:
        says = f"`{copies[0].value}` holds the same rows as `{run.record.files[0]}`, to the last digit"
        return Present((Evidence(says, copies[0].source),))
    if not pairs:
        return NotEvaluated(missing=MISSING)
    same = [pair for pair in pairs if pair.is_identical]
    if same:
        names = ", ".join(f"`{pair.other.name}`" for pair in same[:4])
        rows = len(same[0].shared[0])
        says = f"`{same[0].one.name}` and {names} agree to the last digit in {count(rows, 'row')}"
        return Present((Evidence(says, same[0].one.loss.source(0), int(same[0].one.loss.step[0])),))
    pair = pairs[0]
    says = f"`{pair.one.name}` and `{pair.other.name}` differ by up to {percent(pair.largest)}"
    return Absent((Evidence(says, pair.one.loss.source(0)),))


RULE = Rule(
    code="CMP956",
    slug="identical-curves-under-changed-settings",
    severity=Severity.HARMFUL,
    needs=("train/loss", "another run of the folder"),
    check=check,
    thresholds=(ROWS,),
    since="0.2",
)
