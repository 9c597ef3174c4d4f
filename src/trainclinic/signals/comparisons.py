"""One run beside others of its folder: what differs between them, and how their losses compare.

A difference is claimed only when names or settings say what was changed, and when nothing speaks against one model and
one data set. It does not judge which of two runs is right, and it reads no file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from trainclinic.record.vocabulary import SERIES
from trainclinic.signals.comparison_words import NEUTRAL, factors_of, words_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from trainclinic.record.run import RunRecord
    from trainclinic.record.series import Series
    from trainclinic.signals.measured import Measured

    Floats = NDArray[np.float64]

MOST_COLUMNS = 12
FEWEST_SHARED = 3
RATES_APART = 3.0
"""Learning rates this far apart are a deliberate change; less is a schedule seen at two places."""
_FACTS = {
    "device": "device",
    "attention_implementation": "attention",
    "packing": "packing",
    "accumulation_steps": "accumulation",
    "weights_dtype": "precision",
    "sequence_length": "length",
    "micro_batch_size": "batch",
    "optimizer": "settings",
    "lora_rank": "settings",
    "lora_alpha": "settings",
    "method": "settings",
    "world_size": "settings",
    "weight_decay": "settings",
    "max_grad_norm": "settings",
}
_SAME_MODEL = ("model_name", "model_type", "dataset_path", "vocabulary_size", "objective", "parameter_count")
_TOLD_BY_LOG = ("row_word", "heading")
_LOSS_WORDS = ("loss", "nll", "ce")


@dataclass(frozen=True, eq=False)
class Arm:
    """One run of a comparison.

    Attributes:
        name: How the user would name it: file, label, column.
        called: The part of it that a person chose.
        loss: Its training losses (evaluation losses when it has only those).
        record: Its record.
        is_column: It is a column of a table of several runs.
    """

    name: str
    called: str
    loss: Series
    record: RunRecord
    is_column: bool = False

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of its name, and of what its log calls it, that distinguish it."""
        called = [
            str(fact.value) for fact in self.record.other_facts if fact.name in _TOLD_BY_LOG and not self.is_column
        ]
        return frozenset().union(*map(words_of, (self.called, *called))) - NEUTRAL

    @cached_property
    def named(self) -> Mapping[str, str]:
        """What its name, and what its log calls it, say about it."""
        found = dict(factors_of(self.called))
        if not self.is_column:
            for fact in self.record.other_facts:
                if fact.name in _TOLD_BY_LOG:
                    found.update(factors_of(str(fact.value)))
        return found

    @cached_property
    def factors(self) -> Mapping[str, str]:
        """What its names and its own settings say about it: names first, because settings files are shared."""
        found = dict(self.named)
        if not self.is_column:
            for name, factor in _FACTS.items():
                known = self.record.facts.get(name)
                if known is not None:
                    value = f"{known.value:g}" if isinstance(known.value, float) else str(known.value).lower()
                    found.setdefault(factor, value)
        return found

    @cached_property
    def values(self) -> Floats:
        """Its losses, shape `[n]`."""
        return self.loss.value

    @cached_property
    def is_broken(self) -> bool:
        """Whether it ends with losses that are not finite or exactly 0: mostly so in its later half, or in two rows."""
        bad = ~np.isfinite(self.values) | (self.values == 0.0)
        return bool(bad[bad.size // 2 :].mean() > 0.5 or bad[-2:].all())

    @cached_property
    def onset(self) -> int | None:
        """The step of its first loss that is not finite, or exactly 0; `None` when there is none."""
        bad = np.flatnonzero(~np.isfinite(self.values) | (self.values == 0.0))
        return int(self.loss.step[bad[0]]) if bad.size else None

    @cached_property
    def first(self) -> float:
        """Its first finite loss; NaN when there is none."""
        finite = self.values[np.isfinite(self.values)]
        return float(finite[0]) if finite.size else math.nan

    @cached_property
    def peak_rate(self) -> float | None:
        """The largest learning rate that it logged, or its name or settings give."""
        logged = None if self.is_column else self.record.get("train/learning_rate")
        if logged is not None and np.isfinite(logged.value).any():
            return float(np.nanmax(logged.value))
        try:
            return float(self.factors["rate"])
        except (KeyError, ValueError):
            return None


@dataclass(frozen=True, eq=False)
class Pair:
    """The run and another one.

    Attributes:
        one: The run that is judged (or the first column of a table).
        other: What it is compared with.
    """

    one: Arm
    other: Arm

    @cached_property
    def factors(self) -> dict[str, tuple[str, str]]:
        """What differs: factor -> value of the one, value of the other (empty where it is not told)."""
        told = self.one.factors, self.other.factors
        found = {}
        for factor in dict.fromkeys((*told[0], *told[1])):
            both = told[0].get(factor, ""), told[1].get(factor, "")
            if both[0] != both[1] and (all(both) or factor in self.one.named or factor in self.other.named):
                found[factor] = both
        if "accumulation" in found:
            found.pop("batch", None)
        _settle_plain_path(found)
        mine, theirs = self.one.peak_rate or 0.0, self.other.peak_rate or 0.0
        if self._on_one_schedule:
            found.pop("rate", None)
        elif min(mine, theirs) > 0 and max(mine, theirs) >= RATES_APART * min(mine, theirs):
            found["rate"] = f"{mine:g}", f"{theirs:g}"
        else:
            found.pop("rate", None)
        return found

    @property
    def _on_one_schedule(self) -> bool:
        """Whether both logged the same learning rates wherever both logged one: a short run has seen less of them."""
        if self.one.is_column or self.other.is_column:
            return False
        logged = [arm.record.get("train/learning_rate") for arm in (self.one, self.other)]
        if logged[0] is None or logged[1] is None:
            return False
        mine, theirs = logged[0].final().finite(), logged[1].final().finite()
        _, left, right = np.intersect1d(mine.step, theirs.step, return_indices=True)
        near = np.isclose(mine.value[left], theirs.value[right], rtol=0.05, atol=0.0)
        return left.size >= FEWEST_SHARED and bool(near.all())

    @cached_property
    def conflict(self) -> str:
        """The first fact that says that these are different models, data or objectives; empty when none does."""
        for name in _SAME_MODEL:
            mine, theirs = self.one.record.facts.get(name), self.other.record.facts.get(name)
            if mine is not None and theirs is not None and mine.value != theirs.value:
                return name
        return ""

    @cached_property
    def shared(self) -> tuple[Floats, Floats]:
        """Finite losses of both at the steps that both logged, each `[m]`."""
        one, other = self.one.loss, self.other.loss
        _, left, right = np.intersect1d(one.step, other.step, return_indices=True)
        mine, theirs = one.value[left], other.value[right]
        finite = np.isfinite(mine) & np.isfinite(theirs) & (theirs != 0)
        return mine[finite], theirs[finite]

    @property
    def overlaps(self) -> bool:
        """Whether both logged a loss at one step at least."""
        return bool(np.intersect1d(self.one.loss.step, self.other.loss.step).size)

    @cached_property
    def first_ratio(self) -> float:
        """First loss of the one over that of the other; NaN unless both are finite and stand at one step."""
        mine, theirs = self.one, self.other
        if mine.loss.step[0] != theirs.loss.step[0] or not mine.values[0] or not theirs.values[0]:
            return math.nan
        return float(mine.values[0] / theirs.values[0])

    @cached_property
    def lasting(self) -> float:
        """Median relative difference over the later half of the shared steps, NaN with fewer than three of them.

        0 where the sign changes between rows, because that is noise and no difference of level.
        """
        mine, theirs = self.shared
        if mine.size < FEWEST_SHARED:
            return math.nan
        late = (mine / theirs - 1.0)[mine.size // 2 :]
        same_sign = max((late > 0).mean(), (late < 0).mean())
        return float(np.median(late)) if same_sign >= 0.9 else 0.0

    @cached_property
    def largest(self) -> float:
        """The largest relative difference at a shared step, NaN with none."""
        mine, theirs = self.shared
        return float(np.abs(mine / theirs - 1.0).max()) if mine.size else math.nan

    @cached_property
    def is_identical(self) -> bool:
        """Whether every shared row is equal as printed, and the rows are not all one value."""
        mine, theirs = self.shared
        return mine.size >= FEWEST_SHARED and bool((mine == theirs).all()) and np.unique(mine).size > FEWEST_SHARED - 1


def _settle_plain_path(found: dict[str, tuple[str, str]]) -> None:
    """`eager` is the plain path of attention and of the compiler: what stands opposite says of which."""
    both = {factor: set(found.get(factor, ())) - {"", "eager"} for factor in ("attention", "kernel")}
    for factor, other in (("attention", "kernel"), ("kernel", "attention")):
        if both[factor] and not both[other]:
            found.pop(other, None)
    if "kernel" in found and not any(both.values()):
        found.pop("attention", None)


def pairs_of(run: Measured) -> tuple[Pair, ...]:
    """The run beside each of its companions, or the first column of a table of runs beside the others."""
    columns = tuple(_columns(run.record))
    own = _arm(run.record)
    found = [Pair(columns[0], other) for other in columns[1:]]
    if own is not None:
        found += [Pair(own, other) for companion in run.companions if (other := _arm(companion)) is not None]
    return tuple(found)


def arms_of(run: Measured) -> tuple[Arm, ...]:
    """The run, its companions and the columns of a table of runs, as far as they have losses."""
    records = [arm for record in (run.record, *run.companions) if (arm := _arm(record)) is not None]
    return (*records, *_columns(run.record))


def _arm(record: RunRecord) -> Arm | None:
    loss = record.get("train/loss") or record.get("eval/loss")
    if loss is None:
        return None
    label = record.name.partition("[")[2].rstrip("]")
    file = loss.files[0]
    if not label:
        return Arm(file, file, loss.final(), record)
    is_numbered = label.startswith("run ")
    return Arm(record.name if is_numbered else label, file if is_numbered else label, loss.final(), record)


def _columns(record: RunRecord) -> Iterator[Arm]:
    """Columns of a table that holds one loss per run: own names, equal steps, values like each other's."""
    if record.get("train/loss") is not None or record.get("eval/loss") is not None:
        return
    own = [series for name, series in record.series.items() if name not in SERIES and len(series) >= FEWEST_SHARED]
    if not 2 <= len(own) <= MOST_COLUMNS or any(len(series) != len(own[0]) for series in own):
        return
    told = [any(word in _LOSS_WORDS for word in words_of(series.name)) for series in own]
    if any(told) and not all(told):
        return
    middle = [float(np.nanmedian(series.value)) for series in own if np.isfinite(series.value).any()]
    if len(middle) < len(own) or min(middle) <= 0 or max(middle) > 10 * min(middle) or max(middle) > 50:
        return
    if not all(told) and not any(factors_of(series.name) or _names_a_run(series.name) for series in own):
        return
    for series in own:
        yield Arm(series.name, series.name, series, record, is_column=True)


def _names_a_run(name: str) -> bool:
    """Whether a column's name is one that people give to runs, and no quantity."""
    return bool(
        words_of(name) & {"run", "baseline", "base", "control", "reference", "exp", "trial", "ablation", "variant"}
    )
