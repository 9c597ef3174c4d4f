"""The first loss is too low for text that the model has not seen.

## What it sees
The first logged loss of a language model is below 0.3 nats per token, before training can have had any effect.

## Why it matters
No pretrained model predicts new text that well. Either the answer is visible to the model where it is scored, or most
scored positions are trivial, or the model was trained on this data before. Training then has nothing to learn.

## What it does not mean
It is not a sign of a good model. It is normal for policy training (GRPO, PPO), whose loss is near zero by construction,
and for classifiers; those are not judged here. Code, tables and templates can be as low as 0.4.

## Example
`{"step": 1, "loss": 0.02}` for a LoRA fine-tune.

## Check it by hand
Print one batch with its labels: which tokens are scored, and are they the *next* ones? Generate from the untouched
model: if the text is wrong although the loss is near zero, the loss does not measure prediction.

## References
- Correct first losses: 1.0-2.5 for decoders of 1 B parameters and more (LitGPT, llama.cpp tables)
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number
from trainclinic.findings.loss_levels import first_loss_evidence, not_a_token_loss
from trainclinic.signals.initial_loss import ALMOST_ZERO
from trainclinic.signals.measured import Measured

LIMIT = Threshold("first loss", ALMOST_ZERO, "nats/token", "intact models start above 0.5 on text, 0.4 on templates")


def check(run: Measured) -> Verdict:
    """Compare the first loss with the least that new text can cost."""
    if refusal := not_a_token_loss(run):
        return refusal
    if run.objective.is_language_model is None:
        return NotEvaluated(missing="what the loss is a loss of (the model's name or `config.json`)")
    initial = run.initial_loss
    if initial is None:
        return NotEvaluated(missing="a loss from the beginning of the run")
    evidence = first_loss_evidence(run, initial, f"the least that new text costs is about {number(LIMIT.value, 1)}")
    if initial.at_start >= LIMIT.value:
        return Absent((evidence,))
    means = "The scored tokens cost almost nothing before any training: they are visible, trivial or already known."
    settle = "Print the labels of one batch with their tokens, and generate from the untouched model"
    return Present((evidence,), means, settle)


RULE = Rule(
    code="LOS204",
    slug="initial-loss-too-low",
    severity=Severity.WARNING,
    needs=("train/loss", "eval/loss", "objective"),
    check=check,
    thresholds=(LIMIT,),
)
