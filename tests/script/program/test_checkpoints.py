"""What own loops save and restore."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.script.programs import program_of

from trainclinic.script.program.checkpoints import (
    holds_optimizer,
    holds_weights,
    key_of,
    restored_weights,
    restores_optimizer,
    saved,
    saved_keys,
)

HEAD = "import torch\nnet = torch.nn.Linear(2, 2)\noptim = torch.optim.AdamW(net.parameters())\n"


@pytest.mark.parametrize(
    ("line", "weights", "optimizer"),
    [
        ("torch.save(net.state_dict(), 'a')", True, False),
        ("torch.save(optim.state_dict(), 'a')", False, True),
        ("torch.save({'net': net.state_dict(), 'optim': optim.state_dict()}, 'a')", True, True),
        ("torch.save({'optimizer': state}, 'a')", False, True),
        ("torch.save({1: net.named_parameters()}, 'a')", False, False),
        ("accelerator.save(net.state_dict(), 'a')", True, False),
    ],
)
def test_what_is_saved_is_told_apart(tmp_path: Path, line: str, weights: bool, optimizer: bool) -> None:
    ((_, value),) = saved(program_of(tmp_path, HEAD + line))
    assert (holds_weights(value), holds_optimizer(value)) == (weights, optimizer)


def test_an_object_that_saves_itself_is_no_checkpoint(tmp_path: Path) -> None:
    assert list(saved(program_of(tmp_path, HEAD + "figure.save('a.png')\ntorch.save()"))) == []


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        ("torch.save({'net': net.state_dict(), 'optim': optim.state_dict(), 1: 2}, 'a')", {"net", "optim"}),
        ("torch.save({'net': net.state_dict()}, 'a')", set()),
        ("torch.save({'optim': optim.state_dict()}, 'a')", set()),
        ("torch.save([net.state_dict(), optim.state_dict()], 'a')", set()),
    ],
)
def test_keys_are_those_of_whole_checkpoints(tmp_path: Path, line: str, keys: set[str]) -> None:
    assert saved_keys(program_of(tmp_path, HEAD + line)) == keys


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        ("net.load_state_dict(torch.load('a')['net'])", ["net"]),
        ("net.load_state_dict(torch.load('a'))", [None]),
        ("net.load_state_dict(torch.load('a')[0])", [None]),
        ("net.load_state_dict(torch.load('a')[which])", [None]),
        ("optim.load_state_dict(torch.load('a')['optim'])", []),
        ("net.load_state_dict(other.state_dict())", []),
        ("net.load_state_dict(other.load())", []),
        ("net.load_state_dict()", []),
    ],
)
def test_weights_out_of_a_file_are_restored_under_a_key(tmp_path: Path, line: str, keys: list[str | None]) -> None:
    assert [key_of(value) for _, value in restored_weights(program_of(tmp_path, HEAD + line))] == keys


@pytest.mark.parametrize(
    ("line", "restores"),
    [
        ("optim.load_state_dict(torch.load('a'))", True),
        ("accelerator.load_state('a')", True),
        ("net.load_state_dict(torch.load('a'))", False),
    ],
)
def test_the_optimizer_is_restored_by_itself_or_with_everything(tmp_path: Path, line: str, restores: bool) -> None:
    assert restores_optimizer(program_of(tmp_path, HEAD + line)) is restores
