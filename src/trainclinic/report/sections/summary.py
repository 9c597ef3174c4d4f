"""The one paragraph that a person reads first, in plain words."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainclinic.catalogue.wording import count, words
from trainclinic.report.cause_wording import share
from trainclinic.report.evidence_lines import seen
from trainclinic.report.wording import planned, spoken

if TYPE_CHECKING:
    from trainclinic.findings.overall import Overall
    from trainclinic.report.cause_entries import CauseEntry
    from trainclinic.report.model import FindingEntry, Identity, TimelineRow
    from trainclinic.signals.measured import Measured

NAMED = 4
NOISY_ROWS = 60
"""With more rows than this, single values say more about noise than about the run."""
_ASIDE = re.compile(r"\s*\([^()]*\)")
"""Remarks in brackets, such as the source of a figure: they stand with the finding itself."""
UNITS = {"step": "step", "epoch": "epoch", "row": "row"}


def summary(
    measured: Measured,
    run: Identity,
    overall: Overall,
    findings: Sequence[FindingEntry],
    rows: Sequence[TimelineRow],
    causes: Sequence[CauseEntry] = (),
) -> str:
    """What was run, what the loss did, what matters most and why; each sentence only when something supports it."""
    shown = _findings(findings)
    sentences = [
        _extent(run), _loss(measured, run, rows), shown, _cause(causes, shown), _close(overall, findings, causes)
    ]  # fmt: skip
    return " ".join(f"{sentence.rstrip('. :')}." for sentence in sentences if sentence)


def _extent(run: Identity) -> str:
    if run.last_step is None:
        return "The files hold no logged values"
    what = ", ".join(filter(None, (run.model, run.method)))
    first, unit = run.first_step or 0, UNITS[run.axis]
    covered = f"{unit}s {first:,} to {run.last_step:,}" if first < run.last_step else f"{unit} {first:,} alone"
    extent = f"the log covers {covered}{planned(run)}"
    return f"{what}: {extent}" if what else f"{extent[0].upper()}{extent[1:]}"


def _loss(measured: Measured, run: Identity, rows: Sequence[TimelineRow]) -> str:
    """The course of the evaluation loss, else of the training loss: single rows where they are few, else levels."""
    evaluated = [(row.step, row.eval_loss) for row in rows if row.eval_loss is not None]
    if len(evaluated) > 1:
        return _course("Evaluation loss", evaluated, run)
    trend = measured.trend
    if trend is not None and trend.rows > NOISY_ROWS and trend.series == "train/loss":
        says = f"Training loss went from a level of {spoken(trend.start)} to {spoken(trend.last)}"
        lowest = f", lowest {spoken(trend.best)} around {UNITS[run.axis]} {trend.best_step:,}"
        return says + (lowest if trend.best < min(trend.start, trend.last) - trend.noise else "")
    return _trained(measured, run, rows)


def _trained(measured: Measured, run: Identity, rows: Sequence[TimelineRow]) -> str:
    """The course of the training loss over the rows that are losses; the others are named as what they are not."""
    logged = measured.train_loss
    if logged is None:
        return ""
    true = measured.loss_rows
    steps = set() if true is None else set(true.step.tolist())
    unreal = len(logged) - len(steps)
    if not steps:
        return f"None of the {count(len(logged), 'logged training-loss value')} is a loss that the model had"
    trained = [(row.step, row.train_loss) for row in rows if row.train_loss is not None and row.step in steps]
    if len(trained) < 2:
        return ""
    note = f"; {count(unreal, 'further row')} of that column are no losses" if unreal else ""
    return _course("Training loss", trained, run) + note


def _course(title: str, known: Sequence[tuple[int, float]], run: Identity) -> str:
    finite = [pair for pair in known if math.isfinite(pair[1])]
    if not finite:
        return f"{title} is not a number in any shown row"
    says = f"{title} went from {spoken(known[0][1])} to {spoken(known[-1][1])}"
    step, lowest = min(finite, key=lambda pair: pair[1])
    inside = step not in {known[0][0], known[-1][0]}
    return f"{says}, lowest {spoken(lowest)} at {UNITS[run.axis]} {step:,}" if inside else says


def _findings(findings: Sequence[FindingEntry]) -> str:
    """The gravest finding in its own words, the next ones by name, the rest as a number."""
    telling = [finding for finding in findings if finding.severity != "note"]
    if not telling:
        return ""
    first, *others = telling
    name = words(first.slug)
    says = f"{name[0].upper()}{name[1:]} stands out: {_ASIDE.sub('', first.says)}"
    if not others:
        return says
    names = [words(finding.slug) for finding in others[:NAMED]]
    rest = len(findings) - 1 - len(names)
    names += [count(rest, "further finding")] if rest else []
    return f"{says.rstrip('. :')}. Also seen: {', '.join(names)}"


def _cause(causes: Sequence[CauseEntry], told: str) -> str:
    """The most probable fault with what speaks most for it; nothing where the evidence does not decide.

    Args:
        causes: The causes, the most probable first.
        told: What the summary has said of the findings: evidence is not repeated.
    """
    first = causes[0] if causes else None
    if first is None or not first.is_likely_fault:
        return ""
    says = f"Most probable cause ({share(first.probability)}): {first.title}"
    reasons = [_ASIDE.sub("", seen(evidence)) for evidence in first.evidence_for]
    fresh = next((reason for reason in reasons if reason not in told), None)
    if fresh is None:
        return says
    return f"{says}; {'above all because' if fresh == reasons[0] else 'what also speaks for it:'} {fresh}"


def _close(overall: Overall, findings: Sequence[FindingEntry], causes: Sequence[CauseEntry]) -> str:
    if overall.word == "healthy":
        faulty = bool(causes) and causes[0].is_likely_fault
        return f"Nothing in these files speaks against the {'trained weights themselves' if faulty else 'result'}"
    if overall.word == "sick":
        return "Its result should not be trusted until this is explained"
    return "" if findings else f"No verdict: {overall.reason}"
