"""The loss leaves its band for a short time and comes back.

## What it sees
An excursion of the training or evaluation loss: more than six robust standard deviations above its surroundings, two to
three times as far as any ordinary row of this log, at least 0.1 nats and a fifth of the level, and worth at least a
tenth of what the run had gained. Noise with many excursions is not called a spike.

## Why it matters
Steps are lost until the loss is back, and a checkpoint saved during the excursion is a bad one. Recurring spikes often
announce a divergence.

## What it does not mean
It does not say "gradient explosion" or "bad batch". When training and evaluation loss rise together it is the state of
the model or the way it was evaluated, not one batch. When only single rows rise, it may be one hard batch. Often the
log cannot decide.

## Example
`step 2000/5000: train loss 9.5846, val loss 9.6169` between 6.65 and 6.64.

## Check it by hand
Evaluate the checkpoint that was saved at the spike again, on the same data. The level of the neighbours means that the
evaluation was wrong, the level of the spike that the weights were.

## References
- Detector: median and MAD over the last 100 rows; 1 false alarm per 1000 rows of heavy-tailed noise (measured)
- PaLM (arXiv 2204.02311): about 20 spikes, which the same batches did not reproduce from another checkpoint
- ZClip (arXiv 2504.02507), OLMo 2 (arXiv 2501.00656): spike detection in practice
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, number, percent
from trainclinic.findings.loss_levels import GIANT_RATIO, GIANT_RISE
from trainclinic.findings.rises import (
    APART,
    EXCURSION_SHARE,
    GAIN_SHARE,
    LEVEL_SHARE,
    LONE_APART,
    MOST_SINGLE,
    OTHER_GAIN_SHARE,
    ROBUST_Z,
    mattering_spikes,
)
from trainclinic.signals.measured import Measured
from trainclinic.signals.spikes import Spike, Spikes

MOST_SHOWN = 5


def check(run: Measured) -> Verdict:
    """Look for excursions that matter."""
    spikes = run.spikes
    if spikes is None:
        return NotEvaluated(missing="at least five rows of `train/loss` or `eval/loss`")
    found = mattering_spikes(run)
    if not found:
        return Absent(_highest(run, spikes))
    evidence = tuple(_evidence(run, spike) for spike in found[:MOST_SHOWN])
    if len(found) > MOST_SHOWN:
        evidence = (*evidence, Evidence(f"and {count(len(found) - MOST_SHOWN, 'more excursion')}"))
    severity = Severity.NOTE if run.objective.kind == "rl" else None
    return Present(evidence, _means(found[0]), _settle(run, found[0]), severity=severity)


def _highest(run: Measured, spikes: Spikes) -> tuple[Evidence, ...]:
    searched = count(spikes.rows + spikes.eval_rows, "row")
    if not spikes.found:
        return (Evidence(f"none of {searched} stands out"),)
    top = max(spikes.found, key=lambda spike: spike.at.rise)
    says = (
        f"the highest of {searched} is {number(top.at.rise)} above its surroundings, at {run.record.axis} {top.at.step}"
    )
    return (Evidence(says, None, top.at.step, top.series),)


def _evidence(run: Measured, spike: Spike) -> Evidence:
    at = spike.at
    name = "evaluation loss" if spike.series == "eval/loss" else "loss"
    place = f"{number(at.value)} at {run.record.axis} {at.step}"
    says = f"{name} is {place}, expected {number(at.expected)}: robust z {number(at.z, 2)}"
    if spike.other_rise is not None:
        says += f"; the evaluation loss rose by {number(spike.other_rise)} at the same {run.record.axis}"
    if spike.gradient_z is not None:
        says += "; the gradient norm stands out there too"
    end = (
        f"back at {run.record.axis} {at.recovered_step}"
        if at.recovered_step is not None
        else "the log ends before it is back"
    )
    rows = run.loss_rows if spike.series == "train/loss" else run.eval_rows
    source = rows.source(at.row) if rows is not None else None
    return Evidence(f"{says}; {end}", source, at.step, spike.series)


def _means(spike: Spike) -> str:
    lost = f"It undid {percent(min(spike.share_lost, 9.99))} of what had been gained."
    if spike.kind == "train-and-eval":
        text = (
            "Training and evaluation loss moved together, so it is the model's state or its evaluation, not one batch."
        )
    elif spike.kind == "with-gradient":
        text = "The gradient norm jumped at the same row: that batch, or the optimizer's answer to it, was unusual."
    elif spike.kind == "eval-only":
        text = "Only the evaluation moved."
    else:
        text = f"It lasted {count(spike.at.rows, 'row')}."
    return f"{text} {lost}"


def _settle(run: Measured, spike: Spike) -> str:
    if spike.decidable:
        return ""
    saved = [c for c in run.record.checkpoints if c.step == spike.at.step]
    where = f"checkpoint {spike.at.step}" + (f" (`{saved[0].path}`)" if saved else ", if it was saved")
    return (
        f"Undecidable from the log; re-evaluate {where}: about {number(spike.at.expected)} means an artefact of that "
        f"evaluation, about {number(spike.at.value)} a true excursion of the weights"
    )


RULE = Rule(
    code="LOS205",
    slug="loss-spike",
    severity=Severity.WARNING,
    needs=("train/loss", "eval/loss", "train/grad_norm"),
    check=check,
    thresholds=(
        ROBUST_Z,
        APART,
        LONE_APART,
        LEVEL_SHARE,
        GAIN_SHARE,
        OTHER_GAIN_SHARE,
        EXCURSION_SHARE,
        MOST_SINGLE,
        GIANT_RATIO,
        GIANT_RISE,
    ),
)
