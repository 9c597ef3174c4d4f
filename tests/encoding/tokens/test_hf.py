"""Ids, characters, special tokens and pieces, over the usual families."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.encoding import tokenizers

from trainclinic.encoding.tokens.load import load_tokenizer
from trainclinic.encoding.tokens.tokenizer import Tokenizer

FAMILIES = ("gpt2_like", "llama3_like", "qwen2_like", "llama2_like", "bert_like")
TEXT = "The doctor said: é 🙂 12 tokens"


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Tokenizer]:
    root = tmp_path_factory.mktemp("families")
    return lambda name: load_tokenizer(getattr(tokenizers, name)(root / name))


@pytest.mark.parametrize(
    ("name", "begin", "end", "adds_begin", "adds_end"),
    [
        ("gpt2_like", "<|endoftext|>", "<|endoftext|>", False, False),
        ("llama3_like", "<|begin_of_text|>", "<|end_of_text|>", True, False),
        ("qwen2_like", "", "<|im_end|>", False, False),
        ("llama2_like", "<s>", "</s>", True, False),
        ("bert_like", "[CLS]", "[SEP]", True, True),
    ],
)
def test_special_tokens_are_known(
    family: Callable[[str], Tokenizer], name: str, begin: str, end: str, adds_begin: bool, adds_end: bool
) -> None:
    specials = family(name).specials
    assert (specials.begin, specials.end) == (begin, end)
    assert (specials.adds_begin, specials.adds_end) == (adds_begin, adds_end)
    assert specials.id_of(end) in specials.ends


@pytest.mark.parametrize("has_generation_settings", [True, False])
def test_end_of_turn_tokens_end_answers_but_padding_does_not(tmp_path: Path, has_generation_settings: bool) -> None:
    folder = tokenizers.llama3_like(tmp_path)
    if not has_generation_settings:
        (folder / "generation_config.json").unlink()
    specials = load_tokenizer(folder).specials
    texts = {text for text, number in specials.ids.items() if number in specials.ends}
    assert texts == {"<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"}


def test_ids_of_the_generation_settings_end_answers(tmp_path: Path) -> None:
    folder = tokenizers.gpt2_like(tmp_path)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [7, 100_000]}))
    assert load_tokenizer(folder).specials.ends == {7, 599}


@pytest.mark.parametrize("name", FAMILIES)
def test_every_token_stands_where_it_says(family: Callable[[str], Tokenizer], name: str) -> None:
    tokens = family(name).encode([TEXT], specials=False)[0]
    assert tokens.ids.dtype == tokens.starts.dtype == tokens.ends.dtype == np.int32
    assert np.all(tokens.starts <= tokens.ends)
    assert np.all(np.diff(tokens.starts) >= 0)
    covered = {at for start, end in zip(tokens.starts, tokens.ends, strict=True) for at in range(start, end)}
    assert {at for at, letter in enumerate(TEXT) if letter != " "} <= covered


def test_added_tokens_stand_at_the_ends_of_the_text(family: Callable[[str], Tokenizer]) -> None:
    tokens = family("bert_like").encode(["the doctor"], specials=True)[0]
    assert tokens.ids[[0, -1]].tolist() == [2, 3]
    assert (tokens.starts[0], tokens.ends[0]) == (0, 0)
    assert (tokens.starts[-1], tokens.ends[-1]) == (10, 10)


def test_text_of_a_special_token_becomes_that_token(family: Callable[[str], Tokenizer]) -> None:
    tokenizer = family("llama3_like")
    tokens = tokenizer.encode(["the<|eot_id|>the"], specials=False)[0]
    at = tokens.ids.tolist().index(tokenizer.specials.ids["<|eot_id|>"])
    assert (tokens.starts[at], tokens.ends[at]) == (3, 13)


@pytest.mark.parametrize("name", FAMILIES[:4])
def test_pieces_spell_the_text(family: Callable[[str], Tokenizer], name: str) -> None:
    tokenizer = family(name)
    pieces = "".join(tokenizer.piece(token) for token in tokenizer.ids(["the doctor é"])[0].tolist())
    assert pieces.lstrip(" ") == "the doctor " + ("\\xc3\\xa9" if "\\" in pieces else "é")


def test_nothing_is_cut_and_nothing_is_padded(tmp_path: Path) -> None:
    folder = tokenizers.gpt2_like(tmp_path)
    written = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    written["truncation"] = {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0}
    written["padding"] = {
        "strategy": {"Fixed": 50}, "direction": "Right", "pad_to_multiple_of": None,
        "pad_id": 0, "pad_type_id": 0, "pad_token": "!",
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(written), encoding="utf-8")
    assert 3 < len(load_tokenizer(folder).encode([TEXT], specials=False)[0]) < 50


def test_half_of_a_surrogate_pair_is_one_character(family: Callable[[str], Tokenizer]) -> None:
    tokens = family("gpt2_like").encode(["a\ud83db"], specials=False)[0]
    assert tokens.ends[-1] == 3


def test_flags_of_the_settings_decide_for_llama_classes(tmp_path: Path) -> None:
    folder = tokenizers.llama2_like(tmp_path)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(
        json.dumps(settings | {"add_bos_token": False, "add_eos_token": True})
    )
    tokenizer = load_tokenizer(folder)
    ids = tokenizer.encode(["the"], specials=True)[0].ids.tolist()
    assert (tokenizer.specials.adds_begin, tokenizer.specials.adds_end) == (False, True)
    assert (ids[0] != 1, ids[-1]) == (True, 2)


def test_flags_mean_nothing_for_other_classes(tmp_path: Path) -> None:
    folder = tokenizers.llama3_like(tmp_path)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"add_bos_token": False}))
    assert load_tokenizer(folder).specials.adds_begin


def test_special_tokens_of_the_settings_alone_get_ids(tmp_path: Path) -> None:
    folder = tokenizers.gpt2_like(tmp_path)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"pad_token": "<pad>"}))
    tokenizer = load_tokenizer(folder)
    assert tokenizer.specials.pad == "<pad>"
    assert tokenizer.ids(["<pad>"])[0].tolist() == [600]
    assert tokenizer.vocabulary_size == 601


def test_without_settings_the_vocabulary_tells(tmp_path: Path) -> None:
    folder = tokenizers.llama2_like(tmp_path)
    (folder / "tokenizer_config.json").unlink()
    specials = load_tokenizer(folder).specials
    assert (specials.begin, specials.end, specials.ends) == ("<s>", "</s>", {2})
