"""The first loss is higher than that of guessing every token alike.

## What it sees
The first logged loss (of the training, or of an evaluation before it) is more than 0.7 nats above ln V, V being the
rows of the output embedding.

## Why it matters
A model that knows nothing scores ln V. To be worse than that it must be confident and wrong: it puts its probability on
tokens that do not come. From there training first has to unlearn.

## What it does not mean
It does not mean that the learning rate is too high: no step has been taken yet. Encoder-decoders trained on span
corruption alone (T5 v1.1, mT5) start at 10-30 in good health, and a model that is trained from scratch with a large
initialisation also starts above ln V and recovers.

## Example
`{"step": 1, "loss": 15.40}` for a Llama-3 model: ln 128,256 = 11.76.

## Check it by hand
Compute the loss of the untouched base model on one batch with your own labels, then once more with the labels moved by
one position in either direction. Compare the largest label id with the rows of `lm_head`.

## References
- Uniform level: cross-entropy of the uniform distribution over V classes is ln V
- google/gemma resize, huggingface/transformers#29219: hundreds of nats from uninitialised rows
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present, Severity, Verdict
from trainclinic.findings.loss_levels import first_loss_evidence, not_a_token_loss, uniform_level
from trainclinic.signals.initial_loss import ABOVE_UNIFORM
from trainclinic.signals.measured import Measured

MARGIN = Threshold(
    "excess over ln V", ABOVE_UNIFORM, "nats", "fresh heads start 0.0-0.2 above ln V; leave room for noise"
)


def check(run: Measured) -> Verdict:
    """Compare the first loss with ln V."""
    if refusal := not_a_token_loss(run):
        return refusal
    initial, baselines = run.initial_loss, run.baselines
    if initial is None or baselines is None:
        return NotEvaluated(missing="a loss from the beginning of the run")
    if baselines.uniform is None or baselines.vocabulary is None:
        return NotEvaluated(missing="the vocabulary size (`config.json` of the model, or its name)")
    uniform = uniform_level(run, baselines.vocabulary, baselines.uniform)
    evidence = first_loss_evidence(run, initial, uniform)
    reference = baselines.reference.start if baselines.reference is not None else None
    if initial.value <= baselines.uniform + MARGIN.value or (reference is not None and initial.value <= reference[1]):
        return Absent((evidence,))
    if run.objective.started_from == "scratch":
        means = "The fresh weights give large logits. Training recovers from that, at the cost of its first steps."
        return Present((evidence,), means, severity=Severity.NOTE)
    means = "The model is confident of tokens that do not come: it is worse than one that knows nothing."
    settle = "Score the untouched base model on one batch of your data, with its own loss function"
    sure = run.objective.started_from == "pretrained" and run.objective.kind == "causal-lm"
    return Present((evidence,), means, settle, severity=None if sure else Severity.WARNING)


RULE = Rule(
    code="LOS201",
    slug="initial-loss-above-uniform",
    severity=Severity.HARMFUL,
    needs=("train/loss", "eval/loss", "vocabulary_size", "model_name"),
    check=check,
    thresholds=(MARGIN,),
)
