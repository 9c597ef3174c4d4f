"""The one paragraph that a person reads first, in plain words."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainclinic.catalogue.wording import count, number
from trainclinic.report.wording import words

if TYPE_CHECKING:
    from trainclinic.findings.overall import Overall
    from trainclinic.report.model import FindingEntry, Identity, TimelineRow

NAMED = 4
_ASIDE = re.compile(r"\s*\([^()]*\)")
"""Remarks in brackets, such as the source of a figure: they stand with the finding itself."""
UNITS = {"step": "step", "epoch": "epoch", "row": "row"}


def summary(run: Identity, overall: Overall, findings: Sequence[FindingEntry], rows: Sequence[TimelineRow]) -> str:
    """What was run, what the loss did, and what matters most; each sentence only when something supports it."""
    sentences = [_extent(run), _loss(run, rows), _findings(findings), _close(overall, findings)]
    return " ".join(f"{sentence}." for sentence in sentences if sentence)


def _extent(run: Identity) -> str:
    if run.last_step is None:
        return "The files hold no logged values"
    what = ", ".join(filter(None, (run.model, run.method)))
    planned = f" of {run.planned_steps:,} planned" if run.planned_steps and run.axis == "step" else ""
    extent = f"the log covers {UNITS[run.axis]}s {run.first_step or 0:,} to {run.last_step:,}{planned}"
    return f"{what}: {extent}" if what else f"{extent[0].upper()}{extent[1:]}"


def _loss(run: Identity, rows: Sequence[TimelineRow]) -> str:
    for name, title in (("eval_loss", "Evaluation loss"), ("train_loss", "Training loss")):
        known = [(row.step, value) for row in rows if (value := getattr(row, name)) is not None]
        if len(known) < 2:
            continue
        finite = [pair for pair in known if math.isfinite(pair[1])]
        if not finite:
            return f"{title} is not a number in any shown row"
        lowest = min(finite, key=lambda pair: pair[1])
        says = f"{title} went from {number(known[0][1], 5)} to {number(known[-1][1], 5)}"
        inside = lowest[0] not in {known[0][0], known[-1][0]}
        return f"{says}, lowest {number(lowest[1], 5)} at {UNITS[run.axis]} {lowest[0]:,}" if inside else says
    return ""


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
    return f"{says}. Also seen: {', '.join(names)}"


def _close(overall: Overall, findings: Sequence[FindingEntry]) -> str:
    if overall.word == "healthy":
        return "Nothing in these files speaks against the result"
    if overall.word == "sick":
        return "Its result should not be trusted until this is explained"
    return "" if findings else f"No verdict: {overall.reason}"
