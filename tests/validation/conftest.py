"""A base, a fine-tuned model and an adapter, made once for all tests and all workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.validation.zoo import base_of, parted, tune, write_pairs


@dataclass(frozen=True)
class Clinic:
    """Models and rows in folders; tests that change a file copy it first.

    Attributes:
        base: The base.
        full: Fine-tuned, all weights.
        adapter: A trained adapter for the base.
        held_out: Held-out rows, as conversations.
    """

    base: Path
    full: Path
    adapter: Path
    held_out: Path


def make_clinic(folder: Path) -> Clinic:
    """Train what is not there yet."""
    made = Clinic(folder / "base", folder / "full", folder / "adapter", folder / "held-out.jsonl")
    if (folder / "ready").exists():
        return made
    rows, apart = parted()
    base_of(made.base)
    tune(made.base, made.full, rows)
    tune(made.base, made.adapter, rows, adapter=True, rate=1e-2)
    write_pairs(made.held_out, apart)
    (folder / "ready").touch()
    return made


@pytest.fixture(scope="session")
def clinic(tmp_path_factory, worker_id) -> Iterator[Clinic]:
    """Three models and held-out rows; the first worker that needs them trains them.

    Torch runs on one thread from here on: tiny matrices are slower on many.
    """
    for name in ("peft", "transformers"):
        pytest.importorskip(name, reason="needs the training stack: pip install 'trainclinic[train]'")
    filelock = pytest.importorskip("filelock", reason="needs the training stack: pip install 'trainclinic[train]'")
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    place = tmp_path_factory.getbasetemp()
    folder = (place if worker_id == "master" else place.parent) / "validation-clinic"
    folder.mkdir(exist_ok=True)
    with filelock.FileLock(f"{folder}.lock"):
        made = make_clinic(folder)
    yield made
    torch.set_num_threads(threads)
