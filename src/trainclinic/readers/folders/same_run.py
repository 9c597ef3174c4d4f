"""Do two logs tell of the same run? Decided by what both logged: the same quantity at the same steps.

Two files of one run agree wherever they overlap, up to the digits they show. Two passes of a resumed run follow each
other, or agree up to a step and differ after it. Everything else is two runs. It knows numbers and steps only.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainclinic.readers.fragment import Column, Fragment

# Quantities that follow from the step and the configuration, or from the machine: equal or different, they do not tell
# whether two logs are of one run.
_NOT_TELLING = ("train/learning_rate", "train/epoch", "train/tokens", "time/", "speed/", "memory/", "scale/")
_TELLING = ("train/loss", "eval/loss", "train/grad_norm")
_AGREEING_SHARE = 0.9
"""A copy agrees everywhere; 10 % is left for damaged rows and for values logged under one name by two writers."""
_FEWEST_AGREEING = 3
"""Two runs with one seed and a warm-up from zero agree on their first row, sometimes on two."""
_RESUME_WORD = re.compile(r"resum|restart|contin|part|cont\b|_?\d+$", re.IGNORECASE)


class Relation(Enum):
    """What the second log is to the first."""

    SAME = "tells of the same steps"
    BESIDE = "logged other quantities of the same run"
    AFTER = "goes on where the first one ends"
    FORK = "went back to an earlier step and took another course"
    OTHER = "is another run"


def relate(first: Fragment, second: Fragment) -> Relation:
    """What `second` is to `first`, both with rows; `first` is the one that starts earlier.

    Args:
        first: Fragment whose columns are arrays.
        second: Likewise.
    """
    name = _shared_name(first, second)
    if name is None:
        return Relation.BESIDE if first.axis == second.axis else Relation.OTHER
    one, two = first.columns[name], second.columns[name]
    if first.axis != second.axis or first.axis == "row":
        relation = _relate_without_steps(first, second, one, two)
    else:
        relation = _relate_by_step(second, one, two)
    if relation is Relation.SAME and _norms_differ(first, second):
        return Relation.OTHER
    return relation


def _norms_differ(first: Fragment, second: Fragment) -> bool:
    """Whether logs with equal losses show other gradient norms: two runs on one course, reported in two ways."""
    one, two = first.columns.get("train/grad_norm"), second.columns.get("train/grad_norm")
    if one is None or two is None:
        return False
    steps, left, right = aligned(one, two)
    return steps.size >= _FEWEST_AGREEING and float(values_agree(one, two, left, right).mean()) < 1 - _AGREEING_SHARE


def starts_before(first: Fragment, second: Fragment) -> bool:
    """Whether `first` begins at an earlier step, or at the same one but ends earlier (a run that was cut short).

    Rows without steps are numbered from 1 in every file; their epochs tell which came first.
    """
    epochs = [fragment.columns.get("train/epoch") for fragment in (first, second)]
    if first.axis == second.axis == "row" and epochs[0] is not None and epochs[1] is not None:
        one, two = (np.asarray(column.value) for column in epochs if column is not None)
        return (float(np.min(one)), float(np.max(one))) <= (float(np.min(two)), float(np.max(two)))
    (begin_one, end_one), (begin_two, end_two) = span(first), span(second)
    return (begin_one, end_one) <= (begin_two, end_two)


def span(fragment: Fragment) -> tuple[int, int]:
    """First and last step of a fragment with rows."""
    steps = [np.asarray(column.step) for column in fragment.columns.values()]
    return min(int(step.min()) for step in steps), max(int(step.max()) for step in steps)


def fork_step(first: Fragment, second: Fragment) -> int:
    """The step at which `second`, a fork of `first`, starts to differ (its first step when it differs at once)."""
    name = _shared_name(first, second)
    if name is None:
        return span(second)[0]
    steps, left, right = aligned(first.columns[name], second.columns[name])
    different = np.flatnonzero(~values_agree(first.columns[name], second.columns[name], left, right))
    own = np.asarray(second.columns[name].step)
    return int(steps[different[0]]) if different.size else int(own.min())


def _relate_by_step(second: Fragment, one: Column, two: Column) -> Relation:
    steps, left, right = aligned(one, two)
    if not steps.size:
        return Relation.AFTER if _goes_on(second, one, two) else Relation.OTHER
    agree = values_agree(one, two, left, right)
    (begin_one, end_one), (begin_two, end_two) = _range(one), _range(two)
    if agree.mean() >= _AGREEING_SHARE:
        contained = end_two <= end_one or begin_two <= begin_one
        return Relation.SAME if contained else Relation.FORK
    leading = int(np.argmin(agree))
    if leading >= _FEWEST_AGREEING:
        return Relation.FORK
    resumed = begin_two > begin_one and end_two >= end_one and _begins_late(second, two)
    return Relation.FORK if resumed and leading == 0 else Relation.OTHER


def _relate_without_steps(first: Fragment, second: Fragment, one: Column, two: Column) -> Relation:
    """Rows without steps: the same values in the same order, or epochs that go on."""
    shorter = min(len(one.value), len(two.value))
    left, right = np.asarray(one.value)[:shorter], np.asarray(two.value)[:shorter]
    if shorter >= _FEWEST_AGREEING and values_agree(one, two, left, right).mean() >= _AGREEING_SHARE:
        return Relation.SAME
    if first.axis != second.axis:
        return Relation.OTHER
    ends, begins = first.columns.get("train/epoch"), second.columns.get("train/epoch")
    if ends is None or begins is None:
        return Relation.OTHER
    last, later = float(np.max(ends.value)), float(np.min(begins.value))
    typical = float(np.median(np.diff(np.asarray(ends.value)))) if len(ends.value) > 1 else 0.0
    return Relation.AFTER if last <= later <= last + 3 * typical and later > typical else Relation.OTHER


def _shared_name(first: Fragment, second: Fragment) -> str | None:
    """The quantity to compare: one that both logged and that differs between runs, the best known first."""
    shared = [name for name in first.columns if name in second.columns and not name.startswith(_NOT_TELLING)]
    for name in _TELLING:
        if name in shared:
            return name
    return max(shared, key=lambda name: (len(second.columns[name].step), name), default=None)


def aligned(one: Column, two: Column) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Steps that both hold, and the last value of each at them."""
    (steps_one, values_one), (steps_two, values_two) = last_values(one), last_values(two)
    steps, left, right = np.intersect1d(steps_one, steps_two, assume_unique=True, return_indices=True)
    return steps, values_one[left], values_two[right]


