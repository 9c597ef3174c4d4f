"""The loss is flat at exactly the entropy of the data's word frequencies.

## What it sees
The level of the plateau lies within 0.15 nats of the unigram entropy of the training targets. The entropy is measured
on the data; without the data this rule does not answer.

## Why it matters
That entropy is what a table of token frequencies scores. A model that stops there uses no context at all, however long
it is trained.

## What it does not mean
It does not say why the context is not used. Two quite different histories end here: targets that do not belong to
their positions (then the *first* loss is far too high), and weights ruined in the first steps (then the first loss is
normal and the loss jumps during warm-up).

## Example
Plateau 6.625, unigram entropy of the training split 6.538.

## Check it by hand
Generate from the model: frequent words in no order. Compute the loss at label offsets 0-3 on one batch.

## References
- Measured: double-shifted GPT-2 with LoRA ends 0.09 nats above the unigram entropy of its data
- Miller and Madow (1955): bias of the plug-in entropy
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.findings.loss_levels import curve, evidence_at, no_course, not_a_token_loss
from trainclinic.signals.measured import Measured
from trainclinic.signals.plateau_place import UNIGRAM_HALF_WIDTH

ROWS = Threshold("rows", 5, "rows", "a beginning and at least three rows of plateau")
WIDTH = Threshold("distance from the unigram entropy", UNIGRAM_HALF_WIDTH, "nats", "0.09 was measured for such a model")


def check(run: Measured) -> Verdict:
    """Compare the level of the plateau with the unigram entropy of the data."""
    refusal = not_a_token_loss(run) or no_course(run, int(ROWS.value))
    if refusal:
        return refusal
    trend, series, entropy = run.trend, curve(run), run.unigram_entropy
    if entropy is None:
        return NotEvaluated(missing="the training data, to measure the unigram entropy of its targets")
    if trend is None or series is None or trend.plateau is None:
        return Absent((Evidence("the loss has no plateau"),))
    plateau = trend.plateau
    begins = f"{run.record.axis} {plateau.start_step}"
    says = f"plateau {number(plateau.level)} from {begins}, unigram entropy {number(entropy)}"
    evidence = evidence_at(series, plateau.start_step, says)
    if abs(plateau.level - entropy) >= WIDTH.value:
        return Absent((evidence,))
    high = run.initial_loss is not None and run.initial_loss.value > entropy + 1.0
    means = "The model makes no use of its context." + (
        " The first loss was already worse than word frequencies, so the fault was there before the first step."
        if high
        else ""
    )
    return Present((evidence,), means, "Compute the loss at label offsets 0-3 on one batch of the training data")


RULE = Rule(
    code="LOS209",
    slug="plateau-at-unigram-entropy",
    severity=Severity.HARMFUL,
    needs=("train/loss", "the training data"),
    check=check,
    thresholds=(ROWS, WIDTH),
)
