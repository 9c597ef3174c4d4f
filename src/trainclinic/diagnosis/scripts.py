"""The scripts of a run: which ones belong to it, and what their code says about it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from trainclinic.record.errors import ReadError
from trainclinic.record.parts import Damage
from trainclinic.record.source import Source

if TYPE_CHECKING:
    from trainclinic.catalogue.finding import Finding
    from trainclinic.readers.folders.discover import Found
    from trainclinic.record.facts import Fact
    from trainclinic.record.run import RunRecord
    from trainclinic.script.sources.project import Project

MOST_SCRIPTS = 40
"""Scripts of one folder that are looked into; a folder with more of them is a repository, and its user should say which
one made the run."""
MOST_BYTES = 2_000_000

ScriptPath = str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class Code:
    """What the scripts of a run say.

    Attributes:
        findings: Every rule's answer, present ones first.
        facts: What the code configures.
        other_facts: Settings for which the vocabulary has no word.
        damage: What could not be read, or was left out.
    """

    findings: tuple[Finding, ...] = ()
    facts: tuple[Fact, ...] = ()
    other_facts: tuple[Fact, ...] = ()
    damage: tuple[Damage, ...] = ()

    def told(self, record: RunRecord) -> RunRecord:
        """The record with what its scripts configure, where no log and no configuration knows better."""
        if not self.facts and not self.other_facts and not self.damage:
            return record
        return replace(
            record,
            facts=record.facts.with_less_trusted(self.facts),
            other_facts=(*record.other_facts, *self.other_facts),
            damage=(*record.damage, *self.damage),
        )


def files_of(records: Sequence[RunRecord], files: Sequence[Found]) -> list[tuple[Found, ...]]:
    """For each record the files of its folder; those that lie nearer to no run belong to all.

    Args:
        records: The runs.
        files: Every script, or every data file, that was found.
    """
    homes = [record.files[0].rpartition("/")[0] if record.files else "" for record in records]
    known = set(homes)

    def belongs(file: Found, home: str) -> bool:
        if file.folder in known:
            return file.folder == home
        return file.folder == home or not home or file.folder.startswith(f"{home}/") or home.startswith(file.folder)

    return [tuple(file for file in files if belongs(file, home)) for home in homes]


def read_code(paths: Sequence[ScriptPath], *, names: Mapping[Path, str] | None = None) -> Code:
    """Follow the scripts of a run and ask every rule about them.

    Args:
        paths: The scripts.
        names: Where the scripts were found beside a log: how to call them. Then too many of them are left alone, and
            none of them need be readable.

    Raises:
        ReadError: If a script that the user named cannot be read.
    """
    if not paths:
        return Code()
    if names is not None and (len(paths) > MOST_SCRIPTS or sum(map(_size, paths)) > MOST_BYTES):
        says = f"{len(paths):,} scripts lie here, too many to know which one made the run: name it with `--script`"
        return Code(damage=(Damage(says, Source("", key="scripts")),))
    from trainclinic.script.configured import settings_of
    from trainclinic.script.examine import verdicts_of
    from trainclinic.script.program.program import build_program
    from trainclinic.script.sources.project import read_project

    try:
        project = read_project(paths)
    except ReadError:
        if names is None:
            raise
        return Code()
    program = build_program(project.named(names or {}))
    if not any(file.tree is not None for file in program.project.files):
        return Code(damage=_troubles(program.project))
    settings = settings_of(program)
    damage = _troubles(program.project)
    return Code(verdicts_of(program), tuple(settings.facts), tuple(settings.other_facts), damage)


def _troubles(project: Project) -> tuple[Damage, ...]:
    return (*project.damage, *(damage for file in project.files for damage in file.trouble))


def _size(path: ScriptPath) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0
