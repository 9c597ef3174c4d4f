"""The loss rises again after a resume from before the rise.

## What it sees
The first pass leaves the level of the later resume by a quarter, for good. The run then goes back to before that rise,
starts at the old level, and leaves it for good again. Absent when the second pass goes beyond the step of the first
rise and stays where it was.

## Why it matters
A checkpoint from before the rise was good, and the same settings led to the same end. That speaks for something which
lasts (the learning rate, a scale, the state of the model), and against a chance event of the first pass.

## What it does not mean
It does not clear the data: with the same order of rows the same rows come again. Only another order tells the two
apart.

## Example
`3.02 at step 18,000, 7.5 at 24,000; resumed at 16,000 with 3.11, and 7.4 at 22,000 again`

## Check it by hand
Resume once more from the same checkpoint at half the learning rate, and once in another order of data.

## References
- https://github.com/karpathy/nanoGPT/issues/418
- PaLM (arXiv 2204.02311), section 5.1: spikes that did not come again with other batches from the same checkpoint
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.signals.measured import Measured
from trainclinic.signals.repeated_rise import RISEN

HIGHER = Threshold("loss over the level of the resume", RISEN, "1", "wobbling runs do not get a quarter above it")


def check(run: Measured) -> Verdict:
    """Compare both passes around each resume."""
    rises = run.repeated_rises
    if not rises:
        return NotEvaluated(missing="a resume from before a rise of the loss, with both passes in the log")
    axis, evidence = run.record.axis, []
    for rise in rises[:5]:
        first = f"the loss leaves {number(rise.level)} at {axis} {rise.first_step} in the first pass"
        again = (
            f"and at {axis} {rise.again_step} after the resume at {axis} {rise.resume_step}"
            if rise.again_step is not None
            else f"and not again up to {axis} {rise.last_step} after the resume at {axis} {rise.resume_step}"
        )
        step = rise.last_step if rise.again_step is None else rise.again_step
        source = run.record.series["train/loss"].source(rise.row)
        evidence.append(Evidence(f"{first}, {again}", source, step, "train/loss"))
    repeated = tuple(item for item, rise in zip(evidence, rises, strict=False) if rise.again_step is not None)
    return Present(repeated) if repeated else Absent(tuple(evidence))


RULE = Rule(
    code="LOS225",
    slug="rise-repeated-after-resume",
    severity=Severity.NOTE,
    needs=("train/loss", "events: resume"),
    check=check,
    thresholds=(HIGHER,),
    since="0.2",
)
