"""The evaluation loss rises beyond its error while the training loss falls.

## What it sees
The lowest evaluation, the evaluations after it, the error of a single evaluation (from the number of random crops where
that is known, else from the scatter around a falling-then-rising curve), and the training loss over the same steps.

## Why it matters
From the lowest evaluation on, further training costs time and makes the model worse on data that it does not train on.
An earlier checkpoint is better than the last one.

## What it does not mean
A gap between the two losses is no sign of it, however wide: memorised training rows with a level evaluation loss cost
nothing yet. A task metric that still improves says that the model has become over-confident, not worse at the task. A
single high evaluation, and two losses that rise together, are other symptoms.

## Example
Training 1.27 -> 0.10 while validation falls to 1.447 at step 1000 and rises to 2.673 at step 4500.

## Check it by hand
Evaluate the checkpoint of the lowest evaluation and the last one on the same evaluation rows with the same seed; the
last one's loss is higher on most rows.

## References
- Prechelt 1998, Early Stopping - But When?
- Guo et al. 2017, On Calibration of Modern Neural Networks: the loss rises while accuracy improves
"""

from __future__ import annotations

import math

import numpy as np

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.signals.evaluation_noise import ERROR_OF_CHANGE
from trainclinic.signals.generalisation import MIN_EVALUATIONS, SHARE, Generalisation
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Compare the evaluations after the best one with it."""
    found = run.generalisation
    if found is None:
        policy = run.record.get("eval/loss") is not None and run.objective.kind == "rl"
        return NotEvaluated("a loss whose level means progress (policy training)" if policy else "`eval/loss`")
    if found.state == "insufficient":
        return NotEvaluated(f"at least {MIN_EVALUATIONS} evaluations (this log has {found.step.size})")
    if found.state in ("rising", "rising-alone"):
        return _present(run, found)
    return Absent(_what_was_seen(run, found))


def _present(run: Measured, found: Generalisation) -> Present:
    last = int(found.step[-1])
    says = (
        f"evaluation loss rose from {number(found.best_loss)} at step {found.best_step:,} to "
        f"{number(float(found.evaluation[-1]))} at step {last:,}: {found.later_above} of "
        f"{found.step.size - 1 - found.best} later evaluations exceed it by more than "
        f"{number(ERROR_OF_CHANGE * found.noise.standard_error, 2)}"
    )
    evidence = [_at(run, found.best_step, says)]
    if found.state == "rising-alone":
        means = "No training loss is logged, so this may be overfitting or a run that gets worse altogether."
        return Present(tuple(evidence), means=means, settle="the training loss over the same steps")
    train = float(found.train[found.best])
    says = f"training loss went from {number(train)} to {number(train + found.train_change)} over the same steps"
    evidence.append(Evidence(says, series="train/loss", step=found.best_step))
    means = f"The checkpoint of step {found.best_step:,} generalises better than the last one."
    metric = found.metric
    if metric is not None:
        verb = "improved" if metric.improved else "did not improve beyond its noise"
        change = f"{number(metric.at_best)} at step {found.best_step:,}, {number(metric.at_end)} at the end"
        says = f"`{metric.name}` {verb}: {change}"
        evidence.append(Evidence(says, series=metric.name, step=found.best_step))
        if metric.improved:
            means = f"The model became over-confident, not worse at its task: `{metric.name}` still improved."
    milder = Severity.NOTE if metric is not None and metric.improved else None
    return Present(tuple(evidence), means=means, severity=milder)


def _what_was_seen(run: Measured, found: Generalisation) -> tuple[Evidence, ...]:
    last = int(found.step[-1])
    level = number(float(found.evaluation[-1]))
    lowest = f"the lowest is {number(found.best_loss)} at step {found.best_step:,}"
    if found.state == "rising-together":
        says = f"evaluation loss is {level} at step {last:,}, {lowest}, but the training loss did not fall meanwhile"
    elif found.best_step == last:
        says = f"evaluation loss is lowest at the last evaluation, {level} at step {last:,}"
    else:
        says = f"evaluation loss is {level} at step {last:,}, {lowest}: no rise beyond its error"
    return (_at(run, last, says), *_gap(found))


def _gap(found: Generalisation) -> tuple[Evidence, ...]:
    rows = np.flatnonzero(np.isfinite(found.gap))
    if rows.size < 2:
        return ()
    last = int(rows[-1])
    widest = int(rows[np.argmax(found.gap[rows])])
    gap, train = float(found.gap[last]), float(found.train[last])
    if gap < 0:
        says = f"it is {number(-gap, 3)} below the training loss at step {int(found.step[last]):,}"
        return (Evidence(says, series="eval/loss", step=int(found.step[last])),)
    share = f", {percent(gap / train)} of the training loss" if train > 0 and math.isfinite(gap / train) else ""
    says = f"the gap to the training loss is {number(gap, 3)} at step {int(found.step[last]):,}{share}"
    if float(found.gap[widest]) - gap > ERROR_OF_CHANGE * float(found.gap_error[last]):
        says += f"; it was {number(float(found.gap[widest]), 3)} at step {int(found.step[widest]):,} and shrank"
    elif found.state == "memorising":
        says += ": the training rows are memorised while the evaluation loss holds its level"
    return (Evidence(says, series="eval/loss", step=int(found.step[last])),)


def _at(run: Measured, step: int, says: str) -> Evidence:
    return Evidence(says, run.eval_rows.source_at(step) if run.eval_rows is not None else None, step, "eval/loss")


RULE = Rule(
    code="EVA502",
    slug="rising-eval-loss",
    severity=Severity.WARNING,
    needs=("eval/loss", "train/loss"),
    check=check,
    thresholds=(
        Threshold("rise", ERROR_OF_CHANGE, "standard errors", "noise around a level exceeds it in 1 run of 20"),
        Threshold("rise at the end", SHARE, "share of the lowest", "checkpoints within 1 % of each other serve alike"),
        Threshold("evaluations", MIN_EVALUATIONS, "1", "with fewer one odd evaluation makes a minimum"),
    ),
)  # fmt: skip
