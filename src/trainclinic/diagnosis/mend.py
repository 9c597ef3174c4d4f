"""Mend scripts: apply what rules propose, look again, and keep only what makes its alarm go and brings no other.

It knows the order of the work and which files may be touched. It does not know any rule, nor how an edit is made.
"""

from __future__ import annotations

import difflib
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from trainclinic.diagnosis.lint import is_silenced
from trainclinic.record.errors import ReadError, TrainclinicError
from trainclinic.script.alarm import Certainty, Edit
from trainclinic.script.examine import Found, examine
from trainclinic.script.mending.apply import apply_mendings
from trainclinic.script.mending.patch import Refused
from trainclinic.script.mending.script_file import ScriptFile, read_script, write_scripts
from trainclinic.script.places import Place

if TYPE_CHECKING:
    from trainclinic.diagnosis.lint import Lint
    from trainclinic.script.sources.project import Project
    from trainclinic.script.sources.source import SourceFile

MOST_ROUNDS = 10
"""Mendings whose code overlaps wait for the next round; code that still changes after so many has rules at odds."""


class Done(NamedTuple):
    """A mending that was kept.

    Attributes:
        code: The rule.
        place: Where its alarm was.
        says: What was done, as an imperative.
    """

    code: str
    place: Place
    says: str

    def __str__(self) -> str:
        """``train.py:3:1 `LBL001`: pass the batch as it is``."""
        return f"{self.place} `{self.code}`: {self.says}"


class Left(NamedTuple):
    """A mending that was refused or taken back.

    Attributes:
        code: The rule.
        place: Where its alarm is.
        reason: Why it was not made.
    """

    code: str
    place: Place
    reason: str

    def __str__(self) -> str:
        """``train.py:3:1 `LBL001`: the file is read-only``."""
        return f"{self.place} `{self.code}`: {self.reason}"


@dataclass(frozen=True, slots=True)
class Mended:
    """What was mended, and what was not.

    Attributes:
        diff: The changes of all files, as `git apply` takes them; empty when there are none.
        applied: What was done, in order.
        left: What was not, each with the reason.
        files: Names of the files that change.
    """

    diff: str
    applied: tuple[Done, ...]
    left: tuple[Left, ...]
    files: tuple[str, ...]


def mend(found: Lint, *, unsafe: bool, write: bool) -> Mended:
    """Mend what the rules know how to mend, for alarms that are shown and at least likely.

    A mending is kept only when its alarm is gone afterwards, every file can be parsed, and no new alarm has come.

    Args:
        found: What was found in some scripts.
        unsafe: Whether to make changes too that change the training.
        write: Whether to write the files; otherwise only the difference is returned.

    Raises:
        TrainclinicError: If there is something to mend and libcst is not installed, or a file cannot be written.
    """
    jobs = _jobs(found.alarms, unsafe=unsafe)
    if not jobs:
        return Mended("", (), (), ())
    files, barred = _files(found.project, jobs, write=write)
    shop = _Workshop(found, files, barred, unsafe=unsafe)
    for _ in range(MOST_ROUNDS):
        if not shop.round():
            break
    changed = [file for name, file in shop.view.files.items() if file.data != files[name].data]
    if write:
        _write(changed, files)
    return Mended(
        diff="".join(_difference(file.name, files[file.name].text, file.text) for file in changed),
        applied=tuple(shop.applied),
        left=tuple(shop.left()),
        files=tuple(file.name for file in changed),
    )


@dataclass(frozen=True)
class _Job:
    """One mending and the alarms that propose it: two rules may want the same change."""

    edits: tuple[Edit, ...]
    alarms: tuple[Found, ...]

    @property
    def names(self) -> list[str]:
        """The files that it reaches into."""
        places = [place for edit in self.edits for place in (edit.place, edit.target) if place is not None]
        return sorted({place.path for place in places})

    @property
    def key(self) -> tuple[object, ...]:
        """What stays the same when lines above are added or taken away."""
        first = self.alarms[0].alarm
        edits = tuple((edit.kind, edit.code, edit.name, edit.new_name, edit.place.column) for edit in self.edits)
        return self.alarms[0].rule.code, first.says, first.place.path, first.place.cell, edits


