"""The training data of a run: which files belong to it, and what they look like under the settings of that run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from trainclinic.catalogue.finding import Finding
from trainclinic.record.errors import ReadError
from trainclinic.record.parts import Damage
from trainclinic.record.source import Source

if TYPE_CHECKING:
    from trainclinic.corpus.corpus import Corpus
    from trainclinic.record.run import RunRecord

MOST_BYTES = 200_000_000
"""Data that lie beside a log are examined up to this size: about a minute. Larger ones have to be named."""

DataPath = str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class RunData:
    """What the data of a run say.

    Attributes:
        findings: The answers of rules that causes listen to, present ones first.
        unigram_entropy: Entropy of the targets as single tokens, nats/token, when the tokenizer of the run was there.
        damage: What could not be read, or was left out.
        corpus: The files themselves, when they could be opened.
    """

    findings: tuple[Finding, ...] = ()
    unigram_entropy: float | None = None
    damage: tuple[Damage, ...] = ()
    corpus: Corpus | None = None

    def told(self, record: RunRecord) -> RunRecord:
        """The record with what could not be read of its data."""
        return replace(record, damage=(*record.damage, *self.damage)) if self.damage else record


def read_run_data(
    record: RunRecord, paths: Sequence[DataPath], *, names: Mapping[Path, str] | None = None, tokenizer: str = ""
) -> RunData:
    """Examine the data of a run under its own settings.

    Args:
        record: The run, with what its scripts configure.
        paths: The data files.
        names: Where the files were found beside a log: how to call them. Then too much data is left alone.
        tokenizer: Folder or file of the tokenizer; by default that of the run's model, where it is on this machine.

    Raises:
        ReadError: If a file that the user named cannot be read.
    """
    if not paths:
        return RunData()
    if names is not None and sum(map(_size, paths)) > MOST_BYTES:
        says = "more training data lie here than are examined unasked: name them with `--data`"
        return RunData(damage=(Damage(says, Source("", key="data")),))
    from trainclinic.causes.knowledge import background
    from trainclinic.corpus.open import open_corpus
    from trainclinic.dataset.data import Data
    from trainclinic.dataset.examine import examine
    from trainclinic.dataset.statistics import unigram_entropy_of
    from trainclinic.diagnosis.data_settings import settings_of, tokenizer_of
    from trainclinic.encoding.tokens.load import load_tokenizer

    try:
        corpus = open_corpus(paths).named(names or {})
    except ReadError:
        if names is None:
            raise
        return RunData()
    preparation, plan = settings_of(record.facts)
    model = record.facts.text("model_name") or ""
    data = Data(
        corpus, load_tokenizer(tokenizer) if tokenizer else tokenizer_of(record.facts), preparation, plan, model=model
    )
    heard = background()
    findings = tuple(finding for finding in examine(data) if finding.entry.rule.slug in heard)
    entropy = None if data.tokenizer.is_stand_in else unigram_entropy_of(data)
    return RunData(findings, entropy, corpus=corpus)


def _size(path: DataPath) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0
