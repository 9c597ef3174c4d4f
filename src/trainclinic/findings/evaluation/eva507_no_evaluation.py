"""The log has no evaluation on data that is not trained on.

## What it sees
Training rows, but no evaluation loss and no evaluation metric.

## Why it matters
A falling training loss cannot tell learning from memorising. Without held-out data nobody can say which checkpoint is
the best one, when the run should have stopped, or whether the model became worse.

## What it does not mean
It is no fault of the run and no sign that anything is wrong with the model. Short runs, policy training (which is
judged by its reward) and single-pass training on fresh rows can do without.

## Example
`{"step": 10, "loss": 2.1}`, `{"step": 20, "loss": 2.0}` and no `eval_loss` anywhere.

## Check it by hand
Search the log for `eval_loss` or `val loss`; then evaluate the saved checkpoints on 200 held-out rows.

## References
- transformers, `TrainingArguments.eval_strategy`: `no` by default
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.signals.evaluation_metrics import direction
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Look for any series that was measured on held-out data."""
    names = [name for name in run.record.series if _is_evaluation(name) and run.record.get(name) is not None]
    if names:
        series = run.record.series[names[0]]
        return Absent((Evidence(f"`{names[0]}` has {count(len(series), 'row')}", series.source(0), series=names[0]),))
    train = run.record.get("train/loss")
    if train is None:
        return NotEvaluated("`train/loss` or `eval/loss`")
    if run.objective.kind == "rl":
        return NotEvaluated("an objective that is judged by held-out data (this is policy training)")
    says = f"{count(len(train), 'training row')} up to step {int(train.step[-1]):,} and no evaluation"
    evidence = [Evidence(says, train.source(-1), int(train.step[-1]), "train/loss")]
    strategy = run.record.facts.get("evaluation_strategy")
    if strategy is not None:
        evidence.append(Evidence(f"the evaluation strategy is `{strategy.value}`", strategy.source))
    return Present(tuple(evidence), means="Whether the model generalises cannot be read from this log.")


def _is_evaluation(name: str) -> bool:
    return name.startswith("eval/") or direction(name) != 0


RULE = Rule(
    code="EVA507",
    slug="no-evaluation",
    severity=Severity.NOTE,
    needs=("train/loss", "eval/loss"),
    check=check,
)
