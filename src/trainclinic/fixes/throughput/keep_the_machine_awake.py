"""Forbid the machine to sleep while the command runs, and take the gap out of every speed that was computed.

## Why it works
`caffeinate` on macOS, `systemd-inhibit` on Linux and `SetThreadExecutionState` on Windows tell the system that it is in
use, for exactly as long as the training process lives. Then no time passes in which no step is made. A laptop needs two
more things: its power supply and an open lid, since closing the lid overrides most of these requests.
A gap does not slow a run down, it only spoils means. After 2,300 steps at 1 step a second, 24 minutes of sleep lower
the printed mean by 38 %, while the pace behind the gap is what it was before. Differences of time stamps show that;
a mean since the start needs tens of thousands of further steps.

## What it does not do
It changes no loss, no weight and no pace: every checkpoint is good, and the run may simply go on. It cannot keep a
hosted notebook whose session is ended by its provider, nor a preempted node; those need checkpoints every 10 to 30
minutes and a way to go on from them. A pace that stays low after the gap has another cause.

## References
- https://ss64.com/mac/caffeinate.html
- https://www.freedesktop.org/software/systemd/man/latest/systemd-inhibit.html
- https://learn.microsoft.com/en-us/windows/win32/api/winbase/nf-winbase-setthreadexecutionstate
- https://tqdm.github.io/docs/tqdm/
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Expectation, Fix, Treats

FIX = Fix(
    slug="keep-the-machine-awake",
    title="Keep the machine awake",
    kind="machine",
    change=(
        "Start the training under `caffeinate -is` on macOS or `systemd-inhibit` on Linux, with the lid open and the "
        "power supply connected"
    ),
    treats=(
        Treats("machine-sleep", CURES, "the system does not suspend a machine that is marked as in use"),
        Treats("log-reporting-artefact", EASES, "a mean since the start tells the pace where there is no gap"),
    ),
    expects=(
        Expectation(
            "no window of the log takes more than 3 times the median; {lost_time} were lost this way before",
            "no window of the log takes more than 3 times the median",
        ),
        Expectation(
            "the pace stays at {speed} steps per second from the first tenth to the last, within 10 %",
            "the pace stays the same from the first tenth to the last, within 10 %",
        ),
    ),
    check=(
        "Difference the time stamps of the log after the run, and look for sleep in the system's own record: there "
        "must be no entry between start and end"
    ),
    risk="A closed laptop that may not sleep gets hot, and one without its power supply runs empty",
    minutes=2,
    restart="the last checkpoint",
    commands=(
        "caffeinate -is python train.py  # macOS",
        "systemd-inhibit --what=idle:sleep:handle-lid-switch --why=training python train.py  # Linux",
        "pmset -g log | grep -E 'Entering Sleep|Wake from' | tail  # macOS: when it slept",
        "journalctl -b | grep -iE 'suspend|resume' | tail  # Linux: when it slept",
    ),
    alternatives=("train-on-a-cloud-gpu",),
    pros=("one word before the command", "nothing of the run changes"),
    cons=("the machine has to stay open and on its power supply",),
)
