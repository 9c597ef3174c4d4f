"""Training and evaluation loss fall to almost zero together.

## What it sees
The training loss begins ten times above its end and ends below 0.1 nats per token, and the last evaluation loss lies
below 0.1 too.

## Why it matters
Memorised rows cost nothing, held-out rows still do: text has an entropy. When both cost nothing, the held-out rows are
not held out (they are in the training set), or the answer is visible to the model in both (a leaking mask, targets that
copy the input, trivial targets).

## What it does not mean
It is no excellent model: generate from it, and the text is usually wrong. It does not say which of these it is, and
classifiers and preference losses, which may reach zero, are not judged.

## Example
Train 0.021 and evaluation 0.024 at step 2,000, after 10.7 at step 0.

## Check it by hand
Score random tokens: no intact model gets below ln V on them. Search the evaluation rows in the training file.

## References
- https://github.com/karpathy/minGPT/issues/75
- https://github.com/huggingface/transformers/issues/48745
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.findings.loss_levels import evidence_at, no_course
from trainclinic.signals.measured import Measured

NEAR_ZERO = Threshold("level at the end", 0.1, "nats", "90 % probability on every token; text costs 0.5 and more")
RATIO = Threshold("start over end", 10.0, "1", "a loss that was always small is another finding")
ORDINARY = ("classification", "vision", "preference", "reward", "regression", "diffusion", "speech")
ROWS = 4


def check(run: Measured) -> Verdict:
    """Compare both ends with zero."""
    if run.objective.kind in ORDINARY:
        return NotEvaluated(
            missing=f"a loss with an entropy floor; that of the kind `{run.objective.kind}` may reach zero"
        )
    if refusal := no_course(run, ROWS):
        return refusal
    trend, train, held_out = run.trend, run.loss_rows, run.eval_rows
    if held_out is None or trend is None or train is None or trend.series != "train/loss":
        return NotEvaluated(missing="`eval/loss` beside `train/loss`")
    last = float(held_out.value[-1])
    evidence = (
        evidence_at(train, trend.last_step, f"training loss falls from {number(trend.first)} to {number(trend.last)}"),
        evidence_at(held_out, int(held_out.step[-1]), f"evaluation loss ends at {number(last)}"),
    )
    low = max(trend.last, last) < NEAR_ZERO.value
    fell = max(trend.first, trend.start) >= RATIO.value * max(trend.last, 1e-9)
    return Present(evidence) if low and fell else Absent(evidence)


RULE = Rule(
    code="LOS223",
    slug="joint-fall-to-zero",
    severity=Severity.NOTE,
    needs=("train/loss", "eval/loss"),
    check=check,
    thresholds=(NEAR_ZERO, RATIO),
    since="0.2",
)
