"""Formats that are recognised but not read: each is refused with its name and what to do instead."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

ARCHIVE = "archives of this kind are not read"
_LOG_ARCHIVES = (".7z", ".rar")
_GIT_LFS = b"version https://git-lfs.github.com/spec/"


def why_name_refused(name: str) -> tuple[str, str] | None:
    """What a file is and what to do instead, when its name says that no reader takes it; else `None`."""
    path = PurePosixPath(name.lower())
    if path.suffix in _LOG_ARCHIVES:
        return ARCHIVE, "unpack it first"
    return None


def why_content_refused(file: LogFile) -> tuple[str, str] | None:
    """What a file is and what to do instead, when its first bytes say that there is nothing to read; else `None`."""
    if file.head.startswith(_GIT_LFS):
        return "a Git LFS pointer stands in for the file", "run `git lfs pull` to get the file itself"
    if file.path.name == "training_args.bin":  # a zip of torch
        return None
    if file.head.startswith((b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")):
        return "compressed, although its name does not say so", "give the file itself, or unpack it"
    return None
