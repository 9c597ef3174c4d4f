"""Compressed files and standard input, copied into a folder of their own for as long as they are read.

Only members that may be logs are copied, up to a bound that counts what really comes out. A member whose path leads out
of its archive is refused, links are left alone. Archives inside archives stay packed; encrypted ones are refused.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import sys
import tarfile
import tempfile
import weakref
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from trainclinic.readers.folders.discover import Found, wanted_file, wanted_folder
from trainclinic.readers.redact import redact
from trainclinic.record.errors import ReadError
from trainclinic.record.parts import Damage
from trainclinic.record.source import Source

if TYPE_CHECKING:
    from trainclinic.readers.folders.discover import Discovered

MAX_BYTES = 2 * 1024**3
"""All that one call unpacks, together."""
MAX_MEMBERS = 20_000
CHUNK = 1_048_576
STDIN = "-"
_MAGIC = {
    b"\x1f\x8b": ".gz",
    b"PK\x03\x04": ".zip",
    b"BZh": ".bz2",
    b"\xfd7zXZ\x00": ".xz",
    b"\x28\xb5\x2f\xfd": ".zst",
}
_ONE_FILE = frozenset((".gz", ".bz2", ".xz", ".zst"))
_SUFFIXES = frozenset((*_ONE_FILE, ".zip", ".tar", ".tgz"))
_LOGS = frozenset((".log", ".txt", ".out", ".err", ".jsonl", ".csv", ".tsv", ".ipynb"))
_STDIN_NAMES = ("console.log", "metrics.jsonl", "run.json", "metrics.csv")
_FAILURES = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zlib.error, lzma.LZMAError,
             zipfile.BadZipFile, tarfile.TarError)  # fmt: skip


class Unpacked:
    """A temporary folder with what was unpacked; it goes when this object goes.

    Args:
        limit: Bytes that may come out.
    """

    def __init__(self, limit: int = MAX_BYTES) -> None:
        self.damage: list[Damage] = []
        self._room = limit
        self._limit = limit
        self._folder: Path | None = None
        self._count = 0

    def unpack(self, found: Discovered) -> None:
        """Put the members of compressed files into their place; those below a folder only when named like logs."""
        files: list[Found] = []
        for file in found.files:
            kind = _kind_of(file)
            if not kind:
                files.append(file)
            elif file.asked or (kind in _ONE_FILE and _is_log(file.path.name)):
                files += self._members(file, kind)
            else:
                found.skipped += 1
        found.files = files
        found.damage += self.damage

    def add_stdin(self, found: Discovered) -> None:
        """Copy standard input and add it to what was found, as `stdin`.

        Raises:
            ReadError: If nothing comes in.
        """
        path = self._new_place() / _STDIN_NAMES[0]
        self._copy(sys.stdin.buffer, path, "stdin")
        if not path.stat().st_size:
            message = "standard input is empty"
            raise ReadError(message, hint="pipe a log into the command: `trainclinic diagnose - < train.log`")
        file = Found(path, "stdin", "", asked=True, target=1 + max((one.target for one in found.files), default=-1))
        if not _kind_of(file):
            file = replace(file, path=_named_by_content(path))
        found.files.append(file)
        found.title = found.title or "stdin"

    def _members(self, file: Found, kind: str) -> Iterator[Found]:
        try:
            if kind in _ONE_FILE and not _is_tar(file.path, kind):
                yield self._one(file, kind)
            elif kind == ".zip":
                yield from self._of_zip(file)
            else:
                yield from self._of_tar(file, kind)
        except ReadError as error:
            if file.asked:
                raise
            self._note(error.message, file.name)
        except _FAILURES as error:
            says = f"cannot be unpacked to its end: {str(error) or type(error).__name__}".rstrip(".")
            self._note(says, file.name)

    def _one(self, file: Found, kind: str) -> Found:
        inner = file.path.name
        inner = inner[: -len(kind)] if inner.lower().endswith(kind) and len(inner) > len(kind) else inner
        path = self._new_place() / inner
        path.touch()
        try:
            with _opened(file.path, kind) as stream:
                self._copy(stream, path, file.name)
        except _FAILURES as error:
            self._note(_torn(error), file.name)
        return replace(file, path=_named_by_content(path) if not PurePosixPath(inner).suffix else path)

    def _of_zip(self, file: Found) -> Iterator[Found]:
        with zipfile.ZipFile(file.path) as archive:
            place = self._new_place()
            for member in archive.infolist():
                if member.is_dir() or not self._is_wanted(member.filename, file):
                    continue
                if member.flag_bits & 1:
                    self._note("member is encrypted", f"{file.name}/{redact(member.filename)}")
                    continue
                with archive.open(member) as stream:
                    yield self._member(file, place, member.filename, stream)

    def _of_tar(self, file: Found, kind: str) -> Iterator[Found]:
        place = self._new_place()
        with (
            _opened(file.path, kind) if kind in _ONE_FILE else file.path.open("rb") as raw,
            tarfile.open(fileobj=raw, mode="r|" if kind in _ONE_FILE else "r|*") as archive,
        ):
            for member in archive:
                if member.isfile() and self._is_wanted(member.name, file):
                    stream = archive.extractfile(member)
                    if stream is not None:
                        yield self._member(file, place, member.name, stream)

    def _is_wanted(self, name: str, file: Found) -> bool:
        """Whether a member may be a log and stays inside its archive."""
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if not parts or ".." in parts or parts[0] in {"/", "//"} or ":" in parts[0]:
            self._note("member whose path leads out of the archive was refused", file.name)
            return False
        self._count += 1
        if self._count > MAX_MEMBERS:
            self._note(f"members after the first {MAX_MEMBERS:,} were not read", file.name)
            return False
        return wanted_file(parts[-1]) and all(map(wanted_folder, parts[:-1])) and parts[0] != "__MACOSX"

    def _member(self, file: Found, place: Path, member: str, stream: Any) -> Found:
        parts = PurePosixPath(member.replace("\\", "/")).parts
        path = place.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        name = redact("/".join((file.name, *parts)))
        try:
            self._copy(stream, path, name)
        except _FAILURES as error:
            self._note(_torn(error), name)
        return Found(path, name, name.rpartition("/")[0], asked=False, target=file.target)

    def _copy(self, stream: Any, path: Path, name: str) -> None:
        with path.open("wb") as out:
            while data := stream.read1(CHUNK):
                out.write(data[: self._room])
                self._room -= len(data)
                if self._room < 0:
                    self._room = 0
                    self._note(f"unpacks to more than {self._limit:,} bytes, the rest was not read", name)
                    return

    def _note(self, says: str, name: str) -> None:
        for at, known in enumerate(self.damage):
            if known.says == says:
                self.damage[at] = replace(known, count=known.count + 1)
                return
        self.damage.append(Damage(says, Source(name)))

    def _new_place(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="trainclinic-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=self._folder))


def _torn(error: Exception) -> str:
    return f"torn in the middle, read up to there: {str(error) or type(error).__name__}".rstrip(".")


def _kind_of(file: Found) -> str:
    """How a file is compressed: by its ending, or by its first bytes when the user named it; empty when it is not."""
    suffix = file.path.suffix.lower()
    if file.path.name == "training_args.bin":  # a zip of torch
        return ""
    if not file.asked:
        return suffix if suffix in _SUFFIXES else ""
    with suppress(OSError), file.path.open("rb") as handle:
        head = handle.read(512)
        if _is_tar_head(head):
            return ".tar"
        return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "")
    return ""


def _is_tar_head(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _is_log(name: str) -> bool:
    inner = PurePosixPath(PurePosixPath(name).stem.lower())
    return inner.suffix in _LOGS or "tfevents" in inner.name


def _is_tar(path: Path, kind: str) -> bool:
    with suppress(*_FAILURES), _opened(path, kind) as stream:
        return _is_tar_head(stream.read(512))
    return False


def _opened(path: Path, kind: str) -> IO[bytes]:
    """The unpacked bytes of a file, as a stream.

    Raises:
        ReadError: If `zstandard` is needed and not installed.
    """
    if kind == ".zst":
        return _zstandard(path)
    opener: Any = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}[kind]
    return opener(path, "rb")  # type: ignore[no-any-return]


def _zstandard(path: Path) -> IO[bytes]:
    try:
        import zstandard
    except ImportError:
        message = f"`{path.name}` needs `zstandard`, which is not installed"
        raise ReadError(message, hint="install it with `pip install zstandard`, or unpack the file first") from None

    class Stream(io.RawIOBase):
        """The unpacked bytes; a damaged frame is a failure of reading like any other."""

        def __init__(self) -> None:
            self._reader = zstandard.ZstdDecompressor().stream_reader(path.open("rb"), read_across_frames=True)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            try:
                return int(self._reader.readinto(buffer))
            except zstandard.ZstdError as error:
                raise OSError(str(error)) from error

        def close(self) -> None:
            self._reader.close()  # type: ignore[no-untyped-call]
            super().close()

    return io.BufferedReader(Stream())


def _named_by_content(path: Path) -> Path:
    """The file under the name that lets a reader recognise best what it holds."""
    from trainclinic.readers.file import LogFile
    from trainclinic.readers.reader import all_readers

    best, score = path, 0.0
    for name in _STDIN_NAMES:
        path = path.rename(path.with_name(name))
        fits = max(reader.sniff(LogFile(path)) for reader in all_readers())
        if fits > score:
            best, score = path, fits
    return path.rename(best)
