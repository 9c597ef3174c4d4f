"""The machine slept or the process was suspended, so time passed in which no step was made.

## Mechanism
A laptop whose lid is closed, a desktop with an energy plan, a hosted notebook whose tab lost its
connection, a preempted node, a process stopped by a signal: the clock on the wall runs on and the
program does not. When it wakes up it continues with the next step as if nothing had been. Neither
the numbers nor the pace are affected.
What makes it look like an illness is arithmetic. A speed that is printed as steps divided by
elapsed time carries the gap for ever: after 2,300 steps at one step a second, a sleep of 24
minutes shows as a loss of 40 % and needs tens of thousands of steps to fade.
Some systems do not stop at once. They lower the priority of a process whose window is hidden, or
the clock of a machine without power supply, and suspend it later; then a slow stretch stands
before the gap. A hosted notebook that was taken away and given back behaves alike, except that its
process may have been ended and started anew.

## What it looks like
One, two or three windows that take minutes or hours beyond the usual, and before and after them
the same seconds per step. The logged mean falls at once and creeps back. Differences of time
stamps, remaining-time estimates or checkpoint times show the gap in one place. After a rest a hot
machine may even be a little faster than before.
The windows on both sides of the gap may be longer as well, because the gap begins and ends inside
a window. Its length is the excess over the median pace, and with a speed printed to two digits it
is known to within some seconds.

## What else looks like it
- Swapping: the pace stays low, or falls again and again.
- Heat: a slow drift without a gap, undone by a rest.
- A long evaluation or save: at the steps at which one is due, and each time.
- A stalled loader or network file system: shorter, repeated, and with an idle device.

## How to decide
Difference the time stamps and mark the windows above three times the median; if the windows after
them are at the median, the machine was away. The system's own log names the moment (`pmset -g log`
on macOS, `journalctl` with suspend and resume on Linux, the event viewer on Windows). Keep it
awake for the next run with `caffeinate` or `systemd-inhibit`.
Correct the numbers before drawing conclusions: subtract the gap from the elapsed time, compute the
pace of the windows before and after it, and estimate the remaining time from the pace of the last
tenth of the run. Printed means and estimates stay wrong until the end.

## Typical false diagnosis
"A performance cliff after the spike", "the GPU became 40 % slower", "memory thrashing". All of
these claim a lower pace; the pace after the gap is what refutes them.

## References
- [caffeinate](https://ss64.com/mac/caffeinate.html): keeping macOS awake for a command
- [systemd-inhibit](https://www.freedesktop.org/software/systemd/man/latest/systemd-inhibit.html):
  the same on Linux
- [tqdm](https://tqdm.github.io/docs/tqdm/): how a displayed rate is averaged
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, Cause, Excluded, Expect

CAUSE = Cause(
    slug="machine-sleep",
    title="Machine asleep or process suspended",
    family="throughput",
    incidents=0,
    decided_by=("log", "probe"),
    decisive_test="Difference the time stamps around the gap and look up suspend and resume in the system's log",
    false_diagnosis="a performance cliff or a slower device",
    expects=(
        Expect("time-gap", ALWAYS, "time that passes without steps is what a sleep leaves in the log"),
        Expect("cumulative-speed-bias", OFTEN, "a mean since the start spreads one gap over all later rows"),
        Expect("apple-gpu", SOMETIMES, "laptops sleep, servers do not"),
        Expect("throughput-drift", RARELY, "a machine that is left alone may save energy before it goes to sleep"),
    ),
    excluded_by=(
        Excluded("waiting-for-data", "the log says what the time was spent on"),
        Excluded("time-gap", "the clock was read at every logged step and shows no gap", when="absent"),
        Excluded(
            "throughput-step-change",
            "the pace stays lower afterwards, and a machine that is awake again is as fast as before",
        ),
    ),
    confused_with=("block-size-too-large", "thermal-throttling"),
)
