"""Methods of trainers that classes override: which ones, and who calls them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.script.programs import program_of

from trainclinic.script.program.overrides import Override, overrides


def those(folder: Path, body: str, base: str = "Trainer") -> list[Override]:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    text = f"import transformers\nfrom transformers import Trainer, TrainerCallback\nclass Own({base}):\n{lines}\n"
    return list(overrides(program_of(folder, text)))


@pytest.mark.parametrize(
    ("body", "base", "names"),
    [
        ("def log(self, logs): pass", "Trainer", ["log"]),
        ("def log(self, logs): pass", "transformers.trainer.Trainer", ["log"]),
        ("def log(self, logs): pass", "TrainerCallback", []),
        ("@traced\ndef log(self, logs): pass", "Trainer", []),
        ("def other(self): pass\nlog = other", "Trainer", []),
        ("def helper(self): pass", "Trainer", []),
    ],
)
def test_plain_methods_of_the_trainer_are_overrides(tmp_path: Path, body: str, base: str, names: list[str]) -> None:
    assert [one.name for one in those(tmp_path, body, base)] == names


@pytest.mark.parametrize(
    ("line", "calls"),
    [
        ("super().log(logs)", True),
        ("super(Own, self).log(logs)", True),
        ("Trainer.log(self, logs)", True),
        ("self.writer.log(logs)", False),
        ("writer.log(logs)", False),
        ("super().evaluate()", False),
        ("get().log(logs)", False),
    ],
)
def test_a_call_of_the_method_of_the_base_is_seen(tmp_path: Path, line: str, calls: bool) -> None:
    (one,) = those(tmp_path, f"def log(self, logs):\n    {line}")
    assert one.calls_super is calls


@pytest.mark.parametrize(
    ("line", "own"), [("return super().training_step(model, inputs)", False), ("return 0.0", True)]
)
def test_a_caller_that_is_overridden_decides_unless_it_asks_its_base(tmp_path: Path, line: str, own: bool) -> None:
    body = f"def training_step(self, model, inputs):\n    {line}\ndef compute_loss(self, model, inputs):\n    return 0"
    held = {one.name: one for one in those(tmp_path, body)}
    assert held["compute_loss"].has_own_caller is own


def test_a_name_that_is_only_written_is_not_used(tmp_path: Path) -> None:
    (one,) = those(
        tmp_path, "def compute_loss(self, model, inputs, count=None):\n    count = 1\n    return model(inputs)"
    )
    assert one.names == {"model", "inputs"}
