"""The learning rate is lower than recipes of this kind of training use.

## What it sees
The highest learning rate of the run, configured or logged past its top, below the usual range of its method and
objective. When the kind is not known, it must lie below every range that comes into question.

## Why it matters
With steps that small a run of usual length ends where it began: the loss hardly moves and the outputs are those of the
base model. In bfloat16 weights such steps are lost to rounding altogether.

## What it does not mean
A low rate is sometimes meant: a last polish, a very long run, a very large model. While the loss falls, this is a note.
A flat loss at a usual rate has other reasons (frozen parameters, masked targets).

## Example
`learning_rate: 2e-8` for LoRA

## Check it by hand
Fifty steps at ten times the rate: does the loss fall now?

## References
- https://huggingface.co/docs/trl/sft_trainer
- https://github.com/NVIDIA/apex/pull/1731
- https://arxiv.org/abs/2106.09685 (appendix D)
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.findings.step_size import RANGES, SCRATCH_BELOW, SMALL, peak_rate, shows_peak, usual_ranges
from trainclinic.signals.measured import Measured

MOVED = Threshold(
    "fall of the loss, as a share of its start",
    0.05,
    "1",
    "a run that lost a twentieth of its loss has learned from its steps, however small",
)


def check(run: Measured) -> Verdict:
    """Compare the highest rate with every range that the run may belong to."""
    peak, ranges = peak_rate(run), usual_ranges(run)
    if peak is None or not shows_peak(run):
        return NotEvaluated(missing="the configured learning rate (`learning_rate`)")
    if isinstance(ranges, str):
        return NotEvaluated(missing=ranges)
    value, told = peak
    lowest = min(ranges, key=lambda r: r.low)
    if all(value >= r.low for r in ranges):
        most = max(ranges, key=lambda r: r.low)
        return Absent((told, most.ends[0]))
    if value >= lowest.low:
        return NotEvaluated(missing="the method (full, LoRA), the objective or the model's size")
    usual = lowest.ends[0]
    trend = run.trend
    if trend is not None and trend.fall > MOVED.value * abs(max(trend.first, trend.start)):
        fell = Evidence(f"the loss falls from {number(trend.first)} to {number(trend.last)}")
        return Present((told, usual, fell), means="The run learns all the same.", severity=Severity.NOTE)
    return Present((told, usual), settle="fifty steps at ten times the rate")


RULE = Rule(
    code="SET712",
    slug="learning-rate-below-usual-range",
    severity=Severity.WARNING,
    needs=("learning_rate", "train/learning_rate", "method", "objective", "optimizer", "parameter_count", "train/loss"),
    check=check,
    thresholds=(MOVED, *(r.limits()[0] for r in RANGES), SCRATCH_BELOW, SMALL),
    since="0.2",
)
