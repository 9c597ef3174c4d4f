"""Saved states of a run: which are whole, which are good, which to go on from.

A checkpoint is a folder `checkpoint-<step>`. It is whole when its seal, a small file that is written last and at once,
lists all its files with their sizes; a kill at any moment leaves the older whole ones as they were. It does not know
what is inside.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from trainclinic.record.errors import TrainclinicError

SEAL = "trainclinic.json"
State = Literal["unjudged", "good", "suspect"]
_NAME = re.compile(r"checkpoint-(\d+)")


@dataclass(frozen=True, slots=True)
class Saved:
    """One checkpoint.

    Attributes:
        folder: Where it is.
        step: Optimizer steps before it was saved.
        state: What was found about it while it was trained.
        why: The reason, empty unless it is suspect.
        loss: Held-out loss at that step, nats/token; `None` when it was not measured.
    """

    folder: Path
    step: int
    state: State = "unjudged"
    why: str = ""
    loss: float | None = None


def mark(folder: Path, *, state: State, step: int, why: str = "", loss: float | None = None) -> None:
    """Seal a checkpoint: say what it is worth, and which files belong to it.

    Args:
        folder: The checkpoint.
        state: What it is worth.
        step: Its step.
        why: The reason of a suspicion.
        loss: Held-out loss, nats/token; an earlier one stays when it is `None`.

    Raises:
        OSError: If the seal cannot be written.
    """
    known = _seal(folder)
    files = {
        str(path.relative_to(folder)): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != SEAL and not path.name.endswith(".part")
    }
    written = {
        "schema": "trainclinic.checkpoint.v1",
        "step": step,
        "state": state,
        "why": why,
        "loss": loss if loss is not None else known.get("loss"),
        "files": files,
    }
    part = folder / f"{SEAL}.part"
    with part.open("w", encoding="utf-8") as file:
        json.dump(written, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / SEAL)


def whole_checkpoints(run: Path) -> list[Saved]:
    """The whole checkpoints of a run, the oldest first.

    Args:
        run: Output folder of the run.
    """
    found = [saved for folder in run.glob("checkpoint-*") if (saved := whole(folder)) is not None]
    return sorted(found, key=lambda one: one.step)


def whole(folder: Path) -> Saved | None:
    """A checkpoint, `None` when it is not whole: without a seal, or with a file that is missing or too short.

    Args:
        folder: The checkpoint.
    """
    seal, named = _seal(folder), _NAME.fullmatch(folder.name)
    if not seal or named is None:
        return None
    for name, size in seal["files"].items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            return None
    return Saved(folder, int(seal["step"]), seal["state"], seal["why"], seal["loss"])


def last_good(run: Path) -> Saved | None:
    """The newest whole checkpoint that is not suspect; `None` when there is none.

    Args:
        run: Output folder of the run.
    """
    return next((one for one in reversed(whole_checkpoints(run)) if one.state != "suspect"), None)


def best(saved: Sequence[Saved]) -> Saved | None:
    """The checkpoint with the lowest held-out loss that is not suspect; `None` when no such loss is known.

    Args:
        saved: Checkpoints of a run.
    """
    measured = [one for one in saved if one.state != "suspect" and one.loss is not None and one.loss == one.loss]
    return min(measured, key=lambda one: one.loss or 0.0, default=None)


def discard_torn(run: Path) -> list[str]:
    """Remove what a kill left half written; returns the names.

    Args:
        run: Output folder of the run.
    """
    torn = [folder for folder in run.glob("checkpoint-*") if folder.is_dir() and not _seal(folder)]
    for folder in torn:
        shutil.rmtree(folder)
    return [folder.name for folder in torn]


def keep_only(run: Path, newest: int) -> None:
    """Remove old checkpoints: all but the newest, the newest that is not suspect, and the best.

    Args:
        run: Output folder of the run.
        newest: How many of the newest stay.
    """
    saved = whole_checkpoints(run)
    kept = {one.folder for one in saved[-newest:]}
    kept |= {one.folder for one in (last_good(run), best(saved)) if one is not None}
    for one in saved:
        if one.folder not in kept:
            (one.folder / SEAL).unlink()  # first the seal: half removed must not look whole
            shutil.rmtree(one.folder)


def set_aside_after(run: Path, step: int) -> list[str]:
    """Rename the checkpoints after a step, so that a run can go on from that step; returns their old names.

    Args:
        run: Output folder of the run.
        step: The step to go on from.
    """
    later = [one for one in whole_checkpoints(run) if one.step > step]
    for one in later:
        target = one.folder.with_name(f"abandoned-{one.folder.name}")
        if target.exists():
            shutil.rmtree(target)
        one.folder.rename(target)
    return [one.folder.name for one in later]


def checkpoint_at(path: Path) -> Saved:
    """The checkpoint that a user names.

    Args:
        path: Its folder.

    Raises:
        TrainclinicError: If it is none, or not whole.
    """
    if not path.is_dir():
        message = f"there is no folder `{path}`, expected a checkpoint such as `checkpoint-500`"
        raise TrainclinicError(message, hint="give the folder of the checkpoint")
    found = whole(path)
    if found is None:
        message = f"`{path}` is no whole checkpoint: it has no `{SEAL}`, or files that it lists are missing or cut"
        raise TrainclinicError(message, hint="a kill while it was written leaves this; take an older one")
    return found


def _seal(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / SEAL).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("files"), dict) else {}