def _jobs(alarms: Iterable[Found], *, unsafe: bool) -> list[_Job]:
    by_edits: dict[tuple[Edit, ...], list[Found]] = {}
    for one in alarms:
        mending = one.alarm.mending
        if mending is None or not mending.edits or one.alarm.certainty < Certainty.LIKELY:
            continue
        if unsafe or mending.safety == "safe":
            by_edits.setdefault(mending.edits, []).append(one)
    return [_Job(edits, tuple(held)) for edits, held in by_edits.items()]


def _files(project: Project, jobs: Sequence[_Job], *, write: bool) -> tuple[dict[str, ScriptFile], dict[str, str]]:
    """The files that may be changed, and for the others that the mendings reach into why not."""
    held = {file.name: file for file in project.files}
    files: dict[str, ScriptFile] = {}
    barred: dict[str, str] = {}
    for name in sorted({name for job in jobs for name in job.names}):
        opened = _opened(name, held.get(name), write=write)
        if isinstance(opened, str):
            barred[name] = opened
        else:
            files[name] = opened
    return files, barred


def _opened(name: str, source: SourceFile | None, *, write: bool) -> ScriptFile | str:
    """A file for mending, or why it must stay as it is."""
    from trainclinic.script.sources.source import read_source

    if source is None or not source.asked:
        return f"`{name}` is not among the scripts that were to be looked at"
    try:
        file = read_script(name, source.path)
    except ReadError as error:
        return error.message
    if read_source(source.path, name).text != source.text:
        return f"`{name}` was changed since it was looked at"
    return f"`{name}` is read-only" if write and file.is_read_only else file


@dataclass(frozen=True)
class _View:
    """The files in one state, and what the rules say about it.

    Attributes:
        files: The files that may be changed, by name.
        alarms: Alarms that the user wants to hear and that are at least likely.
        broken: Files that cannot be parsed, and rules that broke off.
    """

    files: Mapping[str, ScriptFile]
    alarms: tuple[Found, ...]
    broken: frozenset[str]


@dataclass(frozen=True)
class _Attempt:
    """What came of some mendings: a state to keep, or why not to keep it."""

    view: _View
    done: tuple[_Job, ...]
    objection: str = ""


class _Workshop:
    """Files between their first state and the mended one.

    Attributes:
        view: The files as they are now.
        applied: What was done so far.
    """

    def __init__(
        self, found: Lint, files: Mapping[str, ScriptFile], barred: Mapping[str, str], *, unsafe: bool
    ) -> None:
        self._found, self._barred, self._unsafe = found, barred, unsafe
        self._refused: dict[tuple[object, ...], str] = {}
        self._taken_back: dict[tuple[object, ...], str] = {}
        self.view = self._examined(files, found.project)
        self.applied: list[Done] = []

    def round(self) -> bool:
        """Mend what can be mended together; whether there is reason to go on."""
        before = len(self.applied), len(self._taken_back)
        jobs = [job for job in self._wanted() if not self._verdict(job)]
        attempt = self._attempt(jobs)
        if attempt.objection and len(attempt.done) > 1:
            alone = [job for job in attempt.done if self._is_good_alone(job)]
            attempt = self._attempt(alone)
            if attempt.objection:
                attempt = self._attempt(alone[:1])
        elif attempt.objection:
            self._taken_back[attempt.done[0].key] = attempt.objection
        if not attempt.objection:
            self.view = attempt.view
            self.applied += [done for job in attempt.done for done in _done(job)]
        return (len(self.applied), len(self._taken_back)) != before

    def left(self) -> list[Left]:
        """What is still to be mended, and why it was not."""
        late = f"the code still changed after {MOST_ROUNDS} rounds"
        return [
            Left(one.rule.code, one.alarm.place, self._verdict(job) or self._refused.get(job.key) or late)
            for job in self._wanted()
            for one in job.alarms
        ]

    def _wanted(self) -> list[_Job]:
        shown = [one for one in self.view.alarms if one.alarm.certainty >= self._found.preferences.certainty]
        return _jobs(shown, unsafe=self._unsafe)

    def _verdict(self, job: _Job) -> str:
        """Why a mending is out of the question; empty when it is not."""
        barred = next((self._barred[name] for name in job.names if name in self._barred), "")
        return barred or self._taken_back.get(job.key, "")

    def _is_good_alone(self, job: _Job) -> bool:
        objection = self._attempt([job]).objection
        if objection:
            self._taken_back[job.key] = objection
        return not objection

    def _attempt(self, jobs: Sequence[_Job]) -> _Attempt:
        """Carry out mendings on the present state and look at the result."""
        texts = {unit: text for file in self.view.files.values() for unit, text in file.units.items()}
        applied = apply_mendings(texts, [job.edits for job in jobs])
        self._refused = {jobs[number].key: reason for number, reason in applied.refused.items()}
        done = tuple(jobs[number] for number in applied.done)
        if not done:
            return _Attempt(self.view, ())
        try:
            files = {name: file.with_text(file.edited(applied.texts)) for name, file in self.view.files.items()}
        except (Refused, TrainclinicError) as error:
            return _Attempt(self.view, done, error.message if isinstance(error, TrainclinicError) else str(error))
        view = self._examined(files, _project_with(self._found.project, files))
        return _Attempt(view, done, _objection(self.view, view, done))

    def _examined(self, files: Mapping[str, ScriptFile], project: Project) -> _View:
        from trainclinic.script.program.program import build_program

        examined = examine(build_program(project), self._found.rules)
        sources = {file.name: file for file in project.files}
        heard = tuple(
            one
            for one in examined.alarms
            if one.alarm.certainty >= Certainty.LIKELY and not is_silenced(one, sources, self._found.preferences)
        )
        unread = {f"`{file.name}` cannot be parsed" for file in project.files if file.tree is None}
        return _View(files, heard, frozenset(unread | {trouble.says for trouble in examined.troubles}))


