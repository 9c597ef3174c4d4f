"""The words of step rows: which names count steps, which are metrics, times or speeds, and what their units mean.

Column names that other formats share are the business of `column_names`; here stands what only console text has: units
behind numbers, names with spaces, and times that the name alone does not tell apart.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from trainclinic.readers.tables.column_names import canonical_name
from trainclinic.record.vocabulary import SERIES

# Names that count steps, the surest first: of several in one row the first listed wins.
STEP_WORDS = {
    word: rank
    for rank, words in enumerate(
        (
            "global_step global_steps globalstep num_updates optimizer_step opt_step total_steps_done",
            "step steps train_step training_step step_num",
            "iter iters iteration iterations train_iter iter_num niter",
            "update updates it current_steps batch_idx batch_step",
            "batch batches minibatch",
        )
    )
    for word in words.split()
}
EPOCH_WORDS = {"epoch", "epochs", "ep", "train_epoch", "current_epoch", "epoch_num", "epoch_idx"}
EVAL_WORDS = {"val", "valid", "validation", "eval", "evaluation", "evaluating", "dev", "test", "testing"}
TRAIN_WORDS = {"train", "training", "tr"}
SUMMARY_WORDS = {"final", "best", "total", "min", "max", "minimum", "maximum", "target", "initial", "overall", "lowest"}
_LOSS_QUALIFIERS = {
    "total",
    "avg",
    "average",
    "mean",
    "running",
    "smoothed",
    "batch",
    "current",
    "cur",
    "ce",
    "nll",
    "lm",
    "xent",
    "step",
}

UNKNOWN_TIME = "time"
"""Own name of a time that is either elapsed or per step; `positions` decides when all rows are read."""

_SECONDS = {
    "ms": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "ns": 1e-9,
    "s": 1.0,
    "sec": 1.0,
    "secs": 1.0,
    "second": 1.0,
    "seconds": 1.0,
}
_SECONDS |= {
    "m": 60.0,
    "min": 60.0,
    "mins": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
    "hr": 3600.0,
    "hrs": 3600.0,
    "hours": 3600.0,
}
_BYTES = {
    "b": 1.0,
    "kb": 1e3,
    "mb": 1e6,
    "gb": 1e9,
    "tb": 1e12,
    "kib": 2.0**10,
    "mib": 2.0**20,
    "gib": 2.0**30,
    "g": 1e9,
}
_PER_SECOND = {"s", "sec", "second", "secs"}
_STEP_UNITS = {
    "it",
    "its",
    "iter",
    "iters",
    "iteration",
    "iterations",
    "step",
    "steps",
    "batch",
    "batches",
    "update",
    "updates",
}
_SAMPLE_UNITS = {
    "sample",
    "samples",
    "seq",
    "seqs",
    "sequences",
    "example",
    "examples",
    "img",
    "imgs",
    "image",
    "images",
    "ex",
}
_TOKEN_UNITS = {"tok", "toks", "token", "tokens", "words"}
_OTHER_UNITS = {"%", "bpc", "bpb", "bits", "nats", "tokens", "tok", "steps", "samples", "params", "k"}

_PER_STEP_WORDS = """dt iter_time step_time iteration_time time_per_iteration
    time/iter time/step batch_time step_avg ms/step
    sec/step s/step s/it sec/it ms/it ms/iter s/iter elapsed_time_per_iteration time_per_step avg_step_time
    step_duration elapsed_time_per_step batch_duration"""
_PER_STEP_TIMES = set(_PER_STEP_WORDS.split())
_ELAPSED_WORDS = """elapsed elapsed_time time_elapsed total_time wall_time wall walltime train_time
    training_time runtime elapsed_seconds total_elapsed time_since_start"""
_ELAPSED_TIMES = set(_ELAPSED_WORDS.split())
_REMAINING_TIMES = {
    "eta",
    "remaining",
    "time_remaining",
    "remaining_time",
    "time_left",
    "left",
    "estimated_time_remaining",
}
_PLAIN_TIMES = {"time", "t", "duration", "took"}
_LETTER_UNITS = {"bpc": "bits/character", "bpb": "bits/byte", "bits": "bits/token"}
_NAME = re.compile(r"[A-Za-z_ɛε@#/][\w./@+\- ]{0,59}")


class Meaning(NamedTuple):
    """What a named number is.

    Attributes:
        name: Canonical or own name.
        scale: Factor from the printed unit to `unit`.
        unit: Unit when it differs from the vocabulary's.
        known: Whether the vocabulary knows the name, or the unit tells what it is.
    """

    name: str
    scale: float = 1.0
    unit: str = ""
    known: bool = True


def spelling(name: str) -> str:
    """One spelling of a name: lower case, `_` between words, without decoration (emoji, bullets, brackets)."""
    name = re.sub(r"^[^\wɛε@#/]+|[^\w%)\]]+$", "", name.strip())
    return re.sub(r"[\s\-]+", "_", name.lower()).strip("_:=")


def is_unit(word: str) -> bool:
    """Whether a word right behind a number is its unit."""
    word = word.lower()
    return word in _SECONDS or word in _BYTES or word in _OTHER_UNITS or rate_series(word) is not None


@lru_cache(maxsize=1024)
def rate_series(unit: str) -> Meaning | None:
    """The speed that a unit such as `steps/sec`, `s/it` or `tok/s` stands for."""
    above, slash, below = unit.lower().replace(" per ", "/").replace("_per_", "/").partition("/")
    if not slash:
        return None
    above, below = above.strip(), below.strip()
    if below in _PER_SECOND:
        for units, name in (
            (_STEP_UNITS, "speed/steps_per_second"),
            (_SAMPLE_UNITS, "speed/samples_per_second"),
            (_TOKEN_UNITS, "speed/tokens_per_second"),
        ):
            if above in units:
                return Meaning(name)
    if below in _STEP_UNITS and above in _SECONDS:
        return Meaning("speed/seconds_per_step", _SECONDS[above])
    return None


@lru_cache(maxsize=4096)
def meaning_of(name: str, unit: str, *, evaluating: bool = False) -> Meaning | None:
    """What the number behind `name` is, or `None` when neither name nor unit say anything.

    Args:
        name: Name as printed, may be empty.
        unit: Unit behind the number (or in brackets behind the name), may be empty.
        evaluating: The line or block is about an evaluation, so that a bare `loss` is an evaluation loss.
    """
    word = spelling(name)
    unit = unit.strip().lower()
    by_unit = rate_series(unit) or rate_series(word)
    if by_unit is not None:
        return by_unit
    if not word:
        return Meaning(UNKNOWN_TIME, _SECONDS[unit]) if unit in _SECONDS else None
    time = _time_meaning(word, unit)
    if time is not None:
        return time
    if not _NAME.fullmatch(name.strip()) or len(word.split("_")) > 6:
        return None
    series = _series_name(word, evaluating=evaluating)
    if series is None:
        return _own_name(name.strip(), unit, evaluating=evaluating)
    return Meaning(series, *_scale_to_series(series, unit))


def _time_meaning(word: str, unit: str) -> Meaning | None:
    scale = _SECONDS.get(unit, 1.0)
    if word in _PER_STEP_TIMES:
        return Meaning("speed/seconds_per_step", _SECONDS.get(word.partition("/")[0], scale) if "/" in word else scale)
    if word in _ELAPSED_TIMES:
        return Meaning("time/elapsed", scale)
    if word in _REMAINING_TIMES:
        return Meaning("time/remaining", scale)
    if word in _PLAIN_TIMES:
        return Meaning("speed/seconds_per_step" if unit == "ms" else UNKNOWN_TIME, scale)
    return None


def _series_name(word: str, *, evaluating: bool) -> str | None:
    """Canonical name of a metric, looking through evaluation and averaging words."""
    first, _, rest = word.partition("_")
    if first in EVAL_WORDS and rest:
        return _known(f"eval_{rest}")
    if evaluating and first not in TRAIN_WORDS:
        return _known(f"eval_{word}")
    if first in TRAIN_WORDS and rest:
        return _known(f"train_{rest}") or _known(rest)
    known = _known(word)
    if known is None and first in _LOSS_QUALIFIERS and rest == "loss":
        return "train/loss"
    return known


def _known(word: str) -> str | None:
    name = canonical_name(word)
    return name if name in SERIES else None


def _own_name(name: str, unit: str, *, evaluating: bool) -> Meaning | None:
    word = spelling(name)
    if word in STEP_WORDS or word in EPOCH_WORDS or word in EVAL_WORDS or word in TRAIN_WORDS:
        return None
    scale, shown = (_BYTES[unit], "bytes") if unit in _BYTES and unit != "b" else (1.0, _LETTER_UNITS.get(unit, unit))
    own = re.sub(r"\s+", "_", re.sub(r"^[^\wɛε]+", "", name)).lower()
    return Meaning(f"eval/{own}" if evaluating else own, scale, shown, known=False)


def _scale_to_series(series: str, unit: str) -> tuple[float, str]:
    if unit in _LETTER_UNITS:
        return 1.0, _LETTER_UNITS[unit]
    if unit == "%" and ("accuracy" in series):
        return 0.01, ""
    if series.startswith("memory/") and unit in _BYTES:
        return _BYTES[unit], ""
    return 1.0, ""
