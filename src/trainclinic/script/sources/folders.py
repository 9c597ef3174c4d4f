"""Folders around scripts: where a project begins, where its imports start, and how the user would name a file.

It knows the usual signs of a project (`.git`, `pyproject.toml` ...). It does not look into any file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

_SIGNS = (".git", "pyproject.toml", "setup.py", "setup.cfg")
_MOST_PARENTS = 4
"""A script lies at most this many folders below the top of its project; further up are other people's files."""


def real_path(path: str | Path) -> str:
    """A path without links, as text."""
    return os.path.realpath(path)


def is_inside(path: str, folder: str) -> bool:
    """Whether a real path is a folder or lies below it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def above_package(folder: Path) -> Path:
    """The folder that the outermost package around `folder` lies in; `folder` itself when it is no package."""
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        folder = folder.parent
    return folder


def up_to_project(path: Path) -> list[Path]:
    """The folder of a path and those above it, up to the top of the project; only the first where no project shows.

    Args:
        path: A file or folder.
    """
    first = _folder(path)
    above = [first, *first.parents][: _MOST_PARENTS + 1]
    top = next((at for at, folder in enumerate(above) if any((folder / sign).exists() for sign in _SIGNS)), 0)
    return above[: top + 1]


def import_roots(paths: Iterable[Path]) -> Iterator[Path]:
    """Folders from which absolute imports start.

    Args:
        paths: The files and folders that the user named.
    """
    for path in paths:
        folder = _folder(path)
        for root in (above_package(folder), above_package(up_to_project(path)[-1])):
            yield root
            if (root / "src").is_dir():
                yield root / "src"


class Names:
    """How the user would name files: from the working folder, else from the folder that was given.

    Args:
        given: The paths that the user named, as written.
    """

    def __init__(self, given: Sequence[Path]) -> None:
        self._here = Path.cwd()
        self._base: Path | None = None
        if given and all(path.is_absolute() for path in given):
            self._base = Path(os.path.commonpath([_folder(path) for path in given]))

    def __call__(self, path: Path) -> str:
        """The name of a file, with `/`."""
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 (a link keeps the name it was found by)
        base = self._here if self._base is None or absolute.is_relative_to(self._here) else self._base
        return Path(os.path.relpath(absolute, base)).as_posix()


def _folder(path: Path) -> Path:
    absolute = path.absolute()
    return absolute if absolute.is_dir() else absolute.parent
