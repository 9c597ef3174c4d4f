"""A small network, a loop around it, and the lines that the flight recorder has written."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fixes import tiny


@dataclass(frozen=True)
class World:
    """A tiny model that has hardly been trained, and rows.

    Attributes:
        llama: Folder of the model and its tokenizer.
        folder: Where the rows lie, `<form>.jsonl`.
    """

    llama: Path
    folder: Path

    def rows(self, form):
        """The rows in one way of writing them."""
        return self.folder / f"{form}.jsonl"


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> World:
    """Made once in each process: what is watched here is the training, not what was learned."""
    pytest.importorskip("transformers", reason="needs the training stack: pip install 'trainclinic[train]'")
    pytest.importorskip("torch").set_num_threads(1)
    folder = tmp_path_factory.mktemp("tiny")
    for form in ("text", "prompt-completion"):
        tiny.write_rows(folder / f"{form}.jsonl", form)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiny, "STEPS", 40)
        return World(tiny.build_model(folder / "llama"), folder)


def lines_of(folder, kind=None):
    """The recorded lines of one kind, in their order."""
    rows = [json.loads(line) for line in (folder / "flight.jsonl").read_text().splitlines()]
    return [row for row in rows if kind is None or row["kind"] == kind]


@dataclass
class Loop:
    """A plain loop that learns to answer with the sum of four numbers.

    Attributes:
        seed: Seed of weights and data.
        poison: Steps whose loss is multiplied by the given number.
        rate: Learning rate.
        scheduled: Whether a scheduler sets it.
    """

    seed: int = 0
    poison: dict = field(default_factory=dict)
    rate: float = 1e-2
    scheduled: bool = False

    def __post_init__(self):
        torch = pytest.importorskip("torch", reason="needs torch")
        torch.set_num_threads(1)
        torch.manual_seed(self.seed)
        self.torch = torch
        self.model = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=self.rate)
        made = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda step: 1.0 / (1 + step / 10))
        self.scheduler = made if self.scheduled else None
        if not self.scheduled:
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate
        self.losses = []

    def weights(self):
        """Copies of all weights."""
        return [parameter.detach().clone() for parameter in self.model.parameters()]

    def batch(self, step):
        """Inputs `[8, 4]` and targets `[8, 1]` of a step."""
        inputs = self.torch.randn(8, 4, generator=self.torch.Generator().manual_seed(1000 + step))
        return inputs, inputs.sum(1, keepdim=True)

    def run(self, guard=None, steps=20, first=0, each=None):
        """Take steps, and return the last one."""
        step = first
        for step in range(first + 1, first + steps + 1):
            inputs, targets = self.batch(step)
            loss = (self.model(inputs) - targets).pow(2).mean() * self.poison.get(step, 1.0)
            loss.backward()
            self.losses.append(loss.item())
            if guard is not None:
                guard.look(loss, tokens=inputs.numel(), rows=[step])
            self.torch.nn.utils.clip_grad_norm_(self.model.parameters(), 0.1)
            self.optimizer.step()
            if self.scheduler is not None:
                self.scheduler.step()
            stop = guard is not None and guard.step()
            self.optimizer.zero_grad()
            if each is not None:
                each(step)
            if stop:
                break
        return step


@pytest.fixture
def loop():
    """Make a plain loop."""
    return Loop
