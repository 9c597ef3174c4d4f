"""Types of weights, devices, and the order of events, as the walk leaves them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.script.programs import program_of, seen, the_call

from trainclinic.script.program.loop_order import are_exclusive
from trainclinic.script.program.precision import devices, dtype_options, same_module, weights
from trainclinic.script.program.updates import holders, optimizer_of, updates

LOAD = """
import argparse, copy, torch
from tool import look
from transformers import AutoModelForCausalLM
p = argparse.ArgumentParser()
p.add_argument("--dtype", default="float16")
a = p.parse_args()
"""


@pytest.mark.parametrize(
    ("code", "types"),
    [
        ("torch.bfloat16", ["bfloat16"]),
        ("getattr(torch, a.dtype)", ["float16"]),
        ('{"float16": torch.float16, "float32": torch.float32}[a.dtype]', ["float16"]),
        ('torch.float16 if torch.cuda.is_available() else "float32"', ["float16", "float32"]),
        ("torch.nn", []),
    ],
)
def test_types_are_read_from_names_tables_and_options(tmp_path: Path, code: str, types: list[str]) -> None:
    found = dtype_options(seen(program_of(tmp_path, LOAD + f"look({code})")))
    assert [name for name, _, _ in found] == types
    assert all(fixed == ("a.dtype" not in code) for _, _, fixed in found)


@pytest.mark.parametrize(
    ("casts", "types"),
    [
        ("", ["bfloat16"]),
        ("m = m.to(torch.float16)", ["float16"]),
        ("m.cuda()\nm.half()\nm.float()", ["float32"]),
        ("copy.deepcopy(m).half()", ["bfloat16"]),
        ("if a.dtype == 'x':\n    m.half()", ["float16", "bfloat16"]),
    ],
)
def test_the_last_cast_of_a_model_decides_its_type(tmp_path: Path, casts: str, types: list[str]) -> None:
    text = LOAD + f"m = AutoModelForCausalLM.from_pretrained('x', dtype=torch.bfloat16)\n{casts}\nlook(m)\nm.double()\n"
    program = program_of(tmp_path, text)
    at = the_call(program, "look").event.order
    assert [one.dtype for one in weights(program, seen(program), at)] == types


def test_devices_are_read_through_torch_device_and_formatted_text(tmp_path: Path) -> None:
    text = "import torch\nfrom tool import look\nlook(torch.device('mps' if look else f'cuda:{look}'))\n"
    assert [name for name, _ in devices(seen(program_of(tmp_path, text)))] == ["mps", "cuda"]


def test_a_compiled_model_is_the_same_module_and_a_copy_is_not(tmp_path: Path) -> None:
    text = LOAD + "m = AutoModelForCausalLM.from_pretrained('x')\nlook(m, torch.compile(m), copy.deepcopy(m))\n"
    model, fast, other = the_call(program_of(tmp_path, text), "look").args
    assert same_module(model, fast)
    assert not same_module(model, other)


def test_the_models_of_an_optimizer_are_found_in_groups_that_a_loop_fills(tmp_path: Path) -> None:
    text = LOAD + (
        "m = AutoModelForCausalLM.from_pretrained('x')\ndecayed = []\n"
        "for name, weight in m.named_parameters():\n    decayed.append(weight)\n"
        "look(torch.optim.AdamW([{'params': decayed}]), m)\n"
    )
    program = program_of(tmp_path, text)
    optimizer = optimizer_of(seen(program))
    assert optimizer is not None
    assert holders(program, optimizer) == [seen(program, 1)]


def test_a_negated_test_excludes_what_the_test_itself_lets_happen(tmp_path: Path) -> None:
    text = "from tool import one, two, three\nif one:\n    two()\nif not one:\n    three()\n"
    program = program_of(tmp_path, text)
    two, three = the_call(program, "two").event, the_call(program, "three").event
    assert are_exclusive(two, three)
    assert not are_exclusive(two, two)


def test_the_guard_of_the_main_program_is_no_condition(tmp_path: Path) -> None:
    text = "from tool import look\nif __name__ == '__main__':\n    look()\nelse:\n    look(1)\n"
    call = the_call(program_of(tmp_path, text), "look")
    assert call.args == ()
    assert call.event.conditions == ()


def test_what_is_added_to_an_attribute_is_read_back(tmp_path: Path) -> None:
    text = "from tool import look\nlook.count = 0\nlook.count += 2\nlook(look.count)\n"
    assert seen(program_of(tmp_path, text)).code == "look.count += 2"


def test_a_step_through_a_scaler_is_an_update_of_its_optimizer(tmp_path: Path) -> None:
    text = LOAD + (
        "m = AutoModelForCausalLM.from_pretrained('x')\nopt = torch.optim.SGD(m.parameters(), lr=1)\n"
        "scaler = torch.amp.GradScaler('cuda')\nfor b in look:\n"
        "    scaler.scale(m(b).loss).backward()\n    scaler.step(opt)\n"
    )
    (update,) = updates(program_of(tmp_path, text))
    assert update.optimizer.method == "SGD"
    assert update.scaler is not None