def _project_with(project: Project, files: Mapping[str, ScriptFile]) -> Project:
    """A project as it would be with other files on the disk: each is read from a copy and keeps its name and path."""
    from trainclinic.script.sources.source import read_source

    def read(source: SourceFile) -> SourceFile:
        file = files.get(source.name)
        if file is None:
            return source
        copy = folder / source.path.name
        copy.write_bytes(file.data)
        return replace(read_source(copy, source.name, asked=source.asked), path=source.path)

    with tempfile.TemporaryDirectory(prefix="trainclinic-") as made:
        folder = Path(made)
        return replace(project, files=tuple(read(source) for source in project.files))


def _objection(before: _View, after: _View, done: Sequence[_Job]) -> str:
    """Why a state must not be kept; empty when it may be."""
    broken = after.broken - before.broken
    if broken:
        return f"afterwards, {min(broken)}"
    old, new = _counted(before.alarms), _counted(after.alarms)
    for one in after.alarms:
        kind = one.rule.code, one.alarm.place.path
        if new[kind] > old[kind]:
            return f"it would bring a new alarm, `{one.rule.code}`: {one.alarm.says}"
    mended = _counted([one for job in done for one in job.alarms])
    if any(new[kind] > old[kind] - count for kind, count in mended.items()):
        return "the alarm would stay"
    return ""


def _counted(alarms: Iterable[Found]) -> Counter[tuple[str, str]]:
    return Counter((one.rule.code, one.alarm.place.path) for one in alarms)


def _done(job: _Job) -> list[Done]:
    alarms = [(one.rule.code, one.alarm) for one in job.alarms]
    return [Done(code, alarm.place, alarm.mending.says) for code, alarm in alarms if alarm.mending is not None]


def _write(changed: Sequence[ScriptFile], originals: Mapping[str, ScriptFile]) -> None:
    for file in changed:
        if originals[file.name].is_changed_on_disk:
            message = f"`{file.name}` was changed while it was being mended, nothing was written"
            raise TrainclinicError(message, hint="save it, and mend again")
    write_scripts({file.path: file.data for file in changed})


def _difference(name: str, old: str, new: str) -> str:
    """A unified diff of one file."""
    path = name.lstrip("/")
    lines = difflib.unified_diff(_lines(old), _lines(new), f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    """Lines with their line feeds, as diffs count them."""
    return [line for line in re.split(r"(?<=\n)", text) if line]
