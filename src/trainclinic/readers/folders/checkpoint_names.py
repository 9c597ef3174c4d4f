"""The step that a checkpoint's folder or file name carries."""

from __future__ import annotations

import re

_WEIGHTS = (".pt", ".pth", ".ckpt", ".safetensors", ".bin", ".npz", ".tar", ".msgpack", ".h5", ".index", ".gguf")
# The word that makes a number a step, the most telling first: `epoch=1-step=500.ckpt` is step 500, not 1.
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:^|[^a-z])(?:global_?)?steps?[-_=]?(\d+)(?![\d.]*[a-z]*b\b)",
        r"(?:^|[^a-z])iter(?:ation)?s?[-_=]?(\d+)",
        r"(?:^|[^a-z])(?:checkpoint|ckpt|chkpt)[-_=]?(\d+)(?:\.[a-z]+)?$",
        r"^(\d+)_adapters\.(?:safetensors|npz)$",
    )
)
_LARGEST = 2**53


def checkpoint_step(name: str, *, is_folder: bool) -> int | None:
    """The step in a name such as `checkpoint-500`, `ckpt_000500.pt` or `epoch=1-step=500.ckpt`, or `None`.

    Args:
        name: Name without its folder.
        is_folder: A file must also end like a file of weights.
    """
    if not is_folder and not name.lower().endswith(_WEIGHTS):
        return None
    for pattern in _PATTERNS:
        if found := pattern.search(name):
            step = int(found[1][:20])
            return step if step <= _LARGEST else None
    return None


def run_folder(folder: str) -> str:
    """The folder of the run that a file's folder belongs to: `out/checkpoint-500` belongs to `out`."""
    parts = folder.split("/") if folder else []
    while parts and checkpoint_step(parts[-1], is_folder=True) is not None:
        parts.pop()
    return "/".join(parts)
