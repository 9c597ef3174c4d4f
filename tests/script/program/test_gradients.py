"""Whether a tensor hangs on its graph, through every way that code keeps or cuts it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.script.programs import program_of, seen, the_call

from trainclinic.script.program.gradients import cuts, gradient_is_off, loss_within, may_be_off

HEAD = """\
import torch
import torch.nn.functional as F
from contextlib import nullcontext
from transformers import AutoModelForCausalLM
from tool import look, ids, odd, quiet
net = AutoModelForCausalLM.from_pretrained("gpt2")
loss = net(ids, labels=ids).loss
"""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("loss", 0),
        ("loss.float().mean() * 2", 0),
        ("loss + loss.detach()", 0),
        ("F.mse_loss(net(ids).logits, ids)", 0),
        ("loss.detach()", 1),
        ("loss.data", 1),
        ("torch.tensor(loss)", 1),
        ("torch.tensor(loss.item(), requires_grad=True)", 1),
        ("loss.detach() + loss.item()", 2),
        ("odd(loss)", None),
        ("loss + odd(loss)", None),
    ],
)
def test_a_tensor_is_cut_from_its_graph_as_often_as_the_code_does_it(
    code: str, expected: int | None, tmp_path: Path
) -> None:
    found = cuts(seen(program_of(tmp_path, f"{HEAD}look({code})\n")))
    assert (None if found is None else len(found)) == expected


@pytest.mark.parametrize(
    ("context", "off", "perhaps"),
    [
        ("torch.no_grad()", True, True),
        ("torch.inference_mode()", True, True),
        ("torch.inference_mode(False)", False, False),
        ("torch.set_grad_enabled(False)", True, True),
        ("torch.set_grad_enabled(ids)", False, True),
        ("torch.no_grad(), torch.enable_grad()", False, False),
        ("torch.autocast('cuda')", False, False),
        ("nullcontext() if ids else torch.autocast('cuda')", False, False),
        ("nullcontext() if ids else torch.no_grad()", False, True),
        ("quiet()", False, True),
    ],
)
def test_a_context_switches_gradients_off_or_may_do_so(context: str, off: bool, perhaps: bool, tmp_path: Path) -> None:
    event = the_call(program_of(tmp_path, f"{HEAD}with {context}:\n    look(ids)\n"), "look").event
    assert (gradient_is_off(event), may_be_off(event)) == (off, perhaps)


@pytest.mark.parametrize(
    ("code", "is_found"),
    [("loss / 2", True), ("loss.cpu() + 1", True), ("loss.item()", False), ("net(ids)", False), ("ids.mean()", False)],
)
def test_a_loss_is_found_inside_what_keeps_its_graph(code: str, is_found: bool, tmp_path: Path) -> None:
    program = program_of(tmp_path, f"{HEAD}look({code})\n")
    assert (loss_within(program, seen(program)) is not None) == is_found
