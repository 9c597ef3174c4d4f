"""The first loss after a resume is that of a model which has not been trained.

## What it sees
Before the resume the loss had fallen by a tenth or more of its first value; the first row after it is back at 90 % of
the first loss of the log, or above it.

## Why it matters
Lost optimizer moments or another data order cost a bump. Only missing weights cost everything: the adapter, the head or
the whole model was not loaded, and the run goes on from the base model.

## What it does not mean
It does not say that the checkpoint is empty: it may hold good weights that the resume did not put into the model in
use. A run that was started anew on purpose shows the same, and rightly so.

## Example
First row of the run 2.81; 0.37 before the resume; 2.74 in the first row after it.

## Check it by hand
Compare one trained tensor in memory, right after the resume, with the same tensor in the checkpoint file.

## References
- https://github.com/tloen/alpaca-lora/issues/72
- https://github.com/huggingface/sentence-transformers/pull/2648
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.findings.resumes import NO_RESUME, across, at_resume, resumes_of
from trainclinic.signals.measured import Measured

FRESH = Threshold("loss after the resume over the first loss", 0.9, "1", "first batches differ by a few per cent")
LEARNED = Threshold("fall before the resume over the first loss", 0.1, "1", "less cannot be told from where it began")
ABOVE = Threshold(
    "rise over the level before, where the log begins late", 1.0, "1", "nothing learned is worth a doubling"
)


def check(run: Measured) -> Verdict:
    """Compare the first row after each resume with the first row of the log."""
    points = resumes_of(run)
    if not points:
        return NO_RESUME
    found: list[Evidence] = []
    seen: list[Evidence] = []
    for point in points:
        learned = point.first_loss - point.before > LEARNED.value * abs(point.first_loss)
        above = point.jump > ABOVE.value * abs(point.before)
        if not learned and not above:
            if point.jump > LEARNED.value * abs(point.before):
                continue
            seen.append(at_resume(run, point, across(run, point)))
            continue
        says = f"{across(run, point)}, and the log began at {number(point.first_loss)}"
        fresh = point.after >= FRESH.value * point.first_loss
        (found if fresh else seen).append(at_resume(run, point, says))
    if found:
        return Present(tuple(found[:5]))
    evidence: tuple[Evidence, ...] = tuple(seen[:5])
    return Absent(evidence) if evidence else NotEvaluated(missing="rows from the beginning of the run, to compare with")


RULE = Rule(
    code="SCH308",
    slug="fresh-loss-after-resume",
    severity=Severity.NOTE,
    needs=("train/loss", "events: resume"),
    check=check,
    thresholds=(FRESH, LEARNED, ABOVE),
    since="0.2",
)
