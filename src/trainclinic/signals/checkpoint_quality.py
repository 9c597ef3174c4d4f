"""Which saved weights to keep, and which to distrust.

The best checkpoint is a set: evaluations within two standard errors of the lowest cannot be told apart. A checkpoint is
suspect where the log shows that something was wrong when it was saved; whether its weights really are bad only
an evaluation of it can tell. Without evaluations the training loss decides, which cannot see memorisation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainclinic.catalogue.wording import number
from trainclinic.signals.evaluation_noise import ERROR_OF_CHANGE, noise_of_curve

if TYPE_CHECKING:
    from trainclinic.record.parts import Checkpoint
    from trainclinic.record.series import Series
    from trainclinic.signals.measured import Measured
    from trainclinic.signals.spikes import Spike

Basis = Literal["eval/loss", "train/loss", "none"]

LOST_SHARE = 0.5
"""A checkpoint is suspect if half of all that the run had gained was lost there; smaller spikes are passing noise."""

LOST_RISE = 0.5
"""Nats that a spike of the training loss alone must have: one hard or long batch adds less to a logged row."""

MAX_EXPECTED = 200
"""Checkpoints expected from a saving interval or from evaluations, at most; a folder listing has no such limit."""


@dataclass(frozen=True, slots=True)
class JudgedCheckpoint:
    """One checkpoint, or one step at which weights may have been saved.

    Attributes:
        step: Step it was saved at.
        path: As the user would name it; empty when no checkpoint is known at that step.
        exists: Whether the weights were seen on disk; `None` when nothing says that any were saved.
        loss: Loss at that step on the basis that decides, `None` when it was not measured near it.
        suspect: Why it must not be used before it is re-evaluated; empty when nothing speaks against it.
    """

    step: int
    path: str
    exists: bool | None
    loss: float | None = None
    suspect: str = ""


@dataclass(frozen=True, slots=True)
class CheckpointQuality:
    """All checkpoints with a judgement.

    Attributes:
        judged: By ascending step.
        best: The lowest loss among those that are not suspect.
        equivalent: Steps of the checkpoints that cannot be told from the best, itself included.
        basis: What decides.
        band: Two standard errors of one measurement, in units of the loss.
        caveat: What the basis cannot see in this run; empty when nothing.
    """

    judged: tuple[JudgedCheckpoint, ...]
    best: JudgedCheckpoint | None
    equivalent: tuple[int, ...]
    basis: Basis
    band: float
    caveat: str = ""

    @property
    def suspects(self) -> tuple[JudgedCheckpoint, ...]:
        """Those that must be re-evaluated before use."""
        return tuple(one for one in self.judged if one.suspect)


def checkpoint_quality_of(run: Measured) -> CheckpointQuality | None:
    """Judge the checkpoints, or the evaluated steps when none are known; `None` when there is neither."""
    candidates = _candidates(run)
    if not candidates:
        return None
    basis, rows, band = _basis(run)
    reach = _reach(rows)
    judged = tuple(
        replace(one, loss=_loss_at(rows, one.step, reach), suspect=_suspicion(run, one.step)) for one in candidates
    )
    usable = [one for one in judged if not one.suspect and one.loss is not None]
    best = min(usable, key=lambda one: (one.loss, -one.step), default=None)
    limit = math.inf if best is None or best.loss is None else best.loss + band
    same = tuple(one.step for one in usable if one.loss is not None and one.loss <= limit)
    return CheckpointQuality(judged, best, same, basis, band, _caveat(run, basis, best))


def _candidates(run: Measured) -> list[JudgedCheckpoint]:
    known: dict[int, Checkpoint] = {}
    for one in run.record.checkpoints:
        if one.step not in known or (one.exists and not known[one.step].exists):
            known[one.step] = one
    if known:
        return [JudgedCheckpoint(step, known[step].path, known[step].exists) for step in sorted(known)]
    last = run.record.last_step
    every = run.record.facts.number("save_steps")
    if every and every >= 1 and last is not None and 1 <= last // every <= MAX_EXPECTED:
        return [JudgedCheckpoint(step, "", None) for step in range(int(every), last + 1, int(every))]
    rows = run.eval_rows
    if rows is None:
        return []
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MAX_EXPECTED)).astype(np.int64))
    steps = sorted({*rows.step[chosen].tolist(), int(rows.step[int(np.argmin(rows.value))])})
    return [JudgedCheckpoint(step, "", None) for step in steps if step > 0]


def _basis(run: Measured) -> tuple[Basis, Series | None, float]:
    found, rows = run.generalisation, run.eval_rows
    if found is not None and rows is not None:
        return "eval/loss", rows, ERROR_OF_CHANGE * found.noise.standard_error
    loss = run.loss_rows
    if loss is None or run.objective.kind == "rl":
        return "none", None, 0.0
    return "train/loss", loss, ERROR_OF_CHANGE * noise_of_curve(loss.value).standard_error


def _reach(rows: Series | None) -> float:
    """Steps that a measurement may lie away from a checkpoint: half an interval."""
    return float(np.median(np.diff(rows.step))) / 2 if rows is not None and len(rows) > 1 else 0.0


def _loss_at(rows: Series | None, step: int, reach: float) -> float | None:
    if rows is None:
        return None
    right = min(int(np.searchsorted(rows.step, step)), len(rows) - 1)
    near = min((max(right - 1, 0), right), key=lambda row: abs(int(rows.step[row]) - step))
    return float(rows.value[near]) if abs(int(rows.step[near]) - step) <= reach else None


def _suspicion(run: Measured, step: int) -> str:
    onset = run.onset
    if onset is not None and onset.persists:
        begin = onset.step if onset.exact_step is None else onset.exact_step
        if step >= begin:
            return f"saved at or after step {begin:,}, from which on training values are not finite"
    for spike in run.spikes.found if run.spikes is not None else ():
        end = math.inf if spike.at.recovered_step is None else spike.at.recovered_step
        evaluated = spike.kind in ("train-and-eval", "eval-only")
        lost = spike.kind != "single-row" and (evaluated or spike.at.rise >= LOST_RISE)
        if lost and spike.share_lost >= LOST_SHARE and spike.at.begin_step <= step < end:
            return _during(spike)
    found = run.generalisation
    if found is not None and found.state in ("rising", "rising-alone"):
        loss = _loss_at(run.eval_rows, step, _reach(run.eval_rows))
        limit = found.best_loss + ERROR_OF_CHANGE * found.noise.standard_error
        if step > found.best_step and loss is not None and loss > limit:
            lowest = f"{number(found.best_loss)} at step {found.best_step:,}"
            return f"evaluation loss {number(loss)} lies above its lowest, {lowest}, beyond noise"
    return ""


def _during(spike: Spike) -> str:
    which, other = ("evaluation", "training") if spike.series == "eval/loss" else ("training", "evaluation")
    says = (
        f"saved while the {which} loss was {number(spike.at.value)}, {number(spike.at.rise, 3)} above its surroundings"
    )
    if spike.other_rise is not None:
        says += f" (the {other} loss {number(spike.other_rise, 3)})"
    return says if spike.decidable else f"{says}; re-evaluate it: whether weights or measurement were off is open"


def _caveat(run: Measured, basis: Basis, best: JudgedCheckpoint | None) -> str:
    if basis == "none":
        return "no loss says which checkpoint is best; compare rewards or outputs"
    if basis == "train/loss":
        return "by training loss alone, which cannot tell learning from memorising"
    found = run.generalisation
    if found is not None and found.metric is not None and found.metric.improved and best is not None:
        return f"by evaluation loss; `{found.metric.name}` was still improving after step {found.best_step:,}"
    return ""
