"""The loss jumps back and forth between separate levels.

## What it sees
After the trend is taken off, the rows fall into two parts with an empty gap between them: the parts are more than four
of their own widths apart, each holds a fifth of the rows, their levels differ by a fifth, and the loss changes from one
to the other six times or more.

## Why it matters
Noise has one level with scatter around it. Two levels say that the rows are means over two kinds of batches: sources
that follow each other in blocks, long and short texts, or two tasks. The model is pulled to one of them and back.

## What it does not mean
It is not instability: the learning rate cannot make a loss return to the same two levels. It does not say which data
lie on which level, and nothing is wrong with hard data as such.

## Example
`2.31, 2.33, 2.26, 3.72, 2.91, 2.21, 2.01, 3.43, 3.21, 2.33 ...`

## Check it by hand
Log the source of every batch, and plot the loss once per source.

## References
- https://github.com/hiyouga/LlamaFactory/issues/5247
- Ashman, Bird and Zepf (1994): separation of two components in units of their widths
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.findings.loss_levels import evidence_at
from trainclinic.signals.loss_levels import EMPTY, FEWEST_JUMPS, FEWEST_ROWS, LEVEL_SHARE, SEPARATION, SMALLEST_PART
from trainclinic.signals.measured import Measured

APART = Threshold("separation of the parts", SEPARATION, "1", "noise cut in two has 2.7, a sawtooth 3.5")
GAP = Threshold("gap over the range", EMPTY, "1", "no row lies between two kinds of batches")
COMMON = Threshold("rows of the smaller part", SMALLEST_PART, "1", "a few high rows are spikes")
LEVELS = Threshold("distance over the level", LEVEL_SHARE, "1", "the scatter of batches rarely reaches it")
JUMPS = Threshold("changes of level", FEWEST_JUMPS, "1", "a single move makes one, a staircase one an epoch")


def check(run: Measured) -> Verdict:
    """Split the rows where two levels explain them best."""
    loss, levels = run.loss_rows, run.loss_levels
    if run.objective.kind == "rl":
        return NotEvaluated(missing="a loss with a level; policy losses have none")
    if loss is None or len(loss) < FEWEST_ROWS:
        return NotEvaluated(missing=f"at least {FEWEST_ROWS} rows of `train/loss`")
    if levels is None:
        return Absent((Evidence("all rows are equal", series="train/loss"),))
    if not levels.are_separate:
        says = f"cut in two, the rows lie {number(levels.separation, 2)} widths apart, as scatter around one level does"
        if levels.separation > SEPARATION:
            says = f"the rows change {levels.jumps} times between {number(levels.low)} and {number(levels.high)}"
        return Absent((Evidence(says, series="train/loss"),))
    says = (
        f"{levels.low_rows} rows lie around {number(levels.low)} and {levels.high_rows} around {number(levels.high)}, "
        f"{number(levels.separation, 2)} widths apart, with {levels.jumps} jumps between them"
    )
    return Present((evidence_at(loss, int(loss.step[-1]), says),))


RULE = Rule(
    code="LOS221",
    slug="loss-jumping-between-levels",
    severity=Severity.NOTE,
    needs=("train/loss",),
    check=check,
    thresholds=(APART, GAP, COMMON, LEVELS, JUMPS),
    since="0.2",
)
