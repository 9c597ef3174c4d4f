"""The generator of the table, on two made-up releases."""

from __future__ import annotations

import importlib.util
import json
import zipfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "generate_signatures.py"
TRAINER = (
    "class Trainer:\n    def __init__(self, model{more}): ...\n    def train(self):\n        self.log(logs{more})\n"
)


def test_releases_become_a_table_without_being_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("generate_signatures", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    for version, more in (("1.0", ""), ("2.0", ", start")):
        with zipfile.ZipFile(tmp_path / f"transformers-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("transformers/__init__.py", "from .trainer import Trainer\nraise RuntimeError('imported')\n")
            wheel.writestr("transformers/trainer.py", TRAINER.format(more=more))
    monkeypatch.setattr(
        generator, "VERSIONS", {"transformers": ("1.0", "2.0"), "trl": (), "peft": (), "accelerate": ()}
    )
    monkeypatch.setattr(generator, "TARGET", tmp_path / "signatures.json")
    assert generator.main(["--wheels", str(tmp_path)]) == 0
    table = json.loads((tmp_path / "signatures.json").read_text())
    assert table["symbols"] == {
        "transformers.Trainer": {"seen": [[0, -1]], "rows": [["model", "p", None, 0, -1], ["start", "p", None, 1, -1]]}
    }
    assert table["calls"] == {"log": [[1, [], False, 0, 0], [2, [], False, 1, -1]]}
