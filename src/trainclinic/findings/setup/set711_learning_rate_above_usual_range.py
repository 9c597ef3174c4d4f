"""The learning rate is higher than recipes of this kind of training use.

## What it sees
The highest learning rate of the run, configured or logged, above the usual range of its method and objective: full
fine-tuning, LoRA, MLX adapters, preference training, training on sampled answers, reward models, encoders, or
pretraining from scratch by size. When the kind is not known, it must lie above every range that comes into question.

## Why it matters
Too large steps throw the weights out of the region that pretraining found: the loss jumps near the peak of the schedule
and stays on a plateau. Full fine-tuning at a rate meant for LoRA is the usual way to get there.

## What it does not mean
A rate within its range can be too high for one model or batch, and one above it can be right for a small model or a
large batch. While the log shows no spike, no non-finite value and no rise, this is a note.

## Example
`learning_rate: 2e-4` for full fine-tuning of a model with 7 B parameters

## Check it by hand
Repeat the steps around the first jump from an earlier checkpoint at half the rate.

## References
- https://github.com/huggingface/transformers/issues/27121
- https://github.com/haotian-liu/LLaVA/issues/1301
- https://huggingface.co/docs/trl/sft_trainer
- https://arxiv.org/abs/2001.08361 (appendix D.6)
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present, Severity, Verdict
from trainclinic.findings.step_size import RANGES, SCRATCH_ABOVE, SMALL, is_named, peak_rate, sign_of_harm, usual_ranges
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Compare the highest rate with every range that the run may belong to."""
    peak, ranges = peak_rate(run), usual_ranges(run)
    if peak is None:
        return NotEvaluated(missing="the learning rate (`learning_rate`, or its column)")
    if isinstance(ranges, str):
        return NotEvaluated(missing=ranges)
    value, told = peak
    highest = max(ranges, key=lambda r: r.high)
    if all(value <= r.high for r in ranges):
        least = min(ranges, key=lambda r: r.high)
        return Absent((told, least.ends[1]))
    if value <= highest.high or not is_named(run):
        return NotEvaluated(missing="the method (full, LoRA), the objective or the model's size")
    usual = highest.ends[1]
    harm = sign_of_harm(run)
    if harm is not None:
        return Present((told, usual, harm), settle="the steps before the jump again, at half the rate")
    means = "The log shows nothing that too large steps would cause."
    quiet = run.train_loss is not None
    return Present((told, usual), means=means if quiet else "", severity=Severity.NOTE if quiet else None)


RULE = Rule(
    code="SET711",
    slug="learning-rate-above-usual-range",
    severity=Severity.WARNING,
    needs=("learning_rate", "train/learning_rate", "method", "objective", "optimizer", "parameter_count", "model_name"),
    check=check,
    thresholds=(*(r.limits()[1] for r in RANGES), SCRATCH_ABOVE, SMALL),
    since="0.2",
)
