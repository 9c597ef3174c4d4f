"""Reserved memory grows while live memory is flat.

## What it sees
`memory/reserved` at least a fifth higher in the last third of the rows than in the first, rising in most rows, while
`memory/allocated` moves by less than a tenth.

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
FEWEST = 5
MOST_BYTES = 1e18


def check(run: Measured) -> Verdict:
    """Compare the first and the last third of both memory columns."""
    reserved, allocated = (_rows(run, name) for name in ("memory/reserved", "memory/allocated"))
    if reserved is None or allocated is None:
        missing = "memory/reserved" if reserved is None else "memory/allocated"
        return NotEvaluated(missing=f"{FEWEST} rows of `{missing}`")
    growth, live = _growth(reserved), _growth(allocated)
    rising = float(np.mean(np.diff(reserved.value) >= 0))
    scale, unit = (1e9, "GB") if reserved.unit == "bytes" else (1.0, reserved.unit)
    says = (
        f"reserved memory goes from {number(reserved.value[0] / scale, 3)} to {number(reserved.value[-1] / scale, 3)} "
        f"{unit} at step {reserved.step[-1]}, {percent(growth)} more in the last third than in the first; "
        f"live memory changes by {percent(live)}"
    )
    evidence = Evidence(says, reserved.source(-1), int(reserved.step[-1]), "memory/reserved")
    if growth < GROWTH.value or abs(live) > FLAT.value or rising < RISING.value:
        return Absent((evidence,))
    return Present((evidence,), settle="the distribution of sequence lengths per batch")


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
    severity=Severity.WARNING,
    needs=("memory/reserved", "memory/allocated"),
    check=check,
    thresholds=(GROWTH, FLAT, RISING),
)
