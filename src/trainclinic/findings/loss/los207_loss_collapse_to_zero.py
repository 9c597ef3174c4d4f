"""The training loss falls to about zero.

## What it sees
The level at the end is below 0.02 nats, after a start at least ten times as high; or below 0.1 together with the loss
of held-out rows. Rows that a logging filter wrote as
exact zeros are not counted.

## Why it matters
Text has an entropy: a training loss near zero means that the training rows are known by heart, or that the answer is
visible where it is scored. Neither promises anything for new text.

## What it does not mean
It is not a sign of an excellent model, and not by itself a fault either: 25 passes over a small set do this on purpose.
Classifiers and policy losses reach zero in good health and are not judged; speech models on small sets often do.

## Example
Training loss 3.57 at step 10 and 0.0023 after 25 passes, with no evaluation.

## Check it by hand
Score held-out rows. Near zero there too: look for duplicates between the splits, or for answers that the model can see.
High there: the training set is memorised.

## References
- fast.ai, "Can LLMs learn from a single example?" (2023): memorisation within a few passes
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.findings.loss_levels import curve, evidence_at, no_course
from trainclinic.signals.measured import Measured

ROWS = Threshold("rows", 4, "rows", "a level, not a single row")
NEAR_ZERO = Threshold(
    "level at the end", 0.02, "nats", "98 % probability on every token; entropy of text is 0.5 and more"
)
BOTH_NEAR_ZERO = Threshold(
    "the same when held-out rows are below it too", 0.1, "nats", "nothing memorised explains those"
)
RATIO = Threshold("start over end", 10.0, "1", "a loss that was always small is another finding")
SURE_RATIO = Threshold("the same where the objective is unknown", 100.0, "1", "classifiers end at 1-3 % of their start")
ORDINARY = ("classification", "vision", "preference", "reward", "regression", "diffusion")


def check(run: Measured) -> Verdict:
    """Look at the level of the training loss at the end."""
    if refusal := no_course(run, int(ROWS.value)):
        return refusal
    trend, series = run.trend, curve(run)
    if run.objective.kind in ORDINARY:
        return NotEvaluated(
            missing=f"a loss with an entropy floor; that of the kind `{run.objective.kind}` may reach zero"
        )
    if trend is None or series is None or trend.series != "train/loss":
        return NotEvaluated(missing="`train/loss`")
    first = f"{number(trend.first)} at {run.record.axis} {trend.first_step}"
    says = f"loss falls from {first} to {number(trend.last)} at the end"
    surely_fell = trend.first >= SURE_RATIO.value * max(trend.last, 1e-9)
    limit = BOTH_NEAR_ZERO.value if _held_out_is_near_zero(run, surely_fell=surely_fell) else NEAR_ZERO.value
    if trend.last >= limit or trend.first < RATIO.value * max(trend.last, 1e-9):
        return Absent((Evidence(says),))
    evidence = [evidence_at(series, trend.last_step, says)]
    held_out = run.eval_rows
    once = _within_one_pass(run)
    means = (
        "Less than one pass over the data was made, so these are no rows known by heart: the answer is visible where "
        "it is scored, or much the same in every row."
        if once
        else "The training rows are known by heart, or the answer is visible where it is scored."
    )
    if held_out is not None and len(held_out):
        last = float(held_out.value[-1])
        evidence.append(evidence_at(held_out, trend.last_step, f"evaluation loss is {number(last)} at the end"))
        means = (
            "Held-out rows cost almost nothing either: look for rows in both splits, or for visible answers."
            if last < BOTH_NEAR_ZERO.value
            else "The training rows are known by heart, and held-out rows are not."
        )
    settle = (
        "Print the tokens and labels of one batch, and score it with the untouched model"
        if once
        else (
            ""
            if held_out is not None
            else "Score held-out rows: near zero there too means leaking, high means memorised"
        )
    )
    may_be_a_classifier = run.objective.kind == "unknown" and not surely_fell
    mild = run.objective.kind == "speech" or may_be_a_classifier
    return Present(tuple(evidence), means, settle, severity=Severity.NOTE if mild else None)


def _within_one_pass(run: Measured) -> bool:
    """Whether every row was seen once at most, by the logged epochs."""
    position, last = run.position, run.record.last_step
    per_epoch = position.steps_per_epoch if position is not None else None
    return per_epoch is not None and last is not None and last < per_epoch


def _held_out_is_near_zero(run: Measured, *, surely_fell: bool) -> bool:
    held_out = run.eval_rows
    tokens = run.objective.is_language_model is True or surely_fell
    return tokens and held_out is not None and float(held_out.value[-1]) < BOTH_NEAR_ZERO.value


RULE = Rule(
    code="LOS207",
    slug="loss-collapse-to-zero",
    severity=Severity.WARNING,
    needs=("train/loss", "eval/loss"),
    check=check,
    thresholds=(ROWS, NEAR_ZERO, BOTH_NEAR_ZERO, RATIO, SURE_RATIO),
)
