"""What libraries told the user: the warnings that were found, and whether a missing one could have been seen at all.

Logs are often cut down to their rows of metrics, and a warning goes to standard error. That a warning is not in a file
therefore says something only where other warnings of libraries stand in it, and where a tool that gives this warning
was at work.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Severity
from trainclinic.catalogue.wording import count

if TYPE_CHECKING:
    from trainclinic.signals.measured import Measured

WARNINGS = (
    "warning",
    "deprecated-setting",
    "pad-token-missing",
    "dtype-warning",
    "weights-newly-initialised",
    "weights-unused",
    "embedding-resized",
    "no-input-gradient",
    "loss-type-none",
    "sequence-too-long",
    "backend-fallback",
    "labels-all-ignored",
    "response-template-missing",
    "token-count-mismatch",
    "end-token-outside-mask",
    "tokens-untrained",
    "padding-side-refused",
    "packing-unprotected",
    "quantised-merge",
    "recompilation-limit",
)
"""Kinds of events that libraries print as warnings: one of them shows that warnings were kept."""
_ERROR = re.compile(r"(?:\w+\.)*\w*Error\b")
"""An error is printed even where warnings are not."""
FEW = Threshold(
    "rows with a warning",
    10,
    "rows",
    "a handful of odd samples (cut off, empty) leaves every data set usable; a systematic fault names hundreds",
)
LEARNS = Threshold(
    "finite training losses above 0 beside them",
    10,
    "rows",
    "as many rows of a loss above 0 had targets, so not every sample is concerned",
)


def told(run: Measured, *kinds: str, most: int = 2) -> tuple[Evidence, ...]:
    """The first lines of the log that are events of these kinds, with how many there are.

    Args:
        run: The run.
        kinds: Names of `vocabulary.EVENTS`.
        most: How many lines to show.
    """
    events = run.record.events_of(*kinds)
    shown = [Evidence(f"the log says: {event.says}", event.source, event.step) for event in events[:most]]
    lines = sum(event.count for event in events)
    if lines > len(shown):
        shown.append(Evidence(f"{count(lines, 'such line')} in all"))
    return tuple(shown)


def untold(run: Measured, says: str, *, by: tuple[str, ...] = ()) -> Absent | NotEvaluated:
    """The verdict where no such line was found.

    Args:
        run: The run.
        says: What is missing, as a sentence without full stop.
        by: Distributions or tools that give this warning; empty when any may.
    """
    if all(_ERROR.match(event.says) for event in run.record.events_of(*WARNINGS)):
        return NotEvaluated(missing="the warnings that the program printed (its standard error)")
    if by and not tools_of(run) & set(by):
        return NotEvaluated(missing=f"a tool that gives this warning ({', '.join(by)}), or its version")
    return Absent((Evidence(says),))


def tools_of(run: Measured) -> set[str]:
    """Lower-case names of the tools and libraries that the files name."""
    named = {name.lower().replace("_", "-") for name in run.record.versions}
    framework = run.record.facts.text("framework")
    return named | ({framework.lower()} if framework else set())


def milder(run: Measured, *kinds: str) -> Severity | None:
    """A note where only a few rows are concerned and the run learned from others, else the rule's own severity."""
    warned = sum(event.count for event in run.record.events_of(*kinds))
    loss = run.train_loss
    learned = 0 if loss is None else int(np.sum(np.isfinite(loss.value) & (loss.value > 0)))
    return Severity.NOTE if warned <= FEW.value and learned >= LEARNS.value else None
