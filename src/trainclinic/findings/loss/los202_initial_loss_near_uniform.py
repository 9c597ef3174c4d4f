"""The first loss is that of a model that knows nothing.

## What it sees
The first logged loss lies between 0.3 nats below and 0.7 nats above ln V, V being the rows of the output embedding.

## Why it matters
ln V is the loss of guessing every token alike. For a run that should start from a pretrained model it says that the
weights which reached the loss are not the pretrained ones.

## What it does not mean
For a model that is trained from scratch this is the right place to start: a note, and not even that for vocabularies so
small (characters) that no pretrained model has them. It does not say that the
data is bad: any data gives ln V when the model guesses.

## Example
`{"step": 1, "loss": 10.75}` for GPT-2 with LoRA: ln 50,257 = 10.82.

## Check it by hand
Search the log for "newly initialized". Compare a weight of the loaded model with the file it came from, above all the
output embedding.

## References
- Uniform level: cross-entropy of the uniform distribution over V classes is ln V
- nanoGPT README: training from scratch starts at about ln 50,304 = 10.8
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present, Severity, Verdict
from trainclinic.findings.loss_levels import first_loss_evidence, not_a_token_loss, uniform_level
from trainclinic.signals.initial_loss import ABOVE_UNIFORM, UNIFORM_HALF_WIDTH
from trainclinic.signals.measured import Measured

BELOW = Threshold("distance below ln V", UNIFORM_HALF_WIDTH, "nats", "sampling error of one batch is below 0.1")
ABOVE = Threshold("distance above ln V", ABOVE_UNIFORM, "nats", "random logits add half their variance, 0.0-0.2")
SMALL_VOCABULARY = Threshold(
    "smallest vocabulary", 1_000, "tokens", "no published pretrained model has fewer, but for those that read bytes"
)


def check(run: Measured) -> Verdict:
    """Look whether the first loss lies around ln V."""
    if refusal := not_a_token_loss(run):
        return refusal
    initial, baselines = run.initial_loss, run.baselines
    if initial is None or baselines is None:
        return NotEvaluated(missing="a loss from the beginning of the run")
    if baselines.uniform is None or baselines.vocabulary is None:
        return NotEvaluated(missing="the vocabulary size (`config.json` of the model, or its name)")
    uniform = uniform_level(run, baselines.vocabulary, baselines.uniform)
    evidence = first_loss_evidence(run, initial, uniform)
    if not -BELOW.value < initial.value - baselines.uniform <= ABOVE.value:
        return Absent((evidence,))
    start = run.objective.started_from
    if start != "pretrained" and baselines.vocabulary < SMALL_VOCABULARY.value:
        return Absent((evidence,))
    if start == "scratch":
        means = "The run starts from fresh weights, and this is where fresh weights start."
        return Present((evidence,), means, severity=Severity.NOTE)
    settle = "Search the log for `newly initialized`, and compare the output embedding with the checkpoint's"
    if start == "pretrained":
        means = (
            f"Pretrained weights are claimed ({run.objective.start_reason}), but the model guesses like a fresh one."
        )
        small = baselines.vocabulary < SMALL_VOCABULARY.value
        return Present((evidence,), means, settle, severity=Severity.WARNING if small else None)
    means = "Right for a model trained from scratch; with pretrained weights it would mean that they were not used."
    return Present((evidence,), means, settle, severity=Severity.WARNING)


RULE = Rule(
    code="LOS202",
    slug="initial-loss-near-uniform",
    severity=Severity.HARMFUL,
    needs=("train/loss", "eval/loss", "vocabulary_size", "model_name"),
    check=check,
    thresholds=(BELOW, ABOVE, SMALL_VOCABULARY),
)
