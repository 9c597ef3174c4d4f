"""An installed library version has a known defect that concerns this run.

## What it sees
A version that the files name (a requirements pin, a printed version, a model card) inside the range of a defect in the
table, when the run's settings are those that the defect needs. The evidence names the defect and its source.

## Why it matters
Some releases compute another loss, another update or another attention than intended. No setting of the user is then at
fault, and no tuning helps.

## What it does not mean
The defect need not have struck: it is a note until the log shows what it would cause. A pin in a requirements file is
likely, not certain, to be what was installed. Versions that are not in the table may have defects too.

## Example
`bitsandbytes==0.37.0` with `optim: adamw_8bit` and a loss that turns NaN.

## Check it by hand
`pip show NAME`; repeat fifty steps with the first fixed version.

## References
- the `source` of each row of `known_defects.json`
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.signals.known_defects import Defect, concerns, known_defects, named_versions, release
from trainclinic.signals.measured import Measured

ALWAYS_SHOWN = frozenset({"scaled-loss", "collapse"})
"""Effects that concern every row of the run, so that nothing else needs to be seen."""


def check(run: Measured) -> Verdict:
    """Look up every named version."""
    versions = named_versions(run)
    known = [row for row in known_defects() if row.library in versions]
    if not known:
        return NotEvaluated(missing="versions of torch, transformers, peft, bitsandbytes or deepspeed")
    hits = [row for row in known if _in_range(str(versions[row.library].value), row) and concerns(run, row)]
    if not hits:
        looked = count(len({row.library for row in known}), "library") if len(known) == 1 else "the named versions"
        return Absent((Evidence(f"no known defect of {looked} concerns this run"),))
    evidence = tuple(
        Evidence(
            f"{row.library} {versions[row.library].value}: {row.says} ({row.source})", versions[row.library].source
        )
        for row in sorted(hits, key=lambda row: not _is_seen(run, row))
    )
    if any(_is_seen(run, row) for row in hits):
        return Present(evidence, settle="fifty steps with the first fixed version")
    return Present(evidence, means="What it would cause is not seen in this log.", severity=Severity.NOTE)


def _is_seen(run: Measured, row: Defect) -> bool:
    """Whether the log shows what the defect does."""
    return row.shows in ALWAYS_SHOWN or (row.shows == "non-finite" and run.onset is not None)


def _in_range(version: str, row: Defect) -> bool:
    found = release(version)
    return found is not None and row.holds(found)


RULE = Rule(
    code="SET707",
    slug="version-with-known-defect",
    severity=Severity.WARNING,
    needs=("versions", "accumulation_steps", "optimizer", "weights_dtype", "device", "deepspeed_stage"),
    check=check,
)
