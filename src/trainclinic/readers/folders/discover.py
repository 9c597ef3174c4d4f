"""Which files the user means: folders walked once and without loops, globs expanded, names as the user would say them.

It knows names and places only; what is inside a file is not looked at here.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from trainclinic.readers.folders.checkpoint_names import checkpoint_step
from trainclinic.readers.redact import redact
from trainclinic.record.errors import ReadError
from trainclinic.record.parts import Checkpoint, Damage
from trainclinic.record.source import Source

Target = str | os.PathLike[str]

MAX_ENTRIES = 200_000
"""A run folder has some hundred files; who points at a whole disk should be told so instead of waiting."""

# fmt: off
SKIPPED_FOLDERS = frozenset((
    "__pycache__", "node_modules", "site-packages", "dist-packages", "venv", "env", "virtualenv", "conda-meta",
    "build", "dist",
))
# Weights, pictures, archives of data, code: no log has these endings, and opening thousands of them takes time.
SKIPPED_SUFFIXES = frozenset((
    ".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".ggml", ".npz", ".npy", ".h5", ".hdf5", ".onnx",
    ".msgpack", ".model", ".spm", ".pkl", ".pickle", ".joblib", ".tflite", ".pb", ".mlmodel", ".distcp", ".png",
    ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".svg", ".ico", ".tif", ".tiff", ".pdf", ".eps", ".wav", ".mp3",
    ".flac", ".ogg", ".mp4", ".avi", ".mov", ".mkv", ".webm", ".7z", ".rar",
    ".whl", ".egg", ".jar", ".deb", ".rpm", ".iso", ".pyc", ".pyi", ".pyx", ".so", ".dll", ".dylib", ".exe",
    ".o", ".a", ".c", ".cc", ".cpp", ".cu", ".cuh", ".h", ".hpp", ".js", ".ts", ".jsx", ".tsx", ".css", ".scss",
    ".html", ".htm", ".java", ".go", ".rs", ".rb", ".php", ".lock", ".parquet", ".arrow", ".feather", ".sqlite",
    ".tfrecord", ".lmdb", ".mdb", ".idx", ".woff", ".woff2", ".ttf", ".docx", ".xlsx", ".pptx", ".tex", ".bib",
    ".rst",
))
SKIPPED_NAMES = frozenset((
    "tokenizer.json", "vocab.json", "vocab.txt", "merges.txt", "preprocessor_config.json",
    "package.json", "package-lock.json", "license", "license.txt", "license.md", ".gitattributes",
))
# fmt: on
_KEPT = frozenset(("training_args.bin",))


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be read.

    Attributes:
        path: Where it is.
        name: How the user would name it: relative to the folder that was given, with `/`.
        folder: The folder part of that name; empty at the top.
        asked: Whether the user named this very file.
        target: Which of the given paths it was found under, from 0.
    """

    path: Path
    name: str
    folder: str
    asked: bool = False
    target: int = 0


@dataclass(slots=True)
class Discovered:
    """Everything below what the user pointed at.

    Attributes:
        title: Name for the whole: the one folder or file that was given.
        files: Files to look into.
        checkpoints: Checkpoint folders and weight files that carry a step in their name, by containing folder.
        skipped: Number of files left alone because of their name.
        damage: Folders that could not be listed.
    """

    title: str = ""
    files: list[Found] = field(default_factory=list)
    checkpoints: dict[str, list[Checkpoint]] = field(default_factory=dict)
    skipped: int = 0
    damage: list[Damage] = field(default_factory=list)


def discover(targets: Iterable[Target]) -> Discovered:
    """List the files below the targets.

    Args:
        targets: Folders, files or glob patterns.

    Raises:
        ReadError: If no target is given, one does not exist, or a pattern matches nothing.
    """
    paths = [path for target in targets for path in _expand(target)]
    if not paths:
        message = "nothing to read: no path was given"
        raise ReadError(message, hint="give a run folder, a log file or a pattern such as `runs/*`")
    found = Discovered(title=_title(paths))
    seen: set[tuple[int, int]] = set()
    for number, path in enumerate(paths):
        prefix = "" if len(paths) == 1 else _shown(path)
        if path.is_dir():
            _Walk(found, path, seen, number).walk(prefix)
        elif _is_new(path, seen):
            name = prefix or redact(path.name)
            found.files.append(Found(path, name, name.rpartition("/")[0], asked=True, target=number))
    return found


