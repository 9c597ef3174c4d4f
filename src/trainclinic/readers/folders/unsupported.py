"""Formats that are recognised but not read: each is refused with its name and what to do instead."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile

_INSTEAD = "export the run as CSV or JSON lines, or give the console log"
_LOG_ARCHIVES = (".gz", ".zip", ".bz2", ".xz", ".zst", ".tar", ".tgz", ".7z", ".rar")
_GIT_LFS = b"version https://git-lfs.github.com/spec/"


def why_name_refused(name: str) -> tuple[str, str] | None:
    """What a file is and what to do instead, when its name says that no reader takes it; else `None`."""
    path = PurePosixPath(name.lower())
    if "tfevents" in path.name:
        return "TensorBoard event files are not read yet", _INSTEAD
    if path.suffix == ".wandb":
        return "Weights & Biases run files are not read yet", _INSTEAD
    if path.suffix == ".ipynb":
        return "notebooks are not read yet", "save the output of the training cell as a text file"
    in_store = "mlruns" in path.parts and "metrics" in path.parts
    if path.name == "mlflow.db" or in_store or (path.name.startswith("mlflow.") and path.parent.name == "tags"):
        return "MLflow stores are not read yet", _INSTEAD
    if path.suffix in _LOG_ARCHIVES:
        return "compressed files are not read yet", "unpack it first"
    return None


def why_content_refused(file: LogFile) -> tuple[str, str] | None:
    """What a file is and what to do instead, when its first bytes say that there is nothing to read; else `None`."""
    if file.head.startswith(_GIT_LFS):
        return "a Git LFS pointer stands in for the file", "run `git lfs pull` to get the file itself"
    if file.path.name == "training_args.bin":  # a zip of torch
        return None
    if file.head.startswith((b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")):
        return "compressed files are not read yet", "unpack it first"
    if file.head.startswith(b"SQLite format 3\x00"):
        return "databases are not read yet", _INSTEAD
    return None
