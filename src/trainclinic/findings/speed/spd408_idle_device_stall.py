"""The accelerator is idle exactly while the run is slow.

## What it sees
A logged utilisation (`GPU-Util`, `gpu_util`, `system.gpu.0.gpu` ...) that is near 0 in the slow rows and high in the
others. Slow rows have less than half of the median speed.

## Why it matters
The device waits for the host: for the next batch, for a file, for a save. It is lost time that more compute cannot win
back, and more loading processes or faster storage can.

## What it does not mean
A device that is slow *and busy* is another matter (heat, another job, recompilation), and so is one that is idle at
normal speed between measurements. What is learned is not affected.

## Example
`90 samples/s, GPU-Util 0%` among rows of `504 samples/s, GPU-Util 97%`

## Check it by hand
Log the time spent waiting for the next batch beside the time of the step; repeat with more loader processes.

## References
- https://github.com/deepinsight/insightface/issues/1570
- `torch.utils.data.DataLoader`: `num_workers=0` loads in the training process
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number, percent
from trainclinic.signals.measured import Measured

if TYPE_CHECKING:
    from trainclinic.record.series import Floats, Series

SLOW = Threshold("speed over the median", 0.5, "1", "ordinary rows rarely halve")
IDLE = Threshold("utilisation of an idle device", 0.1, "1", "background work and averaging leave a few per cent")
BUSY = Threshold("utilisation in ordinary rows", 0.3, "1", "below it the device is idle most of the time anyway")
MOST = Threshold(
    "share of slow rows that are idle, and of idle rows that are slow",
    0.75,
    "1",
    "what merely happens now and then in both does not coincide",
)
ROWS = Threshold("rows with speed and utilisation", 6, "rows", "a median needs ordinary rows beside the slow ones")
_UTILISATION = re.compile(
    r"gpu[\s_\-./]*(?:\d+[\s_\-./]*)?(?:util\w*|busy|load)|utili[sz]ation[\s_\-./]*gpu|sm_util"
    r"|system[./]gpu[./]\d+[./]gpu$|^gpu[_ ]?(?:%|pct|percent)?$"
)
_SPEEDS = ("speed/samples_per_second", "speed/steps_per_second", "speed/tokens_per_second", "speed/seconds_per_step")


def check(run: Measured) -> Verdict:
    """Compare the utilisation of slow rows with that of the others."""
    usage = next((s for name, s in run.record.series.items() if len(s) and _UTILISATION.search(name.lower())), None)
    speed = next((s for name in _SPEEDS if (s := run.record.get(name)) is not None), None)
    if usage is None:
        return NotEvaluated(missing="the utilisation of the accelerator beside the steps")
    if speed is None:
        return NotEvaluated(missing="the speed of single rows beside the utilisation")
    steps, pace, busy = _beside(speed, usage)
    if len(steps) < ROWS.value:
        return NotEvaluated(missing=f"at least {ROWS.value:g} rows with speed and utilisation")
    slow, idle = pace < SLOW.value * np.median(pace), busy <= IDLE.value
    if not slow.any():
        return Absent((Evidence(f"none of {count(len(steps), 'row')} has less than half of the median speed"),))
    usual = float(np.median(busy[~slow]))
    both = (slow & idle).sum()
    says = f"utilisation is {percent(float(np.median(busy[slow])))} in {count(int(slow.sum()), 'slow row')}"
    first = int(np.argmax(slow))
    where = usage.row_at(int(steps[first]))
    source = usage.source(where) if where is not None else None
    shown = Evidence(f"{says} and {percent(usual)} in the others", source, int(steps[first]), usage.name)
    if usual < BUSY.value or both < MOST.value * slow.sum() or both < MOST.value * idle.sum():
        return Absent((shown,))
    named = ", ".join(f"{int(step):,}" for step in steps[slow][:4])
    factor = float(np.median(pace[~slow]) / max(float(np.median(pace[slow])), 1e-12))
    slower = Evidence(
        f"these rows are {number(factor, 2)} times slower: steps {named}{' ...' if slow.sum() > 4 else ''}"
    )
    return Present((shown, slower), settle="time spent waiting for the next batch, logged beside the time of the step")


def _beside(speed: Series, usage: Series) -> tuple[Floats, Floats, Floats]:
    """Steps, pace (higher is faster) and utilisation (0 to 1) of rows that have both."""
    _, i, j = np.intersect1d(speed.step, usage.step, return_indices=True)
    pace, busy = speed.value[i], usage.value[j]
    if speed.name == "speed/seconds_per_step":
        pace = 1.0 / np.where(pace > 0, pace, np.nan)
    if busy.size and np.nanmax(busy, initial=0.0) > 1.5:
        busy = busy / 100.0
    usable = np.isfinite(pace) & np.isfinite(busy)
    return speed.step[i][usable].astype(np.float64), pace[usable], busy[usable]


RULE = Rule(
    code="SPD408",
    slug="idle-device-stall",
    severity=Severity.WARNING,
    needs=("columns of device utilisation", *_SPEEDS),
    check=check,
    thresholds=(SLOW, IDLE, BUSY, MOST, ROWS),
    since="0.2",
)
