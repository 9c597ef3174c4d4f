"""Which known defects of released library versions concern a run: a table of ranges with topics and conditions.

A row concerns a run when the named version lies in its range and the settings that it needs are there. Settings that
nobody states leave that open. It does not know whether a defect has struck.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from trainclinic.signals.accelerators import maker_of

if TYPE_CHECKING:
    from trainclinic.record.facts import Fact
    from trainclinic.signals.measured import Measured


@dataclass(frozen=True, slots=True)
class Defect:
    """One row of the table.

    Attributes:
        topic: What it concerns, such as `accumulation`.
        library: Name of the package.
        low: First release that has it; zeros when all before `high` do.
        high: First release without it.
        says: What it does, without full stop.
        when: Conditions, by name in `CONDITIONS`.
        shows: What it does to a log, a word of the table's own.
        source: Address of the public report.
    """

    topic: str
    library: str
    low: tuple[int, ...]
    high: tuple[int, ...]
    says: str
    when: Mapping[str, Any]
    shows: str
    source: str

    def holds(self, release_numbers: tuple[int, ...]) -> bool:
        """Whether a release lies in the range."""
        return self.low <= release_numbers < self.high


@cache
def known_defects() -> tuple[Defect, ...]:
    """Every row of the table."""
    table = json.loads((files(__package__) / "known_defects.json").read_text(encoding="utf-8"))
    return tuple(
        Defect(
            topic=row["topic"],
            library=row["library"],
            low=release(row.get("from", "0")) or (),
            high=release(row["below"]) or (),
            says=row["defect"],
            when=row["when"],
            shows=row["shows"],
            source=row["source"],
        )
        for row in table["defects"]
    )


def named_versions(run: Measured) -> dict[str, Fact]:
    """The library versions that the files name, by package name."""
    return {name.lower().replace("_", "-"): fact for name, fact in run.record.versions.items()}


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


def concerns(run: Measured, defect: Defect) -> bool | None:
    """Whether the settings that a defect needs are there; `None` when one that matters is not stated."""
    answers = [CONDITIONS[name](run, wanted) for name, wanted in defect.when.items()]
    if False in answers:
        return False
    return None if None in answers else True


def _matches(run: Measured, pattern: str, *names: str) -> bool | None:
    values = [value.lower() for name in names if (value := run.record.facts.text(name)) is not None]
    return any(re.search(pattern, value) for value in values) if values else None


def _optimizer(run: Measured, pattern: str) -> bool | None:
    """Whether the optimizer is one of these, by its name or by a switch such as `use_8bit_adam`."""
    settings = (*run.record.facts, *run.record.other_facts)
    if any(re.search(pattern, f.source.key or f.name) and str(f.value).lower() in ("true", "1.0") for f in settings):
        return True
    return _matches(run, pattern, "optimizer")


def _lora(run: Measured) -> bool | None:
    return True if run.record.facts.number("lora_rank") is not None else _matches(run, "lora", "method")


def _device(run: Measured, wanted: str) -> bool | None:
    named, gpu = _matches(run, wanted, "device"), run.record.facts.text("gpu_name")
    maker = maker_of(gpu) if gpu is not None else None
    return named if named is not None or maker is None else (maker == "Apple") is (wanted == "mps")


def _above(run: Measured, name: str, limit: float) -> bool | None:
    value = run.record.facts.number(name)
    return None if value is None else value > limit


def _smoothing(run: Measured, limit: float) -> bool | None:
    for fact in run.record.other_facts:
        if fact.name.rpartition(".")[2] in ("label_smoothing", "label_smoothing_factor"):
            try:
                return float(fact.value) > limit
            except ValueError:
                return None
    return None


def _not_false(run: Measured, wanted: str) -> bool:
    found = [fact for fact in run.record.other_facts if fact.name.endswith(wanted)]
    return not any(str(fact.value).lower() in ("false", "0.0") for fact in found)


def _equals(run: Measured, name: str, wanted: object) -> bool | None:
    fact = run.record.facts.get(name)
    return None if fact is None else fact.value == wanted


def _stage(run: Measured, wanted: list[int]) -> bool | None:
    stage = run.record.facts.number("deepspeed_stage")
    return None if stage is None else stage in wanted


CONDITIONS: dict[str, Callable[[Measured, Any], bool | None]] = {
    "weights_dtype": lambda run, wanted: _equals(run, "weights_dtype", wanted),
    "method": lambda run, _: _lora(run),
    "accumulation_above": lambda run, wanted: _above(run, "accumulation_steps", wanted),
    "label_smoothing_above": _smoothing,
    "model": lambda run, wanted: _matches(run, wanted, "model_name", "model_type"),
    "optimizer": _optimizer,
    "deepspeed_stage": _stage,
    "device": _device,
    "attention": lambda run, wanted: _matches(run, wanted, "attention_implementation"),
    "setting_not_false": _not_false,
}
"""What a row may ask of a run: true, false, or `None` when nothing states it."""
