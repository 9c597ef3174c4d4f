"""How the parts of a document read in plain text: shared by the terminal and the Markdown report."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence

from trainclinic.catalogue.wording import duration, number, words
from trainclinic.report import cause_wording
from trainclinic.report.model import Document, Identity, Item, NotEvaluatedEntry, Observation, Scalar, TimelineRow

NOTHING = "·"
LONG_PLACE = 44
"""Columns of a place from which its beginning is left out."""
OVERVIEW = ("run", "verdict", "most probable cause", "top finding", "best checkpoint")
"""Columns of the table of runs."""


def version() -> str:
    """Version of this package; asked by name, because the package's front door is no room below this one."""
    found: str = importlib.import_module("trainclinic").__version__
    return found


def figure(value: float | None, digits: int = 5) -> str:
    """A number in a table; a dot where nothing was logged."""
    if value is None:
        return NOTHING
    return "NaN" if math.isnan(value) else precise(value, digits)


def change(value: float | None) -> str:
    """A signed difference."""
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        return figure(value)
    return f"{'+' if value > 0 else '-' if value < 0 else '±'}{number(abs(value), 3)}"


def scalar(value: Scalar, unit: str = "") -> str:
    """A value with its unit."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if unit == "s":
        return duration(float(value))
    return f"{_bare(precise(float(value)))} {unit}".strip()


def precise(value: float, digits: int = 5) -> str:
    """A number as logs hold it: `digits` significant ones, three where it takes an exponent."""
    return number(value, 3 if 0 < abs(value) < 1e-3 else digits)


def spoken(value: float) -> str:
    """A number in a sentence: as logs hold it, without the zeros that only a column needs."""
    return "NaN" if math.isnan(value) else _bare(precise(value))


def _bare(shown: str) -> str:
    """Without zeros at the end of a fraction, which only a column needs."""
    return shown.rstrip("0").rstrip(".") if "." in shown and "e" not in shown else shown


def place(path: str | None, line: int | None = None, key: str = "") -> str:
    """`train.log:12`, or the key where lines mean nothing; empty for what was computed."""
    if path is None:
        return ""
    return path if line is None and not key else f"{path}:{line}" if line is not None else f"{path} {key}"


def near(path: str | None, line: int | None = None, key: str = "") -> str:
    """A place for a narrow page: of a long path only the end."""
    where = place(path, line, key)
    return where if len(where) <= LONG_PLACE else f"…{where[1 - LONG_PLACE :]}"


def seen(observation: Observation) -> str:
    """An observation with its place in brackets."""
    where = near(observation.path, observation.line, observation.key)
    return f"{observation.says} [{where}]" if where else observation.says


def item_text(item: Item) -> str:
    """An item's value with its note."""
    return f"{scalar(item.value, item.unit)} ({item.note})" if item.note else scalar(item.value, item.unit)


def timeline_columns(rows: tuple[TimelineRow, ...], axis: str) -> list[tuple[str, list[str]]]:
    """Columns of the timeline that have at least one value, as `(heading, cells)`; the last column is text."""
    fields = (
        ("train", [(r.train_loss, figure(r.train_loss)) for r in rows]),
        ("change", [(r.train_change, change(r.train_change)) for r in rows]),
        ("eval", [(r.eval_loss, figure(r.eval_loss)) for r in rows]),
        ("change", [(r.eval_change, change(r.eval_change)) for r in rows]),
        ("grad norm", [(r.grad_norm, figure(r.grad_norm, 3)) for r in rows]),
        ("LR", [(r.learning_rate, figure(r.learning_rate, 3)) for r in rows]),
        ("steps/s", [(r.steps_per_second, figure(r.steps_per_second, 3)) for r in rows]),
    )
    columns = [(axis, [f"{row.step:,}" for row in rows])]
    columns += [(head, [text for _, text in cells]) for head, cells in fields if any(v is not None for v, _ in cells)]
    words = [f"{row.status} [{row.severity}]" if row.severity in {"harmful", "warning"} else row.status for row in rows]
    return [*columns, ("what happened", words)]


def steps_text(steps: tuple[int, ...], most: int = 12) -> str:
    """`500; 1,500; 2,500 (within the noise of the best)`; long lists are cut and counted."""
    shown = [f"{step:,}" for step in steps[:most]]
    more = f" and {len(steps) - most} more" if len(steps) > most else ""
    return f"{'; '.join(shown)}{more} (within the noise of the best)"


def short_names(names: Sequence[str], width: int) -> list[str]:
    """Names in at most `width` columns each: what all of them share at both ends gives way first."""
    if all(len(name) <= width for name in names):
        return list(names)
    head = _shared_start(names)
    tail = _shared_start([name[head:][::-1] for name in names])
    room = max(width - 2 - max(len(name) - head - tail for name in names), 0)
    before = names[0][max(head - room, 0) : head]
    cut = ("…" if len(before) < head else "", "…" if tail else "")
    return [_within(f"{cut[0]}{before}{name[head : len(name) - tail]}{cut[1]}", width) for name in names]


def _shared_start(names: Sequence[str]) -> int:
    """How many characters all names begin with."""
    first, last = min(names), max(names)
    return next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))


def _within(name: str, width: int) -> str:
    return name if len(name) <= width else f"{name[: width - 1]}…"


def planned(run: Identity) -> str:
    """` of 1,000 planned`; nothing where the run went past the plan that its files name, as a resumed one does."""
    if not run.planned_steps or run.axis != "step" or (run.last_step or 0) > run.planned_steps:
        return ""
    return f" of {run.planned_steps:,} planned"


def needs(absences: Sequence[NotEvaluatedEntry]) -> list[tuple[str, list[str]]]:
    """What is missing and the symptoms that it would show, the most useful first."""
    found: dict[str, list[str]] = {}
    for entry in absences:
        found.setdefault(entry.missing, []).append(words(entry.slug))
    return sorted(found.items(), key=lambda item: -len(item[1]))


def overview_cells(document: Document) -> tuple[str, ...]:
    """One line of the table of runs, a cell for each of `OVERVIEW`."""
    top = words(document.told[0].slug) if document.told else "nothing found"
    more = f" +{len(document.told) - 1}" if len(document.told) > 1 else ""
    best = document.checkpoints.best if document.checkpoints else None
    checkpoint = f"{document.run.axis} {best.step:,}" if best else NOTHING
    return document.run.name, document.verdict, cause_wording.cell(document) or NOTHING, top + more, checkpoint
