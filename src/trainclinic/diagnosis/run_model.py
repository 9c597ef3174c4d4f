"""The finished model of a run: what it writes and what its weights show, as parts of the run.

A model that is there says more than any log: its answers join the recorded ones, checks of its weights become events,
and the verdicts on it are weighed with all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from trainclinic.record.parts import Event, Generation
from trainclinic.record.source import Source

if TYPE_CHECKING:
    from trainclinic.catalogue.finding import Finding
    from trainclinic.corpus.corpus import Corpus
    from trainclinic.diagnosis.validating import Validation
    from trainclinic.record.run import RunRecord

DEPTH = "quick"


@dataclass(frozen=True, eq=False)
class RunModel:
    """What the finished model of a run says.

    Attributes:
        findings: The answers of the rules on finished models.
        generations: What it writes.
        events: What checks of its weights found.
    """

    findings: tuple[Finding, ...] = ()
    generations: tuple[Generation, ...] = ()
    events: tuple[Event, ...] = ()

    def told(self, record: RunRecord) -> RunRecord:
        """The record with what the model says."""
        if not self.generations and not self.events:
            return record
        last = max((int(one.step[-1]) for one in record.series.values() if len(one)), default=None)
        written = tuple(replace(one, step=last) for one in self.generations)
        events = (*record.events, *self.events)
        return replace(record, generations=(*record.generations, *written), events=events)


def read_run_model(model: str, corpus: Corpus | None = None, base: str = "") -> RunModel:
    """Test the finished model of a run.

    Args:
        model: Its folder; empty for none.
        corpus: The data of the run, whose held-out rows are taken, or all where none are held out.
        base: Base of the model.

    Raises:
        TrainclinicError: If it is no model, or cannot be loaded.
    """
    if not model:
        return RunModel()
    from trainclinic.diagnosis.validating import validate

    found = validate(model, base=base, data=_rows(corpus), depth=DEPTH)
    own = tuple(one for one in found.findings if one.entry.group != "generation")
    return RunModel(own, found.record.generations, tuple(_events(found)))


def _rows(corpus: Corpus | None) -> Sequence[Path]:
    shards = corpus.shards if corpus is not None else ()
    held_out = [shard.path for shard in shards if shard.split == "held-out"]
    return held_out or [shard.path for shard in shards]


def _events(found: Validation) -> Iterator[Event]:
    """What a check of the weights by hand would have printed, by the names that reports of such checks get."""
    tested, place = found.tested, Source(found.tested.name)
    seen = tested.weights
    if seen is not None and seen.non_finite:
        says = f"{len(seen.non_finite)} of {seen.tensors} tensors hold NaN or inf, first {seen.non_finite[0]}"
        yield Event("weights-non-finite", says, place, value=float(len(seen.non_finite)))
        return
    if seen is not None:
        yield Event("weights-finite", f"all {seen.tensors} tensors are finite", place)
    if seen is not None and (seen.compared or seen.effect is not None):
        is_changed = bool(seen.changed) or bool(seen.effect)
        says = "the model differs from its base" if is_changed else "the model equals its base"
        yield Event("weights-changed" if is_changed else "weights-unchanged", says, place)
    if seen is not None and seen.at_random:
        yield Event("weights-newly-initialised", f"in no file: {', '.join(seen.at_random[:3])}", place)
    if seen is not None and seen.merging is not None:
        yield Event("logits-and-merge", f"merging changes logits by {seen.merging:.1e}", place, value=seen.merging)
    if tested.own is not None and (end := tested.own.end_probability) is not None:
        yield Event(
            "stop-probability", f"the end token has a probability of {end:.2g} behind answers", place, value=end
        )
