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

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.signals.measured import Measured

ALWAYS_SHOWN = frozenset({"scaled-loss", "collapse"})
"""Effects that concern every row of the run, so that nothing else needs to be seen."""


def check(run: Measured) -> Verdict:
    """Look up every named version."""
    versions = {name.lower().replace("_", "-"): fact for name, fact in run.record.versions.items()}
    known = [row for row in _defects() if row["library"] in versions]
    if not known:
        return NotEvaluated(missing="versions of torch, transformers, peft, bitsandbytes or deepspeed")
    hits = [row for row in known if _in_range(str(versions[row["library"]].value), row) and _concerns(run, row["when"])]
    if not hits:
        looked = count(len({row["library"] for row in known}), "library") if len(known) == 1 else "the named versions"
        return Absent((Evidence(f"no known defect of {looked} concerns this run"),))
    evidence = tuple(
        Evidence(
            f"{row['library']} {versions[row['library']].value}: {row['defect']} ({row['source']})",
            versions[row["library"]].source,
        )
        for row in sorted(hits, key=lambda row: not _is_seen(run, row))
    )
    if any(_is_seen(run, row) for row in hits):
        return Present(evidence, settle="fifty steps with the first fixed version")
    return Present(evidence, means="What it would cause is not seen in this log.", severity=Severity.NOTE)


def _is_seen(run: Measured, row: Mapping[str, Any]) -> bool:
    """Whether the log shows what the defect does."""
    return row["shows"] in ALWAYS_SHOWN or (row["shows"] == "non-finite" and run.onset is not None)


def _in_range(version: str, row: Mapping[str, Any]) -> bool:
    found = release(version)
    if found is None:
        return False
    low, high = release(row.get("from", "0")), release(row["below"])
    return low is not None and high is not None and low <= found < high


def release(version: str) -> tuple[int, ...] | None:
    """The release numbers of an exact version, or `None` for ranges and text.

    Args:
        version: Such as `4.46.1`, `==0.37.0`, `2.1.0+cu118` or `>=4.40` (a range: `None`).
    """
    match = re.fullmatch(r"(?:==)?v?(\d+(?:\.\d+)*)(?:[.+-]?(?:a|b|rc|dev|post)?[\w.+]*)?", version.strip())
    if match is None:
        return None
    numbers = [int(part) for part in match[1].split(".")]
    return tuple([*numbers, 0, 0, 0][:3])


def _concerns(run: Measured, when: Mapping[str, Any]) -> bool:
    """Whether every condition holds; a setting that is not known does not fulfil one that asks for it."""
    return all(CONDITIONS[name](run, wanted) for name, wanted in when.items())


def _matches(run: Measured, name: str, pattern: str) -> bool:
    return re.search(pattern, (run.record.facts.text(name) or "").lower()) is not None


def _switched_on(run: Measured, pattern: str) -> bool:
    """Whether a switch of that name is set, such as `use_8bit_adam`."""
    settings = (*run.record.facts, *run.record.other_facts)
    return any(re.search(pattern, f.source.key or f.name) and str(f.value).lower() in ("true", "1.0") for f in settings)


def _is_lora(run: Measured) -> bool:
    return run.record.facts.number("lora_rank") is not None or _matches(run, "method", "lora")


CONDITIONS: dict[str, Callable[[Measured, Any], bool]] = {
    "weights_dtype": lambda run, wanted: run.record.facts.text("weights_dtype") == wanted,
    "method": lambda run, _: _is_lora(run),
    "accumulation_above": lambda run, wanted: (run.record.facts.number("accumulation_steps") or 0) > wanted,
    "model": lambda run, wanted: _matches(run, "model_name", wanted) or _matches(run, "model_type", wanted),
    "optimizer": lambda run, wanted: _matches(run, "optimizer", wanted) or _switched_on(run, wanted),
    "deepspeed_stage": lambda run, wanted: run.record.facts.number("deepspeed_stage") in wanted,
    "device": lambda run, wanted: _matches(run, "device", wanted),
    "attention": lambda run, wanted: _matches(run, "attention_implementation", wanted),
    "setting_not_false": lambda run, wanted: (
        not any(
            fact.name.endswith(wanted) and str(fact.value).lower() in ("false", "0.0")
            for fact in run.record.other_facts
        )
    ),
}


@cache
def _defects() -> tuple[Mapping[str, Any], ...]:
    table = json.loads((files(__package__) / "known_defects.json").read_text(encoding="utf-8"))
    return tuple(table["defects"])


RULE = Rule(
    code="SET707",
    slug="version-with-known-defect",
    severity=Severity.WARNING,
    needs=("versions", "accumulation_steps", "optimizer", "weights_dtype", "device", "deepspeed_stage"),
    check=check,
)
