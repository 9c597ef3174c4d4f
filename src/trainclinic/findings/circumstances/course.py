"""Circumstances of the course of a run: accumulation, resumes, passes over the data, phases of the schedule."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.circumstance import Circumstance
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Verdict
from trainclinic.catalogue.wording import count, number
from trainclinic.findings.stated import absent, more_than_one, other_settings, present, shown
from trainclinic.signals.measured import Measured
from trainclinic.signals.nan_filter_context import accumulation_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHARING = ("tensor_parallel_processes", "pipeline_parallel_processes", "sequence_parallel_processes")
ONE_PASS = 1.001
"""Epochs that a log of one pass may print: the last row's position is rounded up."""
STABLE_SCHEDULES = ("wsd", "stable", "trapez", "constant_with_cooldown", "infinite")


def _accumulates(run: Measured) -> Verdict:
    stated = more_than_one(run, "accumulation_steps")
    if stated is not None:
        return stated
    facts = run.record.facts
    steps, total, ranks = accumulation_of(run), facts.get("global_batch_size"), facts.get("world_size")
    if steps is not None and ranks is not None:  # processes that share a model do not share the batch
        steps *= max(1, int(math.prod(max(1.0, facts.number(name) or 1.0) for name in SHARING)))
    if steps is not None and total is not None and (steps == 1 or ranks is not None):
        evidence = (shown(total, f"{steps} micro-batches per optimizer step"),)
        return Present(evidence) if steps > 1 else Absent(evidence)
    return NotEvaluated("micro-batches per optimizer step (`gradient_accumulation_steps`)")


def _continued(run: Measured) -> Verdict:
    told = _told_to_continue(run)
    if told is not None:
        return told
    history = run.resume
    if history is None:
        return NotEvaluated("rows of the log, or whether the run goes on from a checkpoint")
    for point in history.points:
        if point.how != "restart" and not point.is_copy:
            return Present((Evidence(f"the log goes on again from step {point.step:,}", step=point.step),))
    if history.start_step is not None:
        says = f"the log begins at step {history.start_step:,}"
        return Present((Evidence(says, step=history.start_step),))
    if not _begins(run):
        return NotEvaluated("steps or epochs of the rows: where the log begins")
    return Absent((Evidence(f"{count(history.rows, 'row')} in one pass from the first step on"),))


def _told_to_continue(run: Measured) -> Present | None:
    """A message of the log or a setting that says so."""
    record = run.record
    for event in record.events_of("resume"):
        return Present((Evidence(f"the log says: {event.says[:100].rstrip('. ')}", event.source, event.step),))
    start, told = record.facts.get("start_step"), record.facts.get("resume_from")
    if told is not None:
        return present(told)
    if start is not None and float(start.value) > 0:
        return present(start)
    for fact in other_settings(run, "init_from"):
        if str(fact.value).lower() == "resume":
            return present(fact)
    return None


def _begins(run: Measured) -> bool:
    """Whether the rows say that the log begins where the run began: rows without steps may continue anything."""
    epoch = run.record.get("train/epoch")
    return run.record.axis != "row" or (epoch is not None and float(epoch.value[0]) < 1.0)


def _repeated(run: Measured) -> Verdict:
    epochs = run.record.get("train/epoch")
    finite = epochs.finite() if epochs is not None else None
    reached = _passes(finite.value) if finite is not None and len(finite) else None
    if finite is not None and reached is not None:
        row = int(np.argmax(finite.value))
        says = f"the epoch column reaches {number(float(finite.value[row]))}"
        seen = Evidence(says, finite.source(row), int(finite.step[row]), "train/epoch")
        return Present((seen,)) if reached > ONE_PASS else Absent((seen,))
    final, planned = run.record.facts.get("final_epoch"), run.record.facts.get("planned_epochs")
    if final is not None:
        return present(final) if float(final.value) > ONE_PASS else absent(final)
    if planned is not None and ("planned_steps" not in run.record.facts or float(planned.value) <= 1):
        return present(planned) if float(planned.value) > 1 else absent(planned)
    return NotEvaluated("passes over the data (the epoch of the rows, `num_train_epochs`)")


def _passes(epochs: NDArray[np.float64]) -> float | None:
    """Passes that an epoch column covers: fractions say it; whole numbers count passes from 0 or from 1."""
    low, high = float(epochs.min()), float(epochs.max())
    if np.any(epochs != np.round(epochs)) or low == high == 1.0:
        return high
    return high + 1.0 if low == 0.0 and high > 0 else high if high > 1 else None


def _decay_phase(run: Measured) -> Verdict:
    stated = run.record.facts.get("schedule")
    for fact in other_settings(
        run, "stable_until", "num_stable_steps", "decay_start", "num_decay_steps", "stable_steps"
    ):
        return present(fact)
    if stated is not None:
        named = any(word in str(stated.value).lower() for word in STABLE_SCHEDULES)
        return present(stated) if named else absent(stated)
    fit = run.schedule
    best = fit.best if fit is not None else None
    if fit is None or best is None or fit.phase != "decay":
        return NotEvaluated("the learning-rate schedule, or its rows until it decays")
    seen = Evidence(
        f"the learning rate follows `{best.name}` over {count(fit.rows, 'row')}", series="train/learning_rate"
    )
    stable = best.decay_start > best.warmup
    if stable is not any(one.schedule.decay_start > one.schedule.warmup for one in fit.natural):
        return NotEvaluated("the configured schedule: several shapes fit the rows")
    return Present((seen,)) if stable else Absent((seen,))


CIRCUMSTANCES: tuple[Circumstance[Measured], ...] = (
    Circumstance(
        code="CIR912",
        slug="gradient-accumulation",
        title="An optimizer step sums several micro-batches.",
        matters="Sums in place of means, and means of means, need more than one.",
        needs=("accumulation_steps", "global_batch_size", "micro_batch_size", "world_size"),
        check=_accumulates,
    ),
    Circumstance(
        code="CIR918",
        slug="continued-run",
        title="The run goes on from a checkpoint.",
        matters="What a resume can lose (weights, optimizer, order of the data) can be lost only there.",
        needs=("resume events", "resume_from", "start_step", "train/loss"),
        check=_continued,
    ),
    Circumstance(
        code="CIR922",
        slug="repeated-passes",
        title="The run reads its data more than once.",
        matters="Memorisation and steps at the end of a pass need a second pass.",
        needs=("train/epoch", "final_epoch", "planned_epochs"),
        check=_repeated,
    ),
    Circumstance(
        code="CIR937",
        slug="decay-phase-schedule",
        title="The learning rate stays high and decays at the end only.",
        matters="A marked drop of the loss in the last phase is then healthy.",
        needs=("schedule", "train/learning_rate"),
        check=_decay_phase,
    ),
)
