"""An index on disk: a folder per version, a pointer to the one that counts, and check sums of every file.

A version is written aside and becomes the current one by replacing the pointer, so that a crash leaves the old version
as it was. It does not know what the files mean.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trainclinic.record.errors import TrainclinicError

FORMAT = "trainclinic-index"
VERSION = 1
POINTER = "CURRENT"
MANIFEST = "index.json"
_VERSIONS = "v-"
_BUILDING = "building-"
_STALE_SECONDS = 24 * 3600
_CHUNK = 1 << 20


def current(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The folder of the version that counts, and its manifest; every file is as it was written.

    Args:
        folder: Folder of the index.

    Raises:
        TrainclinicError: If it is no index, is damaged, or was written by another version.
    """
    if not (folder / POINTER).is_file():
        message = f"`{folder}` is no index: it holds no file `{POINTER}`"
        raise TrainclinicError(message, hint=f"make one with `trainclinic index DATA -o {folder}`")
    name = _named(folder)
    if not name:
        raise damaged(folder, f"`{POINTER}` names no version")
    try:
        manifest = json.loads((folder / name / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(folder, f"`{MANIFEST}` cannot be read") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise damaged(folder, f"`{MANIFEST}` is none of an index")
    if manifest.get("version") != VERSION:
        message = f"`{folder}` has format `{manifest.get('version')}` of an index, expected `{VERSION}`"
        raise TrainclinicError(message, hint=_rebuild(folder))
    _check(folder, folder / name, manifest)
    return folder / name, manifest


def damaged(folder: Path, why: str) -> TrainclinicError:
    """The error for an index that is broken.

    Args:
        folder: Folder of the index.
        why: What was found, a clause.
    """
    return TrainclinicError(f"the index `{folder}` is damaged: {why}", hint=_rebuild(folder))


def _rebuild(folder: Path) -> str:
    return f"rebuild with `trainclinic index DATA -o {folder} --rebuild`"


def _check(folder: Path, version: Path, manifest: Mapping[str, Any]) -> None:
    files = manifest.get("files")
    if not isinstance(files, dict) or manifest.get("seal") != _seal(manifest):
        raise damaged(folder, f"`{MANIFEST}` was changed")
    for name, expected in files.items():
        try:
            found = _sum(version / name)
        except OSError as error:
            raise damaged(folder, f"`{name}` is missing") from error
        if found != expected:
            raise damaged(folder, f"`{name}` is not as it was written")


def _seal(manifest: Mapping[str, Any]) -> str:
    told = {key: value for key, value in manifest.items() if key != "seal"}
    return f"{zlib.crc32(json.dumps(told, sort_keys=True).encode()):08x}"


def _sum(path: Path) -> str:
    total = 0
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            total = zlib.crc32(chunk, total)
    return f"{total:08x}"


def is_index(folder: Path) -> bool:
    """Whether a folder is an index, whole or damaged.

    Args:
        folder: Any folder.
    """
    return bool(_named(folder))


def refuse_foreign(folder: Path) -> None:
    """Keep files that are no index from being mixed with one.

    Args:
        folder: Where an index is to be written.

    Raises:
        TrainclinicError: If it is a file, or a folder that holds something else.
    """
    if folder.exists() and not folder.is_dir():
        message = f"`{folder}` is a file, expected a folder for the index"
        raise TrainclinicError(message, hint="name another folder")
    if folder.is_dir() and not (folder / POINTER).is_file():
        others = [path.name for path in folder.iterdir() if not path.name.startswith((_BUILDING, _VERSIONS))]
        if others:
            message = f"`{folder}` holds files that are no index, such as `{sorted(others)[0]}`"
            raise TrainclinicError(message, hint="name another folder")


@contextmanager
def new_version(folder: Path) -> Iterator[Path]:
    """An empty folder to write a version into; `publish` makes it count, else it is removed.

    Args:
        folder: Folder of the index; it is made.

    Raises:
        TrainclinicError: If nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder)
        aside = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=folder))
    except OSError as error:
        message = f"`{folder}` cannot be written: {error.strerror or error}"
        raise TrainclinicError(message, hint="check that you may write there") from error
    try:
        yield aside
    except OSError as error:
        message = f"the index `{folder}` could not be written: {error.strerror or error}"
        raise TrainclinicError(message, hint="check the space on the disk; an earlier index is unchanged") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def publish(folder: Path, aside: Path, told: Mapping[str, Any]) -> None:
    """Seal a version, make it the one that counts, and remove the one before.

    Args:
        folder: Folder of the index.
        aside: What `new_version` gave, filled.
        told: What the manifest says beside the format and the files.

    Raises:
        OSError: If it cannot be written.
    """
    files = {path.relative_to(aside).as_posix(): _sum(path) for path in sorted(aside.rglob("*")) if path.is_file()}
    manifest: dict[str, Any] = {"format": FORMAT, "version": VERSION, **told, "files": files}
    manifest["seal"] = _seal(json.loads(json.dumps(manifest)))
    (aside / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    for path in aside.rglob("*"):
        if path.is_file():
            _to_disk(path)
    version = folder / f"{_VERSIONS}{aside.name.removeprefix(_BUILDING)}"
    aside.rename(version)
    before = _named(folder)
    pointer = folder / f"{_BUILDING}{version.name}.pointer"
    pointer.write_text(version.name, encoding="utf-8")
    _to_disk(pointer)
    pointer.replace(folder / POINTER)
    if before and before != version.name:
        shutil.rmtree(folder / before, ignore_errors=True)


def _named(folder: Path) -> str:
    """The version that the pointer names; empty when it names none."""
    try:
        name = (folder / POINTER).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""
    return name if name.startswith(_VERSIONS) and Path(name).name == name else ""


def _to_disk(path: Path) -> None:
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())


def _remove_leftovers(folder: Path) -> None:
    """What builds that were killed left behind, unless they may still be running."""
    counts = _named(folder)
    for left in (*folder.glob(f"{_BUILDING}*"), *folder.glob(f"{_VERSIONS}*")):
        if left.name != counts and time.time() - left.stat().st_mtime > _STALE_SECONDS:
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
