"""Which run this is, and its configuration with sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.wording import number
from trainclinic.record.vocabulary import FACTS
from trainclinic.report.model import Identity, Item, Warned

if TYPE_CHECKING:
    from trainclinic.record.facts import Fact, Facts
    from trainclinic.record.run import RunRecord

FILES = 12
OTHER_FACTS = 60
WARNINGS = 40
LABELS = {"lora_rank": "LoRA rank", "lora_alpha": "LoRA alpha", "fp16": "fp16", "bf16": "bf16", "gpu_name": "GPU"}


def identity(record: RunRecord) -> Identity:
    """Name, files, model, method, device and extent of a run."""
    steps = [series.step for series in record.series.values() if len(series)]
    planned = record.facts.number("planned_steps")
    return Identity(
        name=record.name,
        files=(*record.files[:FILES], *_more(len(record.files) - FILES, "file")),
        log_format=record.log_format,
        axis=record.axis,
        model=_model(record.facts),
        method=_method(record.facts),
        device=_device(record.facts),
        first_step=min((int(step.min()) for step in steps), default=None),
        last_step=record.last_step,
        planned_steps=int(planned) if planned is not None else None,
        rows=sum(len(series) for series in record.series.values()),
        seconds=_seconds(record),
    )


def facts(record: RunRecord) -> tuple[Item, ...]:
    """The configuration, vocabulary names first; a name with contradicting values appears once per value."""
    items = []
    for fact in record.facts:
        rivals = {rival.value: rival for rival in reversed(record.facts.rivals(fact.name))}
        rivals.pop(fact.value, None)
        items.append(_item(fact, "contradicted below" if rivals else ""))
        items.extend(_item(rival, "also found") for rival in rivals.values())
    items.extend(_item(fact, "") for fact in record.versions.values())
    items.extend(_item(fact, "") for fact in record.other_facts[:OTHER_FACTS])
    return tuple(items)


def warnings(record: RunRecord) -> tuple[Warned, ...]:
    """What could not be read, counted."""
    return tuple(Warned(d.says, d.source.path, d.source.line, d.count) for d in record.damage[:WARNINGS])


def label_of(name: str) -> str:
    """A fact's name as words: `LoRA rank`, `accumulation steps`."""
    return LABELS.get(name, name.replace("_", " "))


def _item(fact: Fact, note: str) -> Item:
    unit = FACTS[fact.name][1] if fact.name in FACTS else ""
    how = "" if fact.how in {"config", "printed", "log"} else fact.how
    return Item(
        label=label_of(fact.name),
        value=fact.value,
        unit="" if unit == "1" else unit,
        path=fact.source.path,
        line=fact.source.line,
        key=fact.source.key,
        note=", ".join(filter(None, (how, note))),
    )


def _model(facts: Facts) -> str:
    name, kind = facts.text("model_name"), facts.text("model_type")
    parts = [name or kind or ""]
    size = facts.number("parameter_count")
    if size:
        parts.append(f"{_magnitude(size)} parameters")
    return ", ".join(filter(None, parts))


def _method(facts: Facts) -> str:
    parts = [facts.text("objective"), facts.text("method")]
    for name, word in (("lora_rank", "rank"), ("lora_alpha", "alpha")):
        value = facts.number(name)
        if value is not None:
            parts.append(f"{word} {number(value)}")
    trainable = facts.number("trainable_parameter_count")
    if trainable is not None:
        parts.append(f"{_magnitude(trainable)} trainable")
    return ", ".join(filter(None, parts))


def _device(facts: Facts) -> str:
    weights = facts.text("weights_dtype")
    precision = next((name for name in ("fp16", "bf16") if facts.flag(name)), None)
    world = facts.number("world_size")
    parts = [
        facts.text("gpu_name") or facts.text("device"),
        f"{world:.0f} processes" if world and world > 1 else None,
        f"{weights} weights" if weights else None,
        f"{precision} autocast" if precision else None,
    ]
    return ", ".join(filter(None, parts))


def _magnitude(value: float) -> str:
    """`124 M`, `1.1 B`: parameter counts as the field says them."""
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g} {unit}"
    return number(value)


def _seconds(record: RunRecord) -> float | None:
    runtime = record.facts.number("train_runtime")
    if runtime is not None:
        return runtime
    for name in ("time/elapsed", "time/stamp"):
        series = record.get(name)
        finite = series.finite().value if series is not None else np.empty(0)
        if finite.size:
            return float(finite.max()) if name == "time/elapsed" else float(finite.max() - finite.min())
    return None


def _more(count: int, noun: str) -> tuple[str, ...]:
    return (f"and {count} more {noun}s",) if count > 0 else ()
