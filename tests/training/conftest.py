"""The tiny models and rows of the written scripts, and recipes over them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fixes.conftest import world  # noqa: F401 - a fixture
from trainclinic.recipe.model import Data, Model, Optimizer, Recipe, Schedule


@pytest.fixture(autouse=True)
def one_thread(world):  # noqa: ARG001, F811 - skips where the stack is missing
    """Two workers share two cores; the models are too small for more."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def recipe(world):  # noqa: F811
    """A recipe for the tiny llama: 24 steps, every 8 of them judged and saved."""

    def made(form: str = "messages", architecture: str = "llama", **sections) -> Recipe:
        base = Recipe(
            model=Model(name=str(world.llama if architecture == "llama" else world.gpt2)),
            data=Data(train=str(world.rows(form))),
            optimizer=Optimizer(learning_rate=4e-3),
            schedule=Schedule(steps=24),
        )
        return replace(base, **sections)

    return made


@pytest.fixture
def world_copy(world, tmp_path):  # noqa: F811
    """A copy of a tiny model whose tokenizer is set up otherwise."""
    import shutil

    from transformers import AutoTokenizer

    def made(architecture: str, **settings):
        folder = tmp_path / f"{architecture}-copy"
        shutil.copytree(getattr(world, architecture), folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        for name, value in settings.items():
            setattr(tokenizer, name, value)
        tokenizer.save_pretrained(folder)
        return folder

    return made
