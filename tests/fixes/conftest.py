"""Tiny models, made once for all tests and all workers, and a way to run scripts without paying for their imports."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fixes.tiny import build_model, write_rows

FORMS = ("messages", "prompt-completion", "instruction", "question-answer", "text")


@dataclass(frozen=True)
class World:
    """A folder with tiny models and rows.

    Attributes:
        llama: Folder of a model with a chat template.
        gpt2: Folder of a model without one.
        folder: Where the rows lie, `<form>.jsonl`.
    """

    llama: Path
    gpt2: Path
    folder: Path

    def rows(self, form: str) -> Path:
        """The rows in one way of writing them."""
        return self.folder / f"{form}.jsonl"


@pytest.fixture(scope="session")
def world(tmp_path_factory, worker_id) -> World:
    """Models and rows; the first worker that needs them makes them."""
    filelock = pytest.importorskip("filelock", reason="needs the training stack: pip install 'trainclinic[train]'")
    pytest.importorskip("transformers", reason="needs the training stack: pip install 'trainclinic[train]'")
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "tiny-world"
    with filelock.FileLock(f"{folder}.lock"):
        if not (folder / "ready").exists():
            folder.mkdir(exist_ok=True)
            run_apart(build_model, folder / "llama")
            run_apart(build_model, folder / "gpt2", architecture="gpt2", chat=False)
            for form in FORMS:
                write_rows(folder / f"{form}.jsonl", form)
            (folder / "ready").touch()
    return World(folder / "llama", folder / "gpt2", folder)


@dataclass(frozen=True)
class Ran:
    """What a script did.

    Attributes:
        status: Its exit status.
        text: What it printed.
    """

    status: int
    text: str


@pytest.fixture
def run_script(tmp_path):
    """Run a script in a process of its own that has the libraries loaded already."""

    def run(script: Path, *arguments: str) -> Ran:
        printed = tmp_path / f"{script.stem}.txt"
        status = run_apart(_run, script, list(arguments), printed, check=False)
        return Ran(status, printed.read_text(errors="replace"))

    return run


def run_apart(target, *arguments, check: bool = True, **named) -> int:
    """Call a function in a process forked from a server that has imported the training stack once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "transformers", "peft", "transformers.trainer"])
    process = context.Process(target=target, args=arguments, kwargs=named)
    process.start()
    process.join(300)
    if process.is_alive():
        process.kill()
    assert not check or process.exitcode == 0
    return int(process.exitcode if process.exitcode is not None else -1)


def _run(script: Path, arguments: list[str], printed: Path) -> None:
    """In the child: the script as `python script arguments` would run it, with its output in a file."""
    descriptor = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    warnings.resetwarnings()
    os.chdir(script.parent)
    sys.argv = [str(script), *arguments]
    import torch

    torch.set_num_threads(1)
    runpy.run_path(str(script), run_name="__main__")
