"""Libraries of the environment: found by name, read as text, never imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from trainclinic.script.oracle.signatures import Oracle

TRAINER = """
class Trainer:
    def train(self):
        self.training_step(model, inputs, items)
        self.log(logs, start_time)

    def training_step(self, model, inputs, num_items_in_batch=None): ...

    def log(self, logs, start_time=None): ...
"""


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the module path with a `transformers` and a `trl` that must not be imported."""
    for library in ("transformers", "trl"):  # another test of this process may have imported the real ones
        monkeypatch.delitem(sys.modules, library, raising=False)
    for library, version, module in (("transformers", "4.99.0", "trainer"), ("trl", "0.98.0", "config")):
        (tmp_path / library).mkdir()
        (tmp_path / library / "__init__.py").write_text(
            f'__version__ = "{version}"\nfrom .{module} import *\nraise RuntimeError("imported")\n'
        )
    (tmp_path / "transformers" / "trainer.py").write_text(
        TRAINER + "\n@dataclass\nclass TrainingArguments:\n    output_dir: str\n    brand_new: int = 0\n"
    )
    (tmp_path / "trl" / "config.py").write_text(
        "from transformers import TrainingArguments\n@dataclass\nclass SFTConfig(TrainingArguments):\n    packing: bool = False\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_without_a_pin_the_installed_sources_answer(environment: Path) -> None:
    oracle = Oracle()
    assert oracle.version("transformers") == "4.99.0"
    signature = oracle.signature("transformers.TrainingArguments")
    assert signature is not None
    assert (signature.source, signature.exact) == ("installed", True)
    assert [signature.accepts(name) for name in ("brand_new", "learning_rate")] == [True, False]
    assert "transformers" not in sys.modules
    assert environment.is_dir()


@pytest.mark.usefixtures("environment")
def test_bases_in_another_installed_library_are_joined() -> None:
    signature = Oracle().signature("trl.SFTConfig")
    assert signature is not None
    assert [parameter.name for parameter in signature.parameters] == ["output_dir", "brand_new", "packing"]
    assert Oracle().verdict("trl.SFTConfig", "brand_new") == "accepted"
    assert Oracle().verdict("trl.SFTConfig", "evaluation_strategy") == "rejected"


@pytest.mark.usefixtures("environment")
def test_the_calls_of_the_installed_trainer_are_read() -> None:
    shape = Oracle().calls_override_with("training_step")
    assert shape is not None
    assert (shape.version, shape.positional) == ("4.99.0", 3)
    assert Oracle().calls_override_with("compute_loss") is None


@pytest.mark.usefixtures("environment")
def test_a_pin_outranks_what_is_installed() -> None:
    oracle = Oracle({"transformers": "4.40.2"})
    signature = oracle.signature("transformers.TrainingArguments")
    assert signature is not None
    assert (signature.version, signature.source) == ("4.40.2", "bundled")


@pytest.mark.usefixtures("environment")
def test_installed_libraries_can_be_left_out() -> None:
    assert Oracle(installed=False).version("transformers") is None


def test_a_changed_library_is_read_again(environment: Path) -> None:
    assert Oracle().version("trl") == "0.98.0"
    init = environment / "trl" / "__init__.py"
    init.write_text('__version__ = "0.99.0"\n')
    os.utime(init, ns=(1, 1))
    assert Oracle().version("trl") == "0.99.0"


def test_a_broken_library_is_an_unknown_version(environment: Path) -> None:
    (environment / "unsloth").mkdir()
    (environment / "unsloth" / "__init__.py").write_text("def (")
    assert Oracle().version("unsloth") is None


@pytest.mark.parametrize("library", ["no_such_library", "ast", "email", "not a name", ""])
def test_what_is_no_package_with_a_version_is_unknown(library: str) -> None:
    assert Oracle().version(library) is None
