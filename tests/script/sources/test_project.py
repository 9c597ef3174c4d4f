"""Folders and files that the user points at: what is read, how it is named, and what an import means."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from trainclinic.record.errors import ReadError
from trainclinic.script.sources import project as module
from trainclinic.script.sources.project import Project, read_project
from trainclinic.script.sources.source import SourceFile


def put(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def names(project: Project) -> list[str]:
    return [file.name for file in project.files]


def the_file(project: Project, name: str) -> SourceFile:
    return next(file for file in project.files if file.name == name)


def meant(project: Project, importer: str, dotted: str, level: int = 0) -> str | None:
    found = project.module(dotted, the_file(project, importer), level)
    return found.name if found is not None else None


class TestWhatIsRead:
    def test_a_folder_is_read_in_order_without_what_is_no_code_of_the_user(self, tmp_path: Path) -> None:
        put(
            tmp_path,
            {
                "b.py": "",
                "a/run.ipynb": json.dumps({"cells": []}),
                "a/c.py": "",
                ".git/hook.py": "",
                ".ipynb_checkpoints/x.ipynb": "{}",
                "venv2/pyvenv.cfg": "",
                "venv2/lib/x.py": "",
                "node_modules/x.py": "",
                "site-packages/x.py": "",
                "build/x.py": "",
                "__pycache__/x.py": "",
                "notes.txt": "",
            },
        )
        assert names(read_project([tmp_path])) == ["b.py", "a/c.py", "a/run.ipynb"]

    def test_links_that_lead_back_are_followed_once(self, tmp_path: Path) -> None:
        put(tmp_path, {"a/train.py": ""})
        (tmp_path / "a" / "loop").symlink_to(tmp_path)
        assert names(read_project([tmp_path])) == ["a/train.py"]

    @pytest.mark.parametrize("pattern", ["old", "old/*", "old/", "./old/*", "*/model.py", "model.py", "o*/model.py"])
    def test_excluded_files_are_not_read(self, tmp_path: Path, pattern: str) -> None:
        put(tmp_path, {"train.py": "", "old/model.py": ""})
        assert names(read_project([tmp_path], exclude=[pattern])) == ["train.py"]

    def test_a_pattern_can_be_given(self, tmp_path: Path) -> None:
        put(tmp_path, {"train_a.py": "", "train_b.py": "", "other.py": ""})
        assert names(read_project([str(tmp_path / "train_*.py")])) == ["train_a.py", "train_b.py"]

    def test_a_file_given_twice_is_read_once(self, tmp_path: Path) -> None:
        put(tmp_path, {"train.py": ""})
        assert names(read_project([tmp_path, tmp_path / "train.py"])) == ["train.py"]

    def test_a_path_that_is_not_there_is_an_error_with_a_hint(self, tmp_path: Path) -> None:
        put(tmp_path, {"train.py": ""})
        with pytest.raises(ReadError, match="does not exist") as caught:
            read_project([tmp_path / "trian.py"])
        assert "train.py" in caught.value.hint
        with pytest.raises(ReadError, match="does not exist") as caught:
            read_project([tmp_path / "no" / "thing"])
        assert "give a script" in caught.value.hint

    def test_a_folder_without_code_is_an_error(self, tmp_path: Path) -> None:
        put(tmp_path, {"notes.txt": "", "old.py": ""})
        with pytest.raises(ReadError, match="holds no Python file, notebook or launch script") as caught:
            read_project([tmp_path], exclude=["old.py"])
        assert "--exclude" in caught.value.hint

    def test_a_named_file_of_another_kind_is_said(self, tmp_path: Path) -> None:
        put(tmp_path, {"train.py": "", "config.yaml": ""})
        (only,) = read_project([tmp_path / "train.py", tmp_path / "config.yaml"]).damage
        assert only.source.path == "config.yaml"
        assert "neither a Python file" in only.says

    def test_the_trouble_of_a_file_stays_with_the_file(self, tmp_path: Path) -> None:
        project = read_project([put(tmp_path, {"a.py": "f(", "b.py": "x = 1"})])
        assert [file.tree is None for file in project.files] == [True, False]
        assert project.damage == ()
        assert the_file(project, "a.py").trouble


class TestNames:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            (["a"], ["a/train.py"]),
            (["a/train.py"], ["a/train.py"]),
            (["."], ["a/train.py", "b/model.py"]),
            (["a", "b"], ["a/train.py", "b/model.py"]),
            (["./a/../b"], ["b/model.py"]),
            (["{here}/a"], ["a/train.py"]),
        ],
    )
    def test_below_the_working_folder_files_are_named_from_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], expected: list[str]
    ) -> None:
        put(tmp_path, {"a/train.py": "", "b/model.py": ""})
        monkeypatch.chdir(tmp_path)
        assert names(read_project([path.format(here=tmp_path) for path in given])) == expected

    def test_a_path_upwards_stays_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        put(tmp_path, {"a/train.py": "", "b/model.py": ""})
        monkeypatch.chdir(tmp_path / "b")
        assert names(read_project(["../a"])) == ["../a/train.py"]

    def test_elsewhere_files_are_named_from_what_was_given(self, tmp_path: Path) -> None:
        put(tmp_path, {"a/train.py": "", "b/model.py": ""})
        assert names(read_project([tmp_path / "a", tmp_path / "b" / "model.py"])) == ["a/train.py", "b/model.py"]
        assert names(read_project([tmp_path / "b" / "model.py"])) == ["model.py"]


class TestImportsOfANamedFile:
    def test_they_are_read_as_well_and_theirs_in_turn(self, tmp_path: Path) -> None:
        put(
            tmp_path,
            {
                "train.py": "import torch, os\nfrom data import load\ndef f():\n    from pkg.model import Model\n",
                "data.py": "import tokens\n",
                "tokens.py": "",
                "unused.py": "",
                "pkg/__init__.py": "",
                "pkg/model.py": "from . import layers\nfrom .deep.norm import Norm\nfrom ..pkg import more\n",
                "pkg/layers.py": "",
                "pkg/more.py": "",
                "pkg/deep/__init__.py": "",
                "pkg/deep/norm.py": "",
            },
        )
        project = read_project([tmp_path / "train.py"])
        assert [file.name for file in project.files if file.asked] == ["train.py"]
        assert {file.name for file in project.files if not file.asked} == {
            "data.py",
            "tokens.py",
            "pkg/__init__.py",
            "pkg/model.py",
            "pkg/layers.py",
            "pkg/more.py",
            "pkg/deep/__init__.py",
            "pkg/deep/norm.py",
        }

    def test_circles_end(self, tmp_path: Path) -> None:
        put(tmp_path, {"train.py": "import a", "a.py": "import b", "b.py": "import a, train"})
        assert names(read_project([tmp_path / "train.py"])) == ["train.py", "a.py", "b.py"]

    def test_they_are_followed_four_files_deep(self, tmp_path: Path) -> None:
        put(tmp_path, {f"m{number}.py": f"import m{number + 1}" for number in range(8)})
        assert names(read_project([tmp_path / "m0.py"])) == ["m0.py", "m1.py", "m2.py", "m3.py", "m4.py"]

    def test_too_many_are_cut_and_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MOST_IMPORTED", 3)
        put(tmp_path, {"train.py": "import a, b, c, d", **{f"{name}.py": "import e" for name in "abcde"}})
        project = read_project([tmp_path / "train.py"])
        assert names(project) == ["train.py", "a.py", "b.py", "c.py"]
        assert [damage.says for damage in project.damage] == ["more than 3 files are imported, the rest was not read"]

    def test_those_of_the_project_above_are_found(self, tmp_path: Path) -> None:
        put(
            tmp_path,
            {
                "pyproject.toml": "",
                "scripts/train.py": "import lib.data\nimport mine",
                "lib/data.py": "",
                "src/mine/__init__.py": "",
            },
        )
        project = read_project([tmp_path / "scripts" / "train.py"])
        assert names(project) == ["train.py", "../lib/data.py", "../src/mine/__init__.py"]

    def test_excluded_ones_are_not_read(self, tmp_path: Path) -> None:
        put(tmp_path, {"train.py": "import a, b", "a.py": "", "b.py": ""})
        assert names(read_project([tmp_path / "train.py"], exclude=["a.py"])) == ["train.py", "b.py"]

    def test_a_folder_brings_in_nothing_from_outside(self, tmp_path: Path) -> None:
        put(tmp_path, {"setup.py": "", "scripts/train.py": "import data", "data.py": ""})
        assert names(read_project([tmp_path / "scripts"])) == ["train.py"]

    def test_a_notebook_imports_too(self, tmp_path: Path) -> None:
        cells = [{"cell_type": "code", "source": "import data"}]
        put(tmp_path, {"run.ipynb": json.dumps({"cells": cells}), "data.py": ""})
        assert names(read_project([tmp_path / "run.ipynb"])) == ["run.ipynb", "data.py"]


class TestModules:
    def test_same_named_modules_are_those_of_the_importers_own_folder_first(self, tmp_path: Path) -> None:
        project = read_project(
            [put(tmp_path, {"a/train.py": "", "a/data.py": "", "b/train.py": "", "b/data.py": "", "data.py": ""})]
        )
        assert meant(project, "a/train.py", "data") == "a/data.py"
        assert meant(project, "b/train.py", "data") == "b/data.py"
        assert meant(project, "data.py", "a.data") == "a/data.py"

    def test_absolute_imports_start_from_each_root(self, tmp_path: Path) -> None:
        project = read_project(
            [put(tmp_path, {"scripts/x/train.py": "", "src/pkg/__init__.py": "", "src/pkg/data.py": "", "top.py": ""})]
        )
        assert meant(project, "scripts/x/train.py", "pkg.data") == "src/pkg/data.py"
        assert meant(project, "scripts/x/train.py", "pkg") == "src/pkg/__init__.py"
        assert meant(project, "scripts/x/train.py", "top") == "top.py"
        assert meant(project, "scripts/x/train.py", "pkg.nothing") is None

    def test_a_package_is_found_from_inside_it(self, tmp_path: Path) -> None:
        put(tmp_path, {"deep/er/pkg/__init__.py": "", "deep/er/pkg/a.py": "", "deep/er/pkg/b.py": ""})
        assert meant(read_project([tmp_path]), "deep/er/pkg/a.py", "pkg.b") == "deep/er/pkg/b.py"

    def test_relative_imports_count_their_dots(self, tmp_path: Path) -> None:
        files = ["pkg/__init__.py", "pkg/a.py", "pkg/sub/__init__.py", "pkg/sub/a.py", "pkg/sub/c.py"]
        project = read_project([put(tmp_path, dict.fromkeys(files, ""))])
        assert meant(project, "pkg/sub/c.py", "a", 1) == "pkg/sub/a.py"
        assert meant(project, "pkg/sub/c.py", "a", 2) == "pkg/a.py"
        assert meant(project, "pkg/sub/c.py", "", 1) == "pkg/sub/__init__.py"
        assert meant(project, "pkg/sub/__init__.py", "c", 1) == "pkg/sub/c.py"
        assert meant(project, "pkg/sub/c.py", "a", 99) is None
        assert meant(project, "pkg/sub/c.py", "") is None

    def test_a_package_is_meant_before_a_module_of_its_name(self, tmp_path: Path) -> None:
        project = read_project([put(tmp_path, {"train.py": "", "data.py": "", "data/__init__.py": ""})])
        assert meant(project, "train.py", "data") == "data/__init__.py"

    def test_no_file_imports_itself(self, tmp_path: Path) -> None:
        project = read_project([put(tmp_path, {"wandb.py": "import wandb"})])
        assert meant(project, "wandb.py", "wandb") is None

    def test_inside_a_package_the_standard_library_is_itself(self, tmp_path: Path) -> None:
        put(tmp_path, {"pkg/__init__.py": "", "pkg/logging.py": "", "pkg/a.py": "", "logging.py": "", "b.py": ""})
        project = read_project([tmp_path / "pkg"])
        assert meant(project, "a.py", "logging") is None
        assert meant(read_project([tmp_path]), "b.py", "logging") == "logging.py"

    def test_a_checkout_of_a_library_is_still_that_library(self, tmp_path: Path) -> None:
        project = read_project([put(tmp_path, {"trl/__init__.py": "", "examples/train.py": ""})])
        assert meant(project, "examples/train.py", "trl") is None


class TestLaunchesAndVersions:
    def test_launches_of_scripts_and_notebooks_are_gathered(self, tmp_path: Path) -> None:
        cells = [{"cell_type": "code", "source": "!python a.py --lr 1"}]
        project = read_project(
            [put(tmp_path, {"run.sh": "torchrun train.py\n", "train.py": "", "x.ipynb": json.dumps({"cells": cells})})]
        )
        assert [(launch.name, launch.script) for launch in project.launches] == [
            ("run.sh", "train.py"),
            ("x.ipynb", "a.py"),
        ]

    def test_of_a_named_launch_script_the_program_is_read(self, tmp_path: Path) -> None:
        put(tmp_path, {"run.sh": "cd x\npython src/train.py --lr 1\npython gone.py\n", "src/train.py": "import data"})
        put(tmp_path, {"src/data.py": "", "src/other.py": ""})
        project = read_project([tmp_path / "run.sh"])
        assert [(file.name, file.asked) for file in project.files] == [("src/train.py", True), ("src/data.py", False)]

    def test_a_launch_script_alone_is_a_project(self, tmp_path: Path) -> None:
        put(tmp_path, {"run.sh": "accelerate launch gone.py\n"})
        project = read_project([tmp_path / "run.sh"])
        assert (names(project), len(project.launches)) == ([], 1)

    def test_versions_come_from_files_beside_and_from_installing_lines(self, tmp_path: Path) -> None:
        cells = [{"cell_type": "code", "source": "x = 1\n!pip install trl==0.9.6"}]
        put(
            tmp_path,
            {
                "run.ipynb": json.dumps({"cells": cells}),
                "requirements.txt": "trl==0.8.0\npeft==0.11.1\n",
                "setup.sh": "pip install accelerate==0.30.0\n",
                "uv.lock": 'name = "torch"\nversion = "2.3.0"\n',
                "train.py": '"""Needs `pip install datasets==2.19.0`."""',
            },
        )
        found = read_project([tmp_path]).versions
        assert {library: (version, str(source)) for library, (version, source) in found.items()} == {
            "trl": ("0.9.6", "run.ipynb[cell 1]:2"),
            "peft": ("0.11.1", "requirements.txt:2"),
            "accelerate": ("0.30.0", "setup.sh:1"),
            "torch": ("2.3.0", "uv.lock:2"),
            "datasets": ("2.19.0", "train.py:1"),
        }

    def test_versions_of_a_named_file_come_from_its_folder_and_the_project_above(self, tmp_path: Path) -> None:
        put(tmp_path, {"requirements.txt": "trl==0.1\n", "p/requirements.txt": "trl==0.9.6\n", "p/a/b/train.py": ""})
        script = tmp_path / "p" / "a" / "b" / "train.py"
        assert read_project([script]).versions == {}
        put(tmp_path, {"p/pyproject.toml": ""})
        assert read_project([script]).versions["trl"][0] == "0.9.6"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_listed_is_said(tmp_path: Path) -> None:
    put(tmp_path, {"train.py": "", "closed/model.py": ""})
    (tmp_path / "closed").chmod(0)
    (only,) = read_project([tmp_path]).damage
    (tmp_path / "closed").chmod(0o700)
    assert "cannot be listed" in only.says
