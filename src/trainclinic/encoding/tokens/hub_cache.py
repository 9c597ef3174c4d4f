"""The local cache of the Hugging Face hub: which folder holds a model that was downloaded before.

It knows the layout of the cache. It does not use the network.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

_NAME = re.compile(r"[\w.-]{1,96}(?:/[\w.-]{1,96})?")


def is_model_name(given: str) -> bool:
    """Whether a text can be the name of a model (`org/name`) and not only a path."""
    return bool(_NAME.fullmatch(given)) and given.strip("./") == given


def cached_snapshots(name: str) -> Iterator[Path]:
    """Folders of a model in the local caches, the one of the main branch first, then from new to old.

    Args:
        name: Name of the model (`org/name`).
    """
    for cache in cache_folders():
        model = cache / f"models--{name.replace('/', '--')}"
        snapshots = model / "snapshots"
        if not snapshots.is_dir():
            continue
        main = _main(model / "refs" / "main", snapshots)
        if main is not None:
            yield main
        others = [folder for folder in snapshots.iterdir() if folder.is_dir() and folder != main]
        yield from sorted(others, key=_age, reverse=True)


def cache_folders() -> list[Path]:
    """Where downloaded models may lie, most specific setting first."""
    found = [os.environ.get("HF_HUB_CACHE"), os.environ.get("HUGGINGFACE_HUB_CACHE")]
    home = os.environ.get("HF_HOME")
    data = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folders = [Path(path).expanduser() for path in found if path]
    folders += [Path(home).expanduser() / "hub"] if home else []
    return list(dict.fromkeys([*folders, data / "huggingface" / "hub"]))


def first_with(name: str, has_tokenizer: Callable[[Path], bool]) -> Path | None:
    """The first folder of a model that holds a tokenizer, `None` when there is none.

    Args:
        name: Name of the model (`org/name`).
        has_tokenizer: Whether a folder can be read as a tokenizer.
    """
    return next((folder for folder in cached_snapshots(name) if has_tokenizer(folder)), None)


def _main(reference: Path, snapshots: Path) -> Path | None:
    try:
        folder = snapshots / reference.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return folder if folder != snapshots and folder.parent == snapshots and folder.is_dir() else None


def _age(folder: Path) -> float:
    return folder.stat().st_mtime
