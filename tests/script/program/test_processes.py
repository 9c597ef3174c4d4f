"""Which conditions hold on one process alone, and which process leaves a loop."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.script.programs import program_of, the_call

from trainclinic.script.program.processes import is_guarded, is_main_only

START = (
    "import os\nfrom probe import look\nimport torch.distributed as dist\nrank = dist.get_rank()\nis_main = rank == 0\n"
)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("rank == 0", True),
        ("not rank", True),
        ("is_main", True),
        ("accelerator.is_main_process", True),
        ("int(os.environ['LOCAL_RANK']) in (-1, 0)", True),
        ("rank == 0 and step % 10 == 0", True),
        ("not (rank != 0)", True),
        ("rank != 0", False),
        ("not is_main", False),
        ("rank == 0 or step > 3", False),
        ("rank == 1", False),
        ("dist.get_world_size() > 1", False),
        ("step == 0", False),
    ],
)
def test_a_condition_holds_on_one_process_alone_or_not(test: str, expected: bool, tmp_path: Path) -> None:
    program = program_of(tmp_path, f"{START}if {test}:\n    look(1)\n")
    assert is_main_only(the_call(program, "look").event.conditions[-1]) is expected


def test_what_follows_a_return_of_the_others_is_for_one_process(tmp_path: Path) -> None:
    text = "from probe import look\ndef save(rank):\n    if rank != 0:\n        return\n    look(1)\nsave(int(input()))\nlook(2)\n"
    program = program_of(tmp_path, text)
    first, last = program.calls_ending("look")
    assert is_main_only(first.event.conditions[-1])
    assert is_guarded(first.event)
    assert not is_guarded(last.event)


def test_a_break_carries_its_loop_and_its_conditions(tmp_path: Path) -> None:
    program = program_of(tmp_path, "from probe import rows\nfor row in rows():\n    if row > 3:\n        break\n")
    (event,) = program.breaks
    assert event.place.line == 4
    assert [str(condition) for condition in event.conditions] == ["row > 3"]
    assert len(event.loops) == 1
