"""The files of weights, tensor by tensor: values that are no numbers, and what changed against the base.

Nothing is loaded as a whole: memory holds one tensor of each side. It judges nothing.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainclinic.record.errors import TrainclinicError

if TYPE_CHECKING:
    import torch

Told = Callable[[int, int], None]


@dataclass(slots=True)
class FilesSeen:
    """What the files of a model hold.

    Attributes:
        tensors: Number of tensors.
        values: Number of values.
        non_finite: Names of tensors with NaN or infinity.
        compared: Tensors that the base has as well, of the same shape.
        changed: Of them, those that differ.
        change: Largest relative change of a tensor, the norm of the difference over that of the base.
    """

    tensors: int = 0
    values: int = 0
    non_finite: list[str] = field(default_factory=list)
    compared: int = 0
    changed: int = 0
    change: float = 0.0


def look_through(folder: Path, base: Path | None = None, *, told: Told | None = None) -> FilesSeen:
    """Read every tensor of a folder once.

    Args:
        folder: Folder of a model or of an adapter.
        base: Folder of the base of whole weights; `None` compares nothing.
        told: Told how many files are done, and how many there are.

    Raises:
        TrainclinicError: If a file is damaged.
    """
    import torch

    seen = FilesSeen()
    files = weight_files(folder)
    others = _places(weight_files(base)) if base is not None else {}
    for file in files:
        for name, tensor in _tensors(file):
            seen.tensors += 1
            seen.values += tensor.numel()
            if not tensor.is_floating_point():
                continue
            if not bool(torch.isfinite(tensor).all()):
                seen.non_finite.append(name)
                continue
            _compare(seen, name, tensor, others)
        if told is not None:
            told(1, len(files))
    return seen


def weight_files(folder: Path) -> list[Path]:
    """The files of weights in a folder, safetensors before pickles.

    Args:
        folder: Folder of a model or of an adapter.
    """
    names = ("adapter_model", "model", "pytorch_model")
    for ending in (".safetensors", ".bin"):
        found = sorted(path for path in folder.glob(f"*{ending}") if path.name.startswith(names))
        if (folder / "adapter_config.json").is_file():
            found = [path for path in found if path.name.startswith("adapter_model")]
        if found:
            return found
    return []


def _compare(seen: FilesSeen, name: str, tensor: torch.Tensor, others: Mapping[str, Path]) -> None:
    if name not in others:
        return
    other = _tensor(others[name], name)
    if other.shape != tensor.shape:
        return
    seen.compared += 1
    size = float(other.double().norm())
    apart = float((tensor.double() - other.double()).norm())
    if apart > 0:
        seen.changed += 1
        seen.change = max(seen.change, apart / size if size > 0 else float("inf"))


def _places(files: list[Path]) -> dict[str, Path]:
    return {name: file for file in files if file.suffix == ".safetensors" for name in _names(file)}


def _names(file: Path) -> list[str]:
    with _opened(file) as tensors:
        return list(tensors.keys())


def _tensor(file: Path, name: str) -> torch.Tensor:
    with _opened(file) as tensors:
        found: torch.Tensor = tensors.get_tensor(name)
        return found


def _tensors(file: Path) -> Iterator[tuple[str, torch.Tensor]]:
    import torch

    if file.suffix == ".bin":
        try:
            yield from torch.load(file, weights_only=True, mmap=zipfile.is_zipfile(file)).items()
        except Exception as error:  # pickle, zip and torch each raise their own
            raise _damaged(file, error) from error
        return
    with _opened(file) as tensors:
        for name in tensors.keys():  # noqa: SIM118 - no dict
            yield name, tensors.get_tensor(name)


def _opened(file: Path) -> Any:
    from safetensors import SafetensorError, safe_open

    try:
        return safe_open(file, framework="pt")
    except (SafetensorError, OSError) as error:
        raise _damaged(file, error) from error


def _damaged(file: Path, error: Exception) -> TrainclinicError:
    message = f"`{file}` cannot be read: {str(error).splitlines()[0]}"
    return TrainclinicError(message, hint="the file may be cut off: copy it again")
