"""Everything that the user pointed at, read: code, launch scripts, pinned versions, and which file an import means.

It knows folders and names. It does not know what a script does, and it asks neither the interpreter nor the network.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from trainclinic.readers.folders.discover import Discovered, Found, discover
from trainclinic.record.errors import ReadError
from trainclinic.record.parts import Damage
from trainclinic.record.source import Source
from trainclinic.script.garbage import garbage_stays
from trainclinic.script.sources.folders import Names, import_roots, real_path, up_to_project
from trainclinic.script.sources.imports import candidates, imports_of
from trainclinic.script.sources.launches import Launch, is_launch_script, launches_of_notebook, read_launches
from trainclinic.script.sources.source import SourceFile, read_source
from trainclinic.script.sources.versions import (
    INSTALLED,
    MENTIONED,
    Pin,
    installed_pins,
    rank_of,
    read_pins,
    versions_of,
)

DEEPEST_IMPORT = 4
"""Imports of imports that are followed from a file that the user named."""
MOST_IMPORTED = 200
"""Files that are read because others import them; a training script is spread over far fewer."""
SUFFIXES = frozenset({".py", ".ipynb"})
_HINT = "give a script, a notebook, a launch script, or a folder that holds some"

ScriptPath = str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class Project:
    """The files of a program.

    Attributes:
        files: What the user pointed at, in the order of the folders, then what these files import.
        launches: Commands of launch scripts and notebooks that start programs.
        damage: What could not be read at all; the trouble of each file stays with the file.
        versions: Exact versions of libraries that are pinned, each with its source.
        roots: Folders from which absolute imports start, besides the importer's own.
    """

    files: tuple[SourceFile, ...]
    launches: tuple[Launch, ...] = ()
    damage: tuple[Damage, ...] = ()
    versions: Mapping[str, tuple[str, Source]] = field(default_factory=dict)
    roots: tuple[Path, ...] = ()

    @cached_property
    def _by_path(self) -> dict[str, SourceFile]:
        return {real_path(file.path): file for file in self.files}

    @cached_property
    def _last_words(self) -> frozenset[str]:
        """How the name of an import ends that can mean one of the files: a module, or the folder of a package."""
        stems = {file.path.stem for file in self.files}
        return frozenset(stems | {file.path.parent.name for file in self.files if file.path.stem == "__init__"})

    @cached_property
    def _meant(self) -> dict[tuple[str, Path, int], SourceFile | None]:
        """Answers of `module`, which is asked for every attribute of a library."""
        return {}

    def named(self, names: Mapping[Path, str]) -> Project:
        """The same files under other names.

        Args:
            names: How to call a file, by its path; files that are not in it keep their name.
        """
        known = {real_path(path): name for path, name in names.items()}

        def renamed(file: SourceFile) -> SourceFile:
            name = known.get(real_path(file.path), file.name)
            trouble = tuple(replace(one, source=replace(one.source, path=name)) for one in file.trouble)
            return replace(file, name=name, trouble=trouble)

        return replace(self, files=tuple(map(renamed, self.files)))

    def module(self, dotted: str, importer: SourceFile, level: int = 0) -> SourceFile | None:
        """The file that an import means; `None` for libraries and everything else that is not among the files.

        Args:
            dotted: Name as written, without leading dots.
            importer: The file that imports.
            level: Number of leading dots.
        """
        if dotted and dotted.rpartition(".")[2] not in self._last_words:
            return None
        key = (dotted, importer.path, level)
        if key not in self._meant:
            paths = (real_path(path) for path in candidates(dotted, importer.path, level, self.roots))
            self._meant[key] = next((self._by_path[path] for path in paths if path in self._by_path), None)
        return self._meant[key]


def read_project(paths: Iterable[ScriptPath], *, exclude: Sequence[str] = ()) -> Project:
    """Read scripts, notebooks, launch scripts, and folders of them.

    Files that a script named here imports are read as well, so that values can be followed into them; of a launch
    script named here, the programs that it starts.

    Args:
        paths: Files, folders or glob patterns.
        exclude: Glob patterns of files or folders to leave out.

    Raises:
        ReadError: If a path does not exist, or there is no code at any of them.
    """
    targets = list(paths)
    try:
        found = discover(targets)
    except ReadError as error:
        is_telling = error.hint.startswith(("did you mean", "put the pattern"))
        raise ReadError(error.message, hint=error.hint if is_telling else _HINT) from error
    reading = _Reading(found, [Path(target).expanduser() for target in targets], exclude)
    with garbage_stays():
        reading.read()
    if not (reading.files or reading.launches):
        message = f"`{found.title}` holds no Python file, notebook or launch script"
        raise ReadError(message, hint="see whether `--exclude` leaves them all out" if exclude else _HINT)
    return reading.project()


class _Reading:
    """What has been read so far, each file once."""

    def __init__(self, found: Discovered, given: Sequence[Path], exclude: Sequence[str]) -> None:
        self.found = found
        self.given = [*(path for path in given if path.exists()), *(each.path for each in found.files if each.asked)]
        self.exclude = [pattern.removeprefix("./").rstrip("/") for pattern in exclude]
        self.name_of = Names(given)
        self.roots = tuple(dict.fromkeys(import_roots(self.given)))
        self.files: dict[str, SourceFile] = {}
        self.launches: list[Launch] = []
        self.damage: list[Damage] = list(found.damage)
        self.pins: list[Pin] = []

    def read(self) -> None:
        """Read what was found, and then what that leads to."""
        named = [file for each in self.found.files if (file := self._take(each)) is not None and each.asked]
        named += self._started_files()
        self._follow_imports(named)
        for folder in dict.fromkeys(folder for path in self.given for folder in up_to_project(path)):
            for path in _listed(folder):
                self._take_pins(path)

    def project(self) -> Project:
        """All of it."""
        for file in self.files.values():
            lines = enumerate(file.ast_lines, start=1)
            self.pins += installed_pins(MENTIONED, ((Source(file.name, number), line) for number, line in lines))
            run = ((file.lines_to_place(line, 1, line, 1).source, text) for text, line in file.shell_lines)
            self.pins += installed_pins(INSTALLED, run)
            self.launches += launches_of_notebook(file)
        versions = versions_of(self.pins)
        return Project(tuple(self.files.values()), tuple(self.launches), tuple(self.damage), versions, self.roots)

    def _take(self, each: Found) -> SourceFile | None:
        """Read one found file by its kind; the code in it, when it holds code."""
        name = self.name_of(each.path)
        if self._is_excluded(name) or self._is_excluded(each.name):
            return None
        if each.path.suffix.lower() in SUFFIXES:
            return self._take_code(each.path, asked=True)
        if is_launch_script(each.path):
            launches, damage = read_launches(each.path, name)
            self.launches += launches
            self.damage += damage
            self.pins += installed_pins(INSTALLED, _lines_of(each.path, name))
        elif rank_of(each.path) is not None:
            self._take_pins(each.path)
        elif each.asked:
            self.damage.append(Damage("is neither a Python file, a notebook nor a launch script", Source(name)))
        return None

    def _take_code(self, path: Path, *, asked: bool) -> SourceFile:
        key = real_path(path)
        if key not in self.files:
            self.files[key] = read_source(path, self.name_of(path), asked=asked)
        return self.files[key]

    def _take_pins(self, path: Path) -> None:
        if rank_of(path) is not None:
            self.pins += read_pins(path, self.name_of(path))

    def _is_excluded(self, name: str) -> bool:
        whole = PurePosixPath(name)
        ways = {name, *whole.parts, *(str(parent) for parent in whole.parents)}
        return any(fnmatch.fnmatch(way, pattern) for pattern in self.exclude for way in ways)

    def _started_files(self) -> Iterator[SourceFile]:
        """Programs that the launch scripts start which the user named."""
        named = {self.name_of(each.path): each.path for each in self.found.files if each.asked}
        for launch in self.launches:
            if launch.name not in named or not launch.script.endswith(".py"):
                continue
            folders = [Path.cwd(), *up_to_project(named[launch.name])]
            path = next((path for folder in folders if (path := folder / launch.script).is_file()), None)
            if path is not None and not self._is_excluded(self.name_of(path)):
                yield self._take_code(path, asked=True)

    def _follow_imports(self, fresh: Sequence[SourceFile]) -> None:
        """Read what some files import, and what that imports, breadth first."""
        allowed = len(self.files) + MOST_IMPORTED
        for _ in range(DEEPEST_IMPORT):
            paths = {real_path(path): path for file in fresh for path in self._imported_by(file)}
            new = [path for real, path in paths.items() if real not in self.files]
            if len(self.files) + len(new) > allowed:
                says = f"more than {MOST_IMPORTED} files are imported, the rest was not read"
                self.damage.append(Damage(says, Source(fresh[0].name)))
                new = new[: allowed - len(self.files)]
            fresh = [self._take_code(Path(path), asked=False) for path in new]
            if len(self.files) == allowed:
                break

    def _imported_by(self, file: SourceFile) -> Iterator[str]:
        for dotted, level in imports_of(file.tree) if file.tree is not None else ():
            paths = candidates(dotted, file.path, level, self.roots)
            found = next((path for path in paths if Path(path).is_file()), None)
            if found is not None and not self._is_excluded(self.name_of(Path(found))):
                yield found


def _lines_of(path: Path, name: str) -> Iterator[tuple[Source, str]]:
    text = path.read_text(encoding="utf-8", errors="replace")
    return ((Source(name, number), line) for number, line in enumerate(text.splitlines(), start=1))


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_file())
    except OSError:
        return []
