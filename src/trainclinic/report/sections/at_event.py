"""Where the run stood when something happened: learning rate, tokens, position in the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainclinic.catalogue.wording import number, words
from trainclinic.report.model import AtEvent, FindingEntry, Item
from trainclinic.report.sections.identity import label_of
from trainclinic.report.sections.timeline import SEVERITIES, Column

if TYPE_CHECKING:
    from trainclinic.record.facts import Facts
    from trainclinic.signals.measured import Measured

EVENTS = 4
_NOT_A_MOMENT = frozenset({"LOS208", "LOS214", "LOS217", "SPD402", "EVA503"})
"""Findings about a stretch or the whole run: where it stood at their first step tells nothing."""


def at_events(measured: Measured, findings: Sequence[FindingEntry]) -> tuple[AtEvent, ...]:
    """The configuration at the gravest findings that happened at a step, at most four, in order of steps; no notes."""
    if measured.record.axis != "step":
        return ()
    chosen: dict[int, FindingEntry] = {}
    for finding in sorted(findings, key=lambda f: -SEVERITIES.index(f.severity)):
        step = finding.evidence[0].step if finding.severity != "note" else None
        if step is None or step <= 0 or step in chosen or finding.code in _NOT_A_MOMENT or len(chosen) == EVENTS:
            continue
        chosen[step] = finding
    events = []
    for step, finding in sorted(chosen.items()):
        items = tuple(_items(measured, step))
        if items:
            events.append(AtEvent(step, words(finding.slug), finding.code, items))
    return tuple(events)


def _items(measured: Measured, step: int) -> list[Item]:
    items = [*_learning_rate(measured, step), *_data(measured, step)]
    batch = _batch(measured.record.facts)
    return [*items, Item("batch", batch)] if items and batch else items


def _batch(facts: Facts) -> str:
    """`8 sequences × 4 accumulated × 2 processes, up to 256 tokens each`, as far as the files say."""
    rows, length = facts.number("micro_batch_size"), facts.number("sequence_length")
    if rows is None:
        return ""
    parts = [f"{number(rows)} sequences"]
    for name, word in (("accumulation_steps", "accumulated"), ("world_size", "processes")):
        value = facts.number(name)
        if value is not None and value != 1:
            parts.append(f"{number(value)} {word}")
    return " × ".join(parts) + (f", up to {number(length)} tokens each" if length else "")


def _learning_rate(measured: Measured, step: int) -> list[Item]:
    logged = measured.record.get("train/learning_rate")
    if logged is None:
        return []
    final = logged.final()
    row = final.row_at(step)
    items = []
    if row is not None:
        source = final.source(row)
        items.append(Item("learning rate", float(final.value[row]), "", source.path, source.line))
    fit = measured.schedule
    inferred = fit.at(step) if fit is not None else None
    if fit is not None and inferred is not None:
        low, high = inferred
        middle = (low + high) / 2
        ends = number(low, 3), number(high, 3)
        spread = "" if ends[0] == ends[1] else f", {ends[0]} to {ends[1]}"
        best = fit.best
        shape = f"{best.shape} schedule fits {fit.rows:,} logged rows" if best else "schedule fit"
        if row is None:
            items.append(Item("learning rate", middle, "", note=f"inferred: {shape}{spread}"))
        if best is not None and best.peak > 0:
            items.append(Item("share of the peak learning rate", f"{100 * middle / best.peak:.0f} %", note=shape))
    elif row is None:
        near = Column.of(logged).near(step)
        if near is not None:
            items.append(Item("learning rate", near, "", note="last row before"))
    return items


def _data(measured: Measured, step: int) -> list[Item]:
    position = measured.position
    if position is None:
        return []
    items = []
    tokens = position.tokens_at(step)
    if tokens is not None:
        bound = "at most: shorter sequences hold fewer" if position.is_upper_bound else ""
        assumed = f"taking {' and '.join(map(label_of, position.assumed))} as 1" if position.assumed else ""
        items.append(Item("token positions seen", tokens, "", note="; ".join(filter(None, (bound, assumed)))))
    epoch = position.epoch_at(step)
    if epoch is not None:
        items.append(Item("passes over the data", epoch, ""))
    else:
        passes = position.passes_at(step)
        if passes is not None:
            items.append(Item("passes over the data", passes, "", note="on average"))
    if position.sampling != "unknown":
        items.append(Item("place in the data", position.says_at(step)))
    return items
