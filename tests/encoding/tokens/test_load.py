"""Where tokenizers are found, and what is said when they are not."""

from __future__ import annotations

import json
import os
import pickle
import sys
from pathlib import Path

import pytest
from tests.encoding import tokenizers

from trainclinic.encoding.tokens.load import load_tokenizer
from trainclinic.record.errors import ReadError


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_nothing_given_is_bytes_with_the_characters_they_belong_to() -> None:
    tokenizer = load_tokenizer(None)
    tokens = tokenizer.encode(["é<end-of-text>x"], specials=True)[0]
    assert tokenizer.is_stand_in
    assert tokenizer.name == "bytes"
    assert tokens.ids.tolist() == [0xC3, 0xA9, 257, ord("x")]
    assert tokens.starts.tolist() == [0, 0, 1, 14]
    assert tokens.ends.tolist() == [1, 1, 14, 15]
    assert [tokenizer.piece(token) for token in tokens.ids.tolist()] == ["\\xc3", "\\xa9", "<end-of-text>", "x"]
    assert tokenizer.specials.id_of(tokenizer.specials.end) in tokenizer.specials.ends


def test_a_folder_and_its_file_are_the_same_tokenizer(tmp_path: Path) -> None:
    folder = tokenizers.llama3_like(tmp_path / "model")
    by_folder, by_file = load_tokenizer(folder), load_tokenizer(str(folder / "tokenizer.json"))
    assert by_folder.name == str(folder)
    assert by_folder.ids(["the doctor"])[0].tolist() == by_file.ids(["the doctor"])[0].tolist()
    assert by_folder.longest == 131072
    assert by_folder.template == by_file.template == tokenizers.LLAMA3_TEMPLATE


def test_a_length_without_meaning_is_no_length(tmp_path: Path) -> None:
    assert load_tokenizer(tokenizers.llama2_like(tmp_path)).longest is None


@pytest.mark.parametrize("form", ["list", "object", "chat_template.json"])
def test_the_template_called_default_is_taken(tmp_path: Path, form: str) -> None:
    folder = tokenizers.gpt2_like(tmp_path)
    named = {"tool_use": "wrong", "default": "right"}
    written = [{"name": name, "template": source} for name, source in named.items()] if form == "list" else named
    place = folder / ("chat_template.json" if form == "chat_template.json" else "tokenizer_config.json")
    settings = json.loads(place.read_text()) if place.exists() else {}
    place.write_text(json.dumps({**settings, "chat_template": written}))
    assert load_tokenizer(folder).template == "right"


def test_vocabulary_and_merges_make_the_tokenizer_that_they_came_from(tmp_path: Path) -> None:
    whole = load_tokenizer(tokenizers.gpt2_like(tmp_path / "whole"))
    model = json.loads((tmp_path / "whole" / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "vocab.json").write_text(json.dumps(model["vocab"] | {"<|endoftext|>": 599}))
    merges = [" ".join(merge) for merge in model["merges"]]
    (parts / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]), encoding="utf-8")
    (parts / "special_tokens_map.json").write_text(json.dumps({"eos_token": "<|endoftext|>"}))
    pair = load_tokenizer(parts)
    text = "The doctor's 12 tokens,  é 🙂<|endoftext|>"
    assert pair.ids([text])[0].tolist() == whole.ids([text])[0].tolist()
    assert pair.specials.end == "<|endoftext|>"


def test_a_name_is_looked_up_in_the_local_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "hub" / "models--org--name"
    old = tokenizers.gpt2_like(model / "snapshots" / "aaa")
    tokenizers.llama3_like(model / "snapshots" / "bbb")
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("aaa")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    assert load_tokenizer("org/name").vocabulary_size == 600
    (old / "tokenizer.json").unlink()
    assert load_tokenizer("org/name").vocabulary_size == 700
    monkeypatch.delenv("HF_HUB_CACHE")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert load_tokenizer("org/name").name == "org/name"


def test_without_a_main_branch_the_newest_snapshot_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshots = tmp_path / "models--org--name" / "snapshots"
    os.utime(tokenizers.llama3_like(snapshots / "aaa"), (2_000_000_000, 2_000_000_000))
    os.utime(tokenizers.gpt2_like(snapshots / "bbb"), (1_000_000_000, 1_000_000_000))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert load_tokenizer("org/name").vocabulary_size == 700


def test_an_unknown_name_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="no folder `org/absent`") as error:
        load_tokenizer("org/absent")
    assert str(tmp_path / "cache" / "huggingface" / "hub") in error.value.message
    assert "hf download org/absent" in error.value.hint


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("tokenizer.json", "{", "is no valid JSON"),
        ("tokenizer.json", "[]", "is no tokenizer"),
        ("tokenizer.json", '{"model": {"type": "Unheard"}}', "cannot read"),
        ("tokenizer.json", b"\xff\xfe\x00", "is no"),
        ("tokenizer.model", b"\x0a\x05", "vocabulary of another library"),
        ("notes.txt", "x", "holds no tokenizer"),
    ],
)
def test_damaged_and_foreign_files_are_named(tmp_path: Path, name: str, content: str | bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ReadError, match=says):
        load_tokenizer(tmp_path)


def test_damaged_settings_are_named(tmp_path: Path) -> None:
    folder = tokenizers.gpt2_like(tmp_path)
    (folder / "tokenizer_config.json").write_text("[1]")
    with pytest.raises(ReadError, match="tokenizer_config"):
        load_tokenizer(folder)


def test_a_foreign_vocabulary_comes_with_the_way_to_convert_it(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").write_bytes(b"\x0a\x05")
    with pytest.raises(ReadError) as error:
        load_tokenizer(tmp_path)
    assert f'AutoTokenizer.from_pretrained("{tmp_path}").save_pretrained' in error.value.hint


def test_a_missing_library_names_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tokenizers.gpt2_like(tmp_path)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ReadError, match="needs `tokenizers`") as error:
        load_tokenizer(folder)
    assert "trainclinic[data]" in error.value.hint


def test_a_tokenizer_travels_to_another_process(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(tokenizers.llama3_like(tmp_path))
    copy = pickle.loads(pickle.dumps(tokenizer))
    assert copy.ids(["the doctor"])[0].tolist() == tokenizer.ids(["the doctor"])[0].tolist()
