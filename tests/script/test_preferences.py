"""What a `pyproject.toml` may say about the linter, and what is said about one that is wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from tests.report.lint.fixed_reports import entry

from trainclinic.catalogue.verdict import Severity
from trainclinic.record.errors import TrainclinicError
from trainclinic.script.alarm import Certainty
from trainclinic.script.preferences import Preferences, checked_names, preferences_of, read_preferences

RULES = {
    "LBL001": entry("LBL001", "double-label-shift", group="labels"),
    "LBL002": entry("LBL002", "missing-shift", group="labels"),
    "TOK001": entry("TOK001", "missing-end-token", group="tokens"),
}
FILE = Path("pyproject.toml")
needs_toml = pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has no `tomllib`")


def asked(**settings: Any) -> list[str]:
    return [code for code, one in RULES.items() if Preferences(**settings).asks(one)]


class TestSelection:
    def test_every_rule_is_asked_by_default(self) -> None:
        assert asked() == ["LBL001", "LBL002", "TOK001"]

    @pytest.mark.parametrize("name", ["LBL", "lbl", "LBL00", "labels", "Labels"])
    def test_a_group_can_be_selected_by_its_letters_or_its_name(self, name: str) -> None:
        assert asked(select=(name,)) == ["LBL001", "LBL002"]

    @pytest.mark.parametrize("name", ["TOK001", "tok001", "missing-end-token"])
    def test_a_rule_can_be_ignored_by_code_or_slug(self, name: str) -> None:
        assert asked(ignore=(name,)) == ["LBL001", "LBL002"]

    def test_the_more_exact_of_two_names_decides(self) -> None:
        assert asked(select=("LBL001",), ignore=("LBL",)) == ["LBL001"]
        assert asked(select=("LBL",), ignore=("LBL001",)) == ["LBL002"]

    def test_between_equally_exact_names_the_rule_is_not_asked(self) -> None:
        assert asked(select=("LBL001",), ignore=("double-label-shift",)) == []

    def test_a_name_of_no_rule_is_refused_with_the_closest_one(self) -> None:
        with pytest.raises(TrainclinicError) as caught:
            checked_names(["double-label-shfit"], RULES, "`--select`")
        assert caught.value.message == "`double-label-shfit` in `--select` is no code, slug or group of a rule"
        assert caught.value.hint == "did you mean `double-label-shift`?"

    def test_a_name_like_no_rule_is_refused_with_the_groups(self) -> None:
        with pytest.raises(TrainclinicError) as caught:
            checked_names(["zzzzzz"], RULES, "`--select`")
        assert caught.value.hint == "the groups are `labels`, `tokens`"


class TestFiles:
    def test_a_rule_is_silent_in_files_of_a_glob(self) -> None:
        settings = Preferences(per_file_ignores=(("tests/*", ("LBL",)), ("old_*.py", ("ALL",))))
        assert settings.is_silent_in("tests/train.py", RULES["LBL001"])
        assert not settings.is_silent_in("tests/train.py", RULES["TOK001"])
        assert not settings.is_silent_in("src/train.py", RULES["LBL001"])
        assert settings.is_silent_in("src/old_train.py", RULES["TOK001"])

    def test_globs_count_from_the_folder_of_the_settings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "deep").mkdir()
        monkeypatch.chdir(tmp_path / "deep")
        settings = Preferences(per_file_ignores=(("deep/a.py", ("ALL",)),), folder=tmp_path)
        assert settings.is_silent_in("a.py", RULES["LBL001"])


class TestTable:
    def test_every_setting_is_read(self) -> None:
        table = {
            "select": ["LBL"],
            "ignore": ["missing-shift"],
            "exclude": ["old/*"],
            "certainty": "hint",
            "fail-on": "warning",
            "per-file-ignores": {"tests/*": ["LBL001"]},
            "versions": {"transformers": "4.57.1"},
        }
        assert preferences_of(table, FILE, RULES) == Preferences(
            select=("LBL",),
            ignore=("missing-shift",),
            exclude=("old/*",),
            certainty=Certainty.HINT,
            fail_on=Severity.WARNING,
            per_file_ignores=(("tests/*", ("LBL001",)),),
            versions={"transformers": "4.57.1"},
            folder=Path(),
        )

    @pytest.mark.parametrize(
        ("table", "message", "hint"),
        [
            ({"selct": []}, "`selct` is no setting of", "did you mean `select`?"),
            ({"select": "LBL"}, "`select` in", ""),
            ({"select": ["LBX"]}, "`LBX` in `select` of", "did you mean `LBL`?"),
            ({"certainty": "proofs"}, "expected one of `hint`, `likely`, `proof`", "did you mean `proof`?"),
            ({"fail-on": 1}, "expected one of `note`, `warning`, `harmful`", ""),
            ({"per-file-ignores": ["a"]}, "expected a table", ""),
            ({"per-file-ignores": {"a.py": ["nothing"]}}, "`nothing` in `a.py` in", ""),
            ({"versions": {"transformers": 4.57}}, "expected a string", 'write it in quotes: `transformers = "4.57"`'),
        ],
    )
    def test_what_is_wrong_is_said(self, table: dict[str, Any], message: str, hint: str) -> None:
        with pytest.raises(TrainclinicError) as caught:
            preferences_of(table, FILE, RULES)
        assert message in caught.value.message
        assert "pyproject.toml" in caught.value.message
        assert hint in caught.value.hint


class TestNearestFile:
    def write(self, folder: Path, text: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pyproject.toml").write_text(text, encoding="utf-8")

    @needs_toml
    def test_it_is_the_nearest_one_with_the_table(self, tmp_path: Path) -> None:
        self.write(tmp_path, '[tool.trainclinic.lint]\nselect = ["TOK"]\n')
        self.write(tmp_path / "a", "[tool.ruff]\nline-length = 100\n")
        (tmp_path / "a" / "train.py").write_text("")
        found = read_preferences([tmp_path / "a" / "train.py", tmp_path / "a"], RULES)
        assert found.select == ("TOK",)
        assert found.folder == tmp_path

    def test_without_one_the_defaults_hold(self, tmp_path: Path) -> None:
        assert read_preferences([tmp_path / "train.py"], RULES) == Preferences()

    @needs_toml
    def test_one_that_is_no_toml_is_an_error_with_a_way_out(self, tmp_path: Path) -> None:
        self.write(tmp_path, "[tool.trainclinic.lint\n")
        with pytest.raises(TrainclinicError, match="cannot be read as TOML") as caught:
            read_preferences([tmp_path], RULES)
        assert "--no-config" in caught.value.hint

    @needs_toml
    def test_a_table_that_is_none_is_an_error(self, tmp_path: Path) -> None:
        self.write(tmp_path, "[tool.trainclinic]\nlint = 3\n")
        with pytest.raises(TrainclinicError, match=r"`lint` in .* is `3`, expected a table"):
            read_preferences([tmp_path], RULES)

    def test_a_python_that_cannot_read_it_says_so_and_goes_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.write(tmp_path, '[tool.trainclinic.lint]\nselect = ["TOK"]\n')
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
        found = read_preferences([tmp_path], RULES)
        assert found.select == ("ALL",)
        assert "pip install tomli" in found.notes[0]
