"""The first loss is impossible, or far too high, for the pretrained model that the run starts from.

## What it sees
The first logged loss lies more than 0.5 nats above the highest correct start that is known for this model (or for its
size class). Where the log does not say what it starts from, a first loss above 7 that falls below 2 within the run of a
fine-tuning tool (neither a pretrained nor a fresh model does that with correct targets), or one that is not made up for
at a learning rate below 4e-5, which only fine-tuning uses.

## Why it matters
An intact pretrained model predicts ordinary text at 1-4 nats per token. A table of word frequencies, with no model at
all, reaches about 6.5. A start above that says that what is scored is not the model's next-token prediction of this
text: the targets, the tokens or the weights are others than intended, and training then learns the wrong task.

## What it does not mean
It is not a "baseline" and not a matter of the learning rate: no step has been taken yet. It does not mean that the data
is of poor quality; noise in text costs a few tenths of a nat. A first row after ten steps is a mean and only a lower
bound.

## Example
`step 0: train loss 9.2270` with `model_type = gpt2`: GPT-2 124M starts at 3.6 on such text.

## Check it by hand
Run the untouched base model on one batch and compute the cross-entropy of logits and labels at offsets 0, 1, 2 and 3.
Offset 1 must be the lowest and equal to the loss that your script reports.

## References
- nanoGPT and llm.c READMEs: GPT-2 124M at 3.12 (OpenWebText) and 5.3 (64-token windows of Shakespeare)
- LitGPT fine-tuning table: 7B decoders between 0.8 and 1.1 on Alpaca
- The table with all sources: `signals/reference_losses.json`
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.findings.loss_levels import first_loss_evidence, is_fine_tuning_tool, not_a_token_loss
from trainclinic.signals.first_value import GENTLE as GENTLE_RATE
from trainclinic.signals.first_value import gentle_peak
from trainclinic.signals.initial_loss import InitialLoss
from trainclinic.signals.loss_baselines import TYPICAL_UNIGRAM, Baselines
from trainclinic.signals.measured import Measured
from trainclinic.signals.reference_losses import Reference

MARGIN = Threshold("excess over the known start", 0.5, "nats", "foreign text, template tokens and short windows")
HIGH = Threshold("first loss of an unknown start", 7.0, "nats", "above the frequency table of any word-piece text")
MOST = Threshold(
    "most for an unknown objective", 13.0, "nats", "above ln of every vocabulary the loss may be of another kind"
)
GENTLE = Threshold(
    "peak learning rate", GENTLE_RATE, "1", "below the default of the tools; from scratch takes ten times as much"
)
FAR_BELOW = Threshold(
    "later loss over word frequencies", 0.5, "1", "targets of another position are not predicted half that well"
)
LOW = Threshold("later loss of an unknown start", 2.0, "nats", "out of reach for a model trained from scratch here")


def check(run: Measured) -> Verdict:
    """Compare the first loss with the known start of the pretrained model."""
    if refusal := not_a_token_loss(run):
        return refusal
    initial, baselines = run.initial_loss, run.baselines
    if initial is None or baselines is None:
        return _behind_the_filter(run) or NotEvaluated(missing="a loss from the beginning of the run")
    if run.objective.started_from == "scratch":
        return NotEvaluated(missing="a pretrained model to compare with; this run starts from fresh weights")
    reference = baselines.reference
    if reference is None or reference.start is None:
        return _without_reference(run, initial)
    known = f"{reference.title} starts at {number(reference.start[0], 2)}-{number(reference.start[1], 2)}"
    evidence = first_loss_evidence(run, initial, f"where {known} ({reference.source})")
    if initial.value <= reference.start[1] + MARGIN.value:
        return Absent((evidence,))
    return _present(evidence, initial, baselines, reference, lowest=_lowest(run))


def _behind_the_filter(run: Measured) -> Absent | None:
    """An ordinary start, when the first row was made by the filter of non-finite losses and can be inverted."""
    filtered, baselines = run.nan_filter, run.baselines
    reference = baselines.reference if baselines is not None else None
    if filtered is None or not filtered.windows or filtered.windows[0].row != 0 or reference is None:
        return None
    window = filtered.windows[0]
    if window.best is None or reference.start is None or window.best.mean_loss > reference.start[1] + MARGIN.value:
        return None
    known = f"{reference.title} starts at {number(reference.start[0], 2)}-{number(reference.start[1], 2)}"
    row = f"the row {number(window.logged)} at {run.record.axis} {window.step}"
    made = f"{row} was made by the filter of non-finite losses"
    says = f"{made}; the loss behind it is {number(window.best.mean_loss)}, where {known}"
    return Absent((Evidence(says, filtered.loss.source(0), window.step, "train/loss"),))


def _lowest(run: Measured) -> float:
    """The lowest level that was held, infinite when there is none."""
    return min(run.trend.last, run.trend.best) if run.trend is not None else float("inf")


def _present(
    evidence: Evidence, initial: InitialLoss, baselines: Baselines, reference: Reference, *, lowest: float
) -> Verdict:
    frequencies = baselines.unigram if baselines.unigram is not None else TYPICAL_UNIGRAM
    share = initial.standardised
    settle = "Compute the loss of the untouched model on one batch at label offsets 0-3: offset 1 must be the lowest"
    if initial.value <= frequencies:
        means = "Higher than this model scores on ordinary text, but still better than word frequencies."
        return Present((evidence,), means, settle, severity=Severity.WARNING)
    measured = "your data" if baselines.unigram is not None else "ordinary English"
    table = f"a table of word frequencies scores {number(frequencies, 3)} on {measured}"
    more = [Evidence(f"{table}, {number(initial.value - frequencies, 3)} nats better")]
    learned = lowest < FAR_BELOW.value * frequencies
    if share is not None and initial.reading == "misaligned-range" and not learned:
        more.append(
            Evidence(f"{percent(share)} of the way from word frequencies to uniform guessing: where targets of another "
                     "position put a sharp model")
        )  # fmt: skip
    means = f"Impossible for an intact {reference.title} on text: what is scored is not its next-token prediction."
    if learned:
        means += " It is learned far below word frequencies, as padding that is scored would be, among others."
    sure = not reference.generic or initial.value > frequencies + MARGIN.value
    return Present((evidence, *more), means, settle, severity=None if sure else Severity.WARNING)


def _without_reference(run: Measured, initial: InitialLoss) -> Verdict:
    trend = run.trend
    if run.objective.kind not in ("causal-lm", "unknown") or trend is None:
        return NotEvaluated(missing="the name of the pretrained model")
    tool = is_fine_tuning_tool(run)
    if not tool and run.objective.kind != "causal-lm":
        return NotEvaluated(missing="the name of the pretrained model")
    low = min(trend.last, trend.best)
    evidence = first_loss_evidence(
        run, initial, f"and the loss reaches {number(low)} by {run.record.axis} {trend.best_step}"
    )
    if initial.value <= HIGH.value:
        return NotEvaluated(missing="the name of the pretrained model")
    if low >= LOW.value:
        return _fine_tuned_gently(run, initial)
    if not tool:
        return NotEvaluated(missing="the name of the pretrained model")
    means = (
        "No correct start fits both ends: a pretrained model begins far lower, and a fresh one does not fall so far. "
        "Padding that is scored and quickly learned leaves this trace, among others."
    )
    settle = "Print the labels of one batch with their tokens, and the loss of the untouched model on it"
    return Present((evidence,), means, settle, severity=Severity.WARNING)


def _fine_tuned_gently(run: Measured, initial: InitialLoss) -> Verdict:
    """A high start that is not made up for, at a learning rate that only fine-tuning uses."""
    peak = gentle_peak(run)
    if peak is None or initial.value > MOST.value:
        return NotEvaluated(missing="the name of the pretrained model")
    evidence = first_loss_evidence(run, initial, f"with a learning rate of {number(peak, 2)} at most")
    means = (
        "At such a learning rate weights are fine-tuned, and no pretrained model starts that high with right targets."
    )
    settle = "Say which model the run starts from; fresh weights would explain the level, pretrained ones would not"
    return Present((evidence,), means, settle, severity=Severity.WARNING)


RULE = Rule(
    code="LOS203",
    slug="initial-loss-too-high",
    severity=Severity.HARMFUL,
    needs=("train/loss", "eval/loss", "model_name", "parameter_count"),
    check=check,
    thresholds=(MARGIN, HIGH, LOW, MOST, GENTLE, FAR_BELOW),
)
