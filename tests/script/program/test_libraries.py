"""Which names of the libraries calls and imports mean, and where a program asks for a version first."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.script.programs import program_of, the_call

from trainclinic.script.program.libraries import (
    asks_for_version,
    imported_names,
    keywords_of,
    library_calls,
    named_in_code,
    qualified,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("from trl.trainer.sft_config import SFTConfig\nSFTConfig()", "trl.SFTConfig"),
        ("from trl.experimental.orpo import ORPOConfig\nORPOConfig()", ""),
        ("from mylib import SFTConfig\nSFTConfig()", ""),
        ("from trl import SFTConfig\nclass Mine(SFTConfig): pass\nMine()", "trl.SFTConfig"),
        ("class Mine: pass\nMine()", ""),
        ("from trl import SFTConfig\nclass Mine(SFTConfig):\n    def __init__(self, x): pass\nMine(1)", ""),
    ],
)
def test_a_call_is_known_by_the_name_that_the_library_exports(tmp_path: Path, text: str, name: str) -> None:
    assert qualified(program_of(tmp_path, text).calls[-1].call) == name


def test_a_call_that_is_walked_twice_is_one_call(tmp_path: Path) -> None:
    text = """
    from trl import SFTConfig

    def build(rate):
        return SFTConfig("out", learning_rate=rate)

    build(1)
    build(2)
    """
    assert [name for _, name in library_calls(program_of(tmp_path, text))] == ["trl.SFTConfig"]


def test_keywords_of_a_subclass_leave_its_own_fields_out(tmp_path: Path) -> None:
    text = """
    from trl import SFTConfig

    class Mine(SFTConfig):
        path: str = "rows"
        dim = 3

    Mine(path="a", dim=4, **{"packing": True})
    """
    call = the_call(program_of(tmp_path, text), "SFTConfig")
    assert [name for name, _ in keywords_of(call)] == ["dim", "packing"]


def test_imports_of_libraries_alone_are_named(tmp_path: Path) -> None:
    text = """
    from .trl import SFTConfig as a
    from . import trl
    from peft.tuners.lora import LoraConfig
    from mylib import Trainer
    from trl.experimental.gkd import GKDTrainer
    import transformers
    """
    (file,) = program_of(tmp_path, text).project.files
    assert [name for name, _ in imported_names(file)] == ["peft.LoraConfig"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import transformers\ntransformers.AdamW([])", "transformers.AdamW"),
        ("from transformers import AdamW\nAdamW([])", ""),
    ],
)
def test_a_call_names_a_library_where_it_writes_it(tmp_path: Path, text: str, name: str) -> None:
    assert named_in_code(the_call(program_of(tmp_path, text), "AdamW")) == name


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("if version >= 5:\n    marked()", True),
        ("if verbose:\n    marked()", False),
        ("x = marked() if hasattr(a, 'b') else None", True),
        ("try:\n    marked()\nexcept TypeError:\n    pass", True),
        ("try:\n    marked()\nexcept (ValueError, TypeError):\n    pass", True),
        ("try:\n    marked()\nexcept ValueError:\n    pass", False),
        ("try:\n    marked()\nexcept:\n    print(1)", False),
        ("try:\n    marked()\nexcept Exception:\n    import other", True),
        ("while version:\n    marked()", False),
    ],
)
def test_code_beside_a_question_for_the_version_is_told_apart(tmp_path: Path, text: str, asks: bool) -> None:
    program = program_of(tmp_path, text)
    (file,) = program.project.files
    assert file.tree is not None
    marked = next(
        node for node in ast.walk(file.tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "marked"
    )
    assert asks_for_version(program, file, marked) is asks
