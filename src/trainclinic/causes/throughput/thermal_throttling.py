"""The device lowers its clock because it is hot, so the same work takes longer the longer the run lasts.

## Mechanism
A chip that reaches its temperature limit lowers its clock until heat made and heat removed are in
balance. A laptop or a badly ventilated box needs ten minutes to an hour to get there, so the pace
falls smoothly at first and settles at a new level, typically ten to forty per cent lower. Memory
chips have limits of their own. A rest, an open window or a cooling pad brings the pace back within
minutes, and the same run started cold begins fast again.
Nothing else changes: memory is flat, the device is fully busy, the batches are the same.
Power has limits like temperature has. A laptop on a weak supply, a card with a lowered power cap,
or several cards on one supply are held at a clock that has nothing to do with heat; such a limit
shows from the first minute on and has no slope.

## What it looks like
Seconds per step that rise smoothly and evenly over the first part of a run, without a step and
without periodic stalls, and come back after a pause: one report shows minus 24 % before a forced
rest of 24 minutes and the old pace after it. Clock and temperature columns run against each other.
The slope is steepest in the first ten minutes and bends towards a level, like every body that
warms up. A drift that goes on in a straight line for hours is something else. In a room that cools
down at night the pace may even improve towards morning.

## What else looks like it
- Swapping or allocator growth: memory grows too, the loss of pace is larger, a pause does not
  help.
- Longer batches over time: seconds per step follow tokens per step.
- A background job: a step and not a slope, on both ends.
- A cumulative mean after a gap: a slope in the printed column only.
- Slow loading: stalls, with an idle and cool device.

## How to decide
Log clock and temperature (`nvidia-smi
--query-gpu=clocks.sm,temperature.gpu,clocks_event_reasons.active`, `powermetrics` on a Mac) beside
the seconds per step. Falling clocks at a high temperature prove it. Without tools: pause for ten
minutes and go on; a pace that is back at its first value and falls again along the same slope is
as good.
For a comparison of recipes on such a machine, start every run at the same temperature or compare
steps and not hours; the loss at a given step is not affected at all.

## Typical false diagnosis
"A memory leak". A leak shows in a memory column, and a pause does not undo it.
As a false diagnosis heat is made responsible for slowdowns by a factor of ten; clocks do not fall
that far on a device that still works.

## References
- [tensorflow/tensorflow#40042](https://github.com/tensorflow/tensorflow/issues/40042): steps that
  become slower until a cooling pad is used
- [nvidia-smi](https://docs.nvidia.com/deploy/nvidia-smi/index.html): clocks and the reasons for
  lowering them
- [PyTorch MPS
  profiler](https://docs.pytorch.org/docs/stable/generated/torch.mps.profiler.profile.html):
  looking at an Apple device
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, RARELY, SOMETIMES, Cause, Excluded, Expect

CAUSE = Cause(
    slug="thermal-throttling",
    title="Thermal throttling",
    family="throughput",
    incidents=1,
    decided_by=("log", "environment"),
    decisive_test=(
        "Log clock and temperature beside the seconds per step, or pause for ten minutes and see whether the "
        "first pace is back"
    ),
    false_diagnosis="a memory leak",
    expects=(
        Expect("throughput-drift", ALWAYS, "a chip that heats up slows down smoothly"),
        Expect("apple-gpu", SOMETIMES, "laptops have little room for cooling"),
        Expect("cumulative-speed-bias", RARELY, "a mean since the start lags behind the falling pace"),
        Expect("throughput-step-change", RARELY, "a lowered power limit changes the pace at one moment"),
    ),
    excluded_by=(
        Excluded("idle-device-stall", "a device that waits for its input is not hot"),
        Excluded("throughput-collapse", "heat takes about half of a clock, never most of the speed"),
    ),
    confused_with=("memory-swapping",),
)