def _expand(target: Target) -> list[Path]:
    text = os.fspath(target)
    path = Path(text).expanduser()
    if path.exists():
        return [path]
    if glob.has_magic(text):
        matches = sorted(glob.glob(str(path), recursive=True), key=natural)  # noqa: PTH207 (absolute and relative patterns alike)
        if matches:
            return [Path(match) for match in matches]
        message = f"`{text}` matches no file"
        raise ReadError(message, hint="put the pattern in quotes, and check it with `ls`")
    message = f"`{redact(text)}` does not exist"
    raise ReadError(message, hint=_similar(path) or "give a run folder, a log file or a pattern such as `runs/*`")


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts `run2` before `run10`."""
    return [(int(piece), "") if piece.isdecimal() else (0, piece) for piece in re.split(r"(\d{1,18})", name)]


def _similar(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    import difflib

    close = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean `{path.parent / close[0]}`?" if close else ""


def _title(paths: list[Path]) -> str:
    if len(paths) != 1:
        return redact(os.path.commonpath([path.absolute() for path in paths]).rpartition("/")[2]) or "runs"
    return redact(paths[0].name or paths[0].resolve().name or "run")


def _shown(path: Path) -> str:
    return redact(Path(os.path.normpath(path)).as_posix())


def _is_new(path: Path, seen: set[tuple[int, int]]) -> bool:
    try:
        status = path.stat()
    except OSError:
        return True
    key = (status.st_dev, status.st_ino)
    new = key not in seen or key == (0, 0)  # file systems without inode numbers
    seen.add(key)
    return new


class _Walk:
    """One walk over a folder: plain folders first, links to folders last, no folder twice."""

    def __init__(self, found: Discovered, root: Path, seen: set[tuple[int, int]], number: int) -> None:
        self.number = number
        self.found = found
        self.root = root
        self.seen = seen
        self.links: list[tuple[str, str]] = []
        self.entries = 0

    def walk(self, prefix: str) -> None:
        """List everything below the root."""
        pending = [(str(self.root), prefix)]
        _is_new(self.root, self.seen)
        while pending or self.links:
            if not pending and self._was_walked(self.links[0][0]):
                self.links.pop(0)
                continue
            path, shown = pending.pop() if pending else self.links.pop(0)
            for child, name in self._list(path, shown):
                pending.append((child, name))
            if self.entries > MAX_ENTRIES:
                says = f"more than {MAX_ENTRIES:,} files and folders, the rest was not looked at"
                self.found.damage.append(Damage(says, Source(shown or self.found.title)))
                return

    def _list(self, path: str, shown: str) -> Iterator[tuple[str, str]]:
        """Take the files of one folder; yield its sub-folders, the last first (the caller's stack turns them)."""
        try:
            with os.scandir(path) as listing:
                entries = sorted(listing, key=lambda entry: entry.name, reverse=True)
        except OSError as error:
            says = f"folder cannot be listed: {error.strerror or error}"
            self.found.damage.append(Damage(says, Source(shown or self.found.title)))
            return
        self.entries += len(entries)
        if any(entry.name == "pyvenv.cfg" for entry in entries):
            return
        files, links = [], []
        for entry in entries:
            name = f"{shown}/{redact(entry.name)}" if shown else redact(entry.name)
            self._note_checkpoint(entry, name, shown)
            if entry.is_dir(follow_symlinks=False):
                if wanted_folder(entry.name) and _is_new(Path(entry.path), self.seen):
                    yield entry.path, name
            elif entry.is_symlink() and entry.is_dir():
                if wanted_folder(entry.name):
                    links.append((entry.path, name))
            elif not wanted_file(entry.name):
                self.found.skipped += 1
            elif entry.is_file() and (not entry.is_symlink() or _is_new(Path(entry.path), self.seen)):
                files.append(Found(Path(entry.path), name, shown, target=self.number))
        self.found.files.extend(reversed(files))
        self.links.extend(reversed(links))

    def _was_walked(self, link: str) -> bool:
        """Whether a link leads to a folder that was walked, or to one that contains the root."""
        target = os.path.realpath(link)
        inside = os.path.realpath(self.root)
        return inside.startswith(target.rstrip(os.sep) + os.sep) or not _is_new(Path(target), self.seen)

    def _note_checkpoint(self, entry: os.DirEntry[str], name: str, shown: str) -> None:
        step = checkpoint_step(entry.name, is_folder=entry.is_dir())
        if step is not None and checkpoint_step(shown.rpartition("/")[2], is_folder=True) is None:
            listing = self.found.checkpoints.setdefault(shown, [])
            listing.append(Checkpoint(step=step, path=name, source=Source(name)))


def wanted_folder(name: str) -> bool:
    """Whether a folder of this name may hold logs."""
    return not name.startswith(".") and name.lower() not in SKIPPED_FOLDERS


def wanted_file(name: str) -> bool:
    """Whether a file of this name may be a log, a configuration or a script."""
    lowered = name.lower()
    if lowered in _KEPT:
        return True
    if lowered in SKIPPED_NAMES or lowered.endswith(".index.json") or (name.startswith(".") and lowered != ".env"):
        return False
    return PurePosixPath(lowered).suffix not in SKIPPED_SUFFIXES