def last_values(column: Column) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Steps, ascending and each once, and the value that was logged last for each, `[n]`."""
    step, value = np.asarray(column.step), np.asarray(column.value)
    if step.size < 2 or bool((np.diff(step) > 0).all()):
        return step, value
    unique, places = np.unique(step[::-1], return_index=True)
    return unique, value[::-1][places]


def values_agree(one: Column, two: Column, left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which values are equal within the digits that both logs show (and 1e-5, the noise of single precision)."""
    with np.errstate(invalid="ignore"):
        room = one.printed.half_unit(left) + two.printed.half_unit(right) + 1e-5 * np.abs(right)
        close = np.abs(left - right) <= room * 1.001
    return np.asarray(close | (np.isnan(left) & np.isnan(right)) | (left == right))


def _range(column: Column) -> tuple[int, int]:
    step = np.asarray(column.step)
    return int(step.min()), int(step.max())


def _interval(column: Column) -> float:
    gaps = np.diff(np.unique(np.asarray(column.step)))
    return float(np.median(gaps)) if gaps.size else 0.0


def _begins_late(fragment: Fragment, column: Column) -> bool:
    """Whether a log starts in the middle: runs begin within a few logging intervals of zero."""
    return _says_resume(fragment) or _range(column)[0] > 3 * max(_interval(column), 1.0)


def _says_resume(fragment: Fragment) -> bool:
    if any(event.kind == "resume" for event in fragment.events):
        return True
    return any(fact.name == "start_step" and fact.value for fact in fragment.facts)


def _goes_on(second: Fragment, one: Column, two: Column) -> bool:
    """Whether steps without overlap follow each other like parts of one log."""
    (_, end), (begin, _) = _range(one), _range(two)
    if begin <= end:
        return False
    named = bool(_RESUME_WORD.search(second.file.rpartition("/")[2].rsplit(".", 1)[0]))
    near = begin - end <= 1.5 * max(_interval(one), 1.0)
    return _says_resume(second) or named or near
