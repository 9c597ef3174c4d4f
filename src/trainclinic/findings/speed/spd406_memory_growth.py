"""Reserved memory grows while live memory is flat.

## What it sees
`memory/reserved` at least a fifth higher in the last third of the rows than in the first, rising in most rows, while
`memory/allocated` moves by less than a tenth. Less growth counts when it is seen in every row while every row is slower
than the one before. It is called harmful once memory has doubled and the speed has fallen below half.

## Why it matters
The allocator keeps blocks of sizes that do not come again. The run ends with a failed allocation, or, where memory is
shared with the system, it begins to swap and becomes many times slower.

## What it does not mean
It is no leak of tensors: those would show in the live memory. A larger device postpones it; a smaller batch may not
help when lengths keep changing.

## Example
`reserved 9.8, 24.1, 41.7, 58.3, 72.0 GB; allocated 6.7 GB in all rows`

## Check it by hand
Print `torch.cuda.memory_reserved()` and `memory_allocated()` (or `driver_allocated_memory` and
`current_allocated_memory` on MPS) every hundred steps.

## References
- PyTorch documentation, CUDA semantics: memory management and fragmentation
"""

from __future__ import annotations

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.record.series import Series
from trainclinic.signals.measured import Measured

GROWTH = Threshold("growth of reserved memory", 0.2, "1", "the first long batches alone raise it by several %")
FLAT = Threshold("change of live memory", 0.1, "1", "live memory follows the batch by several %")
RISING = Threshold("share of rows that do not fall", 0.75, "1", "a cache that is emptied now and then is no growth")
DOUBLED = Threshold("growth that does harm", 1.0, "1", "with the speed halved too, memory is being swapped")
HALVED = Threshold("speed at the end over that at the start", 0.5, "1", "heat and other loads cost a third at most")
STEADY = Threshold("growth in every row", 0.05, "1", "only while every row is slower, too")
FEWEST = 5
MOST_BYTES = 1e18


def check(run: Measured) -> Verdict:
    """Compare the first and the last third of both memory columns."""
    reserved, allocated = _rows(run, "memory/reserved"), _rows(run, "memory/allocated")
    if reserved is None and allocated is None:
        # torchtune prints what tensors hold as `active`, and what the driver holds on Apple devices as `alloc`
        reserved, allocated = _rows(run, "peak_memory_alloc"), _rows(run, "peak_memory_active")
    if reserved is None or allocated is None:
        missing = "memory/reserved" if reserved is None else "memory/allocated"
        return NotEvaluated(missing=f"{FEWEST} rows of `{missing}`")
    growth, live = _growth(reserved), _growth(allocated)
    rising = float(np.mean(np.diff(reserved.value) >= 0))
    scale, unit = (1e9, " GB") if reserved.unit == "bytes" else (1.0, f" {reserved.unit}".rstrip())
    says = (
        f"reserved memory goes from {number(reserved.value[0] / scale, 3)} to {number(reserved.value[-1] / scale, 3)}"
        f"{unit} at step {reserved.step[-1]}, {percent(growth)} more in the last third than in the first; "
        f"live memory changes by {percent(live)}"
    )
    evidence = Evidence(says, reserved.source(-1), int(reserved.step[-1]), "memory/reserved")
    speed = _speed(run)
    slower = speed is not None and bool((np.diff(speed.value) < 0).all())
    steadily = bool((np.diff(reserved.value) > 0).all()) and growth >= STEADY.value and slower
    if (growth < GROWTH.value and not steadily) or abs(live) > FLAT.value or rising < RISING.value:
        return Absent((evidence,))
    halved = speed is not None and _growth(speed) + 1.0 < HALVED.value
    return Present(
        (evidence,),
        means="The speed falls with it." if halved or steadily else "",
        settle="the distribution of sequence lengths per batch",
        severity=None if halved and growth >= DOUBLED.value else Severity.WARNING,
    )


def _speed(run: Measured) -> Series | None:
    """Steps per second of each row; `None` where only seconds, means since the start or nothing is printed."""
    series = run.record.get("speed/steps_per_second")
    if series is None or run.record.get("time/elapsed") is not None or len(series) < FEWEST:
        return None
    return series.final().finite()


def _rows(run: Measured, name: str) -> Series | None:
    series = run.record.get(name)
    rows = series.final().finite() if series is not None else None
    rows = rows.where((rows.value > 1 / MOST_BYTES) & (rows.value < MOST_BYTES)) if rows is not None else None
    return rows if rows is not None and len(rows) >= FEWEST else None


def _growth(rows: Series) -> float:
    third = max(1, len(rows) // 3)
    return float(np.median(rows.value[-third:]) / np.median(rows.value[:third]) - 1.0)


RULE = Rule(
    code="SPD406",
    slug="memory-growth",
    severity=Severity.HARMFUL,
    needs=("memory/reserved", "memory/allocated", "speed/steps_per_second"),
    check=check,
    thresholds=(GROWTH, FLAT, RISING, STEADY, DOUBLED, HALVED),
)
