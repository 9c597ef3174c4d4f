"""The notebook is a valid one, and runs from top to bottom on a tiny model."""

from __future__ import annotations

import json

import pytest

from trainclinic.fixes.files.notebook import notebook
from trainclinic.fixes.files.script import Header, training_script, validation_script
from trainclinic.recipe.model import Data, Model, Recipe


def written(recipe: Recipe) -> dict:
    script = training_script(recipe, Header("A run of the tests."))
    return json.loads(notebook(recipe, "a run", script, validation_script(recipe, "a run")))


def test_the_notebook_is_valid_and_holds_the_script_as_it_is():
    nbformat = pytest.importorskip("nbformat")
    recipe = Recipe(model=Model(name="gpt2"), data=Data(train="folder/rows.jsonl"))
    found = written(recipe)
    nbformat.validate(nbformat.from_dict(found))
    cells = ["".join(cell["source"]) for cell in found["cells"]]
    script = training_script(recipe, Header("A run of the tests."))
    assert f"%%writefile finetune_fixed.py\n{script.rstrip()}" in cells
    parameters = next(cell for cell in found["cells"] if cell["metadata"].get("tags") == ["parameters"])
    assert 'DATA = "rows.jsonl"' in "".join(parameters["source"]), "what is uploaded lies beside the notebook"
    assert all(cell["outputs"] == [] for cell in found["cells"] if cell["cell_type"] == "code")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_notebook_runs_from_top_to_bottom(world, tmp_path, monkeypatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # what it installs is there already; nothing is fetched
    found = nbformat.reads(json.dumps(written(Recipe(data=Data(form="messages")))), as_version=4)
    parameters = next(cell for cell in found["cells"] if cell["metadata"].get("tags") == ["parameters"])
    extra = "--max-steps 100 --learning-rate 4e-3"
    parameters["source"] += f"\nMODEL, DATA, EXTRA = {str(world.llama)!r}, {str(world.rows('messages'))!r}, {extra!r}"
    client = nbclient.NotebookClient(found, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    printed = "".join(out.get("text", "") for cell in found["cells"] for out in cell.get("outputs", []))
    assert "quick test: PASSED" in printed
    assert "the model works" in printed
    assert (tmp_path / "fixed-model.zip").exists()
