"""Let the heat out, or hold the power below the limit, so that the clock of the first minute lasts for the whole run.

## Why it works
A chip lowers its clock when it reaches its limit, usually between 80 and 95 °C, until heat made and heat removed
balance: 10 to 40 % of the pace are gone after ten minutes to an hour. Whatever removes more heat raises that level:
a hard surface and a raised back for a laptop, free air in front of and behind a case, clean fans, a cooler room. In one
report the pace fell by 24 % and came back after a rest of 24 minutes.
A lower power limit is the second way. The last tenth of the clock costs far more than a tenth of the power: at 80 % of
the power many cards keep 90 % or more of their pace, and keep it evenly, which beats a clock that swings.
Power has limits of its own. A laptop on a weak supply is held at a low clock from the first minute, without a slope.

## What it does not do
It does not touch losses or weights: every checkpoint is good. It does not explain a loss of nine tenths, which is swap,
nor a gap, which is sleep, nor slow steps at even distances, which is the loader. Runs that are compared with each other
should be compared by steps and not by hours.

## References
- https://docs.nvidia.com/deploy/nvidia-smi/index.html
- https://firefox-source-docs.mozilla.org/performance/powermetrics.html
- https://github.com/tensorflow/tensorflow/issues/40042
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, Expectation, Fix, Treats

FIX = Fix(
    slug="cool-the-device",
    title="Cool the device",
    kind="machine",
    change=(
        "Put the machine on a hard surface with free air around it, on its own power supply; on an NVIDIA card set the "
        "power limit to 80 % if air alone does not hold the clock"
    ),
    treats=(Treats("thermal-throttling", CURES, "a chip below its temperature limit keeps its clock"),),
    expects=(
        Expectation(
            "the pace after one hour is within 5 % of that of the first ten minutes, about {speed} steps per second or "
            "more",
            "the pace after one hour is within 5 % of that of the first ten minutes",
        ),
        Expectation("the clock stays level, and the temperature settles at least 5 °C below the limit of the chip"),
    ),
    check=(
        "Log clock and temperature every 10 s for an hour; without tools, rest for ten minutes and see that the pace "
        "does not rise afterwards"
    ),
    risk="A power limit that is set too low costs more pace than the heat did, and it is gone after a restart",
    minutes=10,
    restart="the last checkpoint",
    commands=(
        "nvidia-smi --query-gpu=timestamp,clocks.sm,temperature.gpu,power.draw,clocks_event_reasons.active"
        " --format=csv -l 10",
        "nvidia-smi --query-gpu=power.default_limit --format=csv  # then: sudo nvidia-smi -pl WATTS, 80 % of it",
        "sudo powermetrics --samplers gpu_power,thermal -i 10000  # macOS",
    ),
    alternatives=("train-on-a-cloud-gpu",),
    pros=("nothing of the run changes", "costs little or nothing"),
    cons=("a thin laptop stays limited by its case",),
)
