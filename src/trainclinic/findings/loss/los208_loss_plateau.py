"""The loss is flat over a long last stretch, at a level where that is not what success looks like.

## What it sees
Over the last 30 % of the run or more nothing is gained: the fall that an autocorrelation-aware line allows is below 5 %
of the whole fall and 3 % of the level. The level is then compared with what is known: word frequencies, uniform
guessing, the ends of other fine-tunes of the same model. A flat stretch inside the normal range is convergence, and
absent here.

## Why it matters
Steps cost time and bring nothing. At the wrong level the model is not learning the task.

## What it does not mean
It is not a "local minimum": high-dimensional losses have hardly any. Whether the level is wrong matters more than that
it is flat. With the learning rate at its end a flat stretch is the schedule's doing, and only a note.

## Example
6.581, 6.651, 6.642 at steps 1000, 1500 and 2500 after 9.227 at step 0.

## Check it by hand
Compute the unigram entropy of your targets: a plateau at it means that the model makes no use of the context.

## References
- Effective sample size under AR(1): n (1 - phi) / (1 + phi); size of the test 0.05-0.08 at nominal 0.05 (measured)
- Levels of other fine-tunes and their sources: `signals/reference_losses.json`
"""

from __future__ import annotations

from dataclasses import replace

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, Present, Severity, Verdict
from trainclinic.catalogue.wording import number, percent
from trainclinic.findings.loss_levels import curve, evidence_at, no_course
from trainclinic.signals.measured import Measured
from trainclinic.signals.plateau_place import PlateauPlace, place_plateau
from trainclinic.signals.trend import PLATEAU_SHARE, Plateau, Trend

ROWS = Threshold("rows", 5, "rows", "a beginning and at least three rows of plateau")
SHARE = Threshold("length of the plateau", PLATEAU_SHARE, "1", "shorter flat stretches are pauses of a descent")
UNPLACED_ROWS = Threshold("rows where no level is known", 20, "rows", "a few rows in a row are no course of a run")
UNPLACED_SHARE = Threshold("the same where no level is known", 0.75, "1", "healthy fine-tunes still gain after that")
RATE_LEFT = Threshold("summed learning rate along it", 0.6, "1", "less, and the schedule explains the flatness")
LOW_LEVEL = Threshold("level where none is known", 2.5, "nats", "most fine-tunes that converge end below")

APART = Threshold("distance of the end from the level", 0.3, "nats", "the run has left the level, and is not at it")
NEAR_NOTHING = Threshold("least level where none is known", 0.1, "nats", "below it flatness is the end of learning")

_MEANS = {
    "unigram": "The level is the unigram entropy of the data: no use is made of the context.",
    "typical-unigram": "The level is that of word frequencies in ordinary text: as if no use were made of the context.",
    "uniform": "The level is that of guessing every token alike: nothing has been learned.",
    "above-reference": "Fine-tunes of this model end far lower.",
    "learning-rate-exhausted": "The learning rate was at its end by then, so this is the schedule's doing.",
    "unplaced": "No known level to compare with: either the run has converged, or it is not learning.",
}


def check(run: Measured) -> Verdict:
    """Find the plateau and place its level."""
    if refusal := no_course(run, int(ROWS.value)):
        return refusal
    trend, series = run.trend, curve(run)
    if trend is None or series is None or trend.plateau is None:
        return Absent(
            () if trend is None else (Evidence(f"the loss still changes at the end, at {number(trend.last)}"),)
        )
    plateau = trend.plateau
    place = place_plateau(run, plateau)
    says = (
        f"loss stays at {number(plateau.level)} from {run.record.axis} {plateau.start_step} to {plateau.end_step}, "
        f"{percent(plateau.share)} of the run"
    )
    evidence = evidence_at(series, plateau.start_step, says)
    never_fell = run.initial_loss is not None and plateau.fall <= max(0.02 * abs(plateau.level), 3 * trend.noise)
    if place.place == "within-reference" or never_fell or not _counts(place, plateau, trend.rows):
        return Absent((replace(evidence, says=f"{says}: {_no_plateau(place, plateau, trend, never_fell=never_fell)}"),))
    more = [Evidence(_compared(place))] if place.against is not None else []
    settle = (
        ""
        if place.place in ("unigram", "learning-rate-exhausted")
        else "Compute the entropy of the label tokens' frequencies, and compare it"
    )
    return Present((evidence, *more), _MEANS[place.place], settle, severity=_severity(run, place, plateau))


def _no_plateau(place: PlateauPlace, plateau: Plateau, trend: Trend, *, never_fell: bool) -> str:
    """Why a flat stretch is none."""
    if abs(trend.last - plateau.level) > max(APART.value, 3 * trend.noise):
        return f"the run leaves it and ends at {number(trend.last)}"
    if place.place == "within-reference":
        return "where fine-tunes of this model end"
    if never_fell:
        return "it had not fallen before"
    if place.sum_left is not None and place.sum_left < RATE_LEFT.value:
        return "the learning rate was near its end by then"
    return "no longer than converged runs are flat"


def _counts(place: PlateauPlace, plateau: Plateau, rows: int) -> bool:
    if place.place != "unplaced":
        return True
    alive = place.sum_left is None or place.sum_left >= RATE_LEFT.value
    long = rows >= UNPLACED_ROWS.value and plateau.share >= UNPLACED_SHARE.value
    return long and alive and plateau.level > NEAR_NOTHING.value


def _compared(place: PlateauPlace) -> str:
    level = number(place.against or 0.0, 3)
    names = {
        "unigram": f"the unigram entropy of the training targets is {level}",
        "typical-unigram": f"word frequencies alone score about {level} on ordinary text",
        "uniform": f"uniform guessing scores {level}",
        "above-reference": f"the highest usual end for this model is {level}",
    }
    return names[place.place]


def _severity(run: Measured, place: PlateauPlace, plateau: Plateau) -> Severity | None:
    if place.place == "learning-rate-exhausted":
        return Severity.NOTE
    if place.place == "unplaced":
        judged = run.objective.is_language_model is not False and plateau.level > LOW_LEVEL.value
        return None if judged else Severity.NOTE
    return None


RULE = Rule(
    code="LOS208",
    slug="loss-plateau",
    severity=Severity.WARNING,
    needs=("train/loss", "train/learning_rate", "model_name", "vocabulary_size"),
    check=check,
    thresholds=(ROWS, SHARE, UNPLACED_ROWS, UNPLACED_SHARE, RATE_LEFT, LOW_LEVEL, NEAR_NOTHING),
)
