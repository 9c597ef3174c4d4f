"""Options and variables of launch scripts reach the program that they start."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.script.programs import program_of, seen

from trainclinic.script.program.reading import constants, flag, possible

PARSER = """
import argparse, os
from tool import look
p = argparse.ArgumentParser()
p.add_argument("--lr", type=float, default=1e-4)
p.add_argument("--fp16", action="store_true")
a = p.parse_args()
look(a.lr, a.fp16, os.environ.get("BLOCK", "128"))
"""


@pytest.mark.parametrize(
    ("command", "rate", "half", "block"),
    [
        ("python train.py --lr 3e-4 --fp16", [3e-4], True, ["128"]),
        ("torchrun --nproc_per_node 2 train.py --lr=5e-5", [5e-5], False, ["128"]),
        ("BLOCK=256 accelerate launch --num_processes 4 train.py", [1e-4], False, [256]),
        ("export BLOCK=512\npython -m train --lr 1e-3", [1e-3], False, [512]),
        ("python other.py --lr 9", [1e-4], False, ["128"]),
        ("llamafactory-cli train --lr 9", [1e-4], False, ["128"]),
    ],
)
def test_what_a_command_gives_replaces_the_default(
    tmp_path: Path, command: str, rate: list[float], half: bool, block: list[object]
) -> None:
    program = program_of(tmp_path, PARSER, run_sh=command + "\n")
    assert constants(seen(program, 0)) == rate
    assert flag(seen(program, 1)) is half
    assert constants(seen(program, 2)) == block


def test_two_commands_give_two_values_and_both_are_no_defaults(tmp_path: Path) -> None:
    program = program_of(tmp_path, PARSER, run_sh="python train.py --lr 1\npython train.py --lr 2\n")
    found, complete = possible(seen(program, 0))
    assert complete
    assert [(one.value, one.given) for one in found] == [(1, True), (2, True)]
