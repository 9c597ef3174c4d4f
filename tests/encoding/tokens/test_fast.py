"""The fast encoder gives the same ids and characters, or is not used."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.encoding import tokenizers

from trainclinic.encoding.tokens import trust
from trainclinic.encoding.tokens.fast import ByteLevelEncoder, fast_encoder
from trainclinic.encoding.tokens.hard_texts import HARD_TEXTS
from trainclinic.encoding.tokens.load import load_tokenizer
from trainclinic.encoding.tokens.tokenizer import Tokens
from trainclinic.encoding.tokens.trust import Trust

FAST = ("gpt2_like", "llama3_like", "qwen2_like")
PIECES = (
    "the ",
    "doctor",
    " ",
    "  ",
    "\n",
    "'s",
    "12",
    "é",
    "e\u0301",
    "🙂",
    "中",
    "<|eot_id|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|",
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=20).map("".join))


def written_by(folder: Path, **edit: Any) -> tuple[dict[str, Any], Any]:
    from tokenizers import Tokenizer

    written = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    written["model"] |= edit
    return written, Tokenizer.from_str(json.dumps(written))


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[ByteLevelEncoder, Any]]:
    found = {}
    for name in FAST:
        written, backend = written_by(getattr(tokenizers, name)(tmp_path_factory.mktemp(name)))
        encoder = fast_encoder(written, backend)
        assert encoder is not None
        found[name] = encoder, backend
    return found


def assert_equal(encoder: ByteLevelEncoder, backend: Any, text: str) -> bool:
    tokens, slow = encoder.encode(text), backend.encode(text, add_special_tokens=False)
    if tokens is None:
        return False
    assert tokens.ids.tolist() == slow.ids
    assert list(zip(tokens.starts.tolist(), tokens.ends.tolist(), strict=True)) == slow.offsets
    assert encoder.ids(text).tolist() == slow.ids
    return True


@pytest.mark.parametrize("name", FAST)
@given(text=TEXTS)
def test_ids_and_characters_are_those_of_the_library(
    encoders: dict[str, tuple[ByteLevelEncoder, Any]], name: str, text: str
) -> None:
    assert_equal(*encoders[name], text)


@pytest.mark.parametrize("name", FAST)
def test_hard_texts_are_encoded_and_equal(encoders: dict[str, tuple[ByteLevelEncoder, Any]], name: str) -> None:
    encoder, backend = encoders[name]
    answered = sum(assert_equal(encoder, backend, text) for text in [*HARD_TEXTS, *encoder.probes])
    assert answered > 0.9 * (len(HARD_TEXTS) + len(encoder.probes))


def test_text_that_normalising_changes_is_declined(encoders: dict[str, tuple[ByteLevelEncoder, Any]]) -> None:
    assert encoders["qwen2_like"][0].ids("e\u0301") is None
    assert encoders["gpt2_like"][0].ids("e\u0301") is not None


@pytest.mark.parametrize("name", ["llama2_like", "bert_like"])
def test_other_kinds_of_vocabulary_have_no_fast_encoder(tmp_path: Path, name: str) -> None:
    assert fast_encoder(*written_by(getattr(tokenizers, name)(tmp_path))) is None


def test_merging_at_random_has_no_fast_encoder(tmp_path: Path) -> None:
    assert fast_encoder(*written_by(tokenizers.gpt2_like(tmp_path), dropout=0.1)) is None


def test_a_space_put_first_has_no_fast_encoder(tmp_path: Path) -> None:
    written, backend = written_by(tokenizers.gpt2_like(tmp_path))
    written["pre_tokenizer"]["add_prefix_space"] = True
    assert fast_encoder(written, backend) is None


def test_merges_out_of_the_order_of_ids_keep_their_ids(tmp_path: Path) -> None:
    folder = tokenizers.gpt2_like(tmp_path)
    vocabulary = written_by(folder)[0]["model"]["vocab"]
    turned = {token: len(vocabulary) - 1 - number for token, number in vocabulary.items()}
    encoder = fast_encoder(*(pair := written_by(folder, vocab=turned)))
    assert encoder is not None
    assert assert_equal(encoder, pair[1], tokenizers.TEXT)


def test_a_token_that_its_letters_do_not_reach_has_no_fast_encoder(tmp_path: Path) -> None:
    folder = tokenizers.gpt2_like(tmp_path)
    model = written_by(folder)[0]["model"]
    ids = {"xq": 600, "qx": 601, "xqx": 602}
    merges = [["q", "x"], ["x", "q"], ["xq", "x"], *model["merges"]]
    pair = written_by(folder, vocab=model["vocab"] | ids, merges=merges)
    assert pair[1].encode("xqx").tokens == ["x", "qx"]
    assert fast_encoder(*pair) is None


def test_a_whole_word_that_no_merge_makes_has_no_fast_encoder(tmp_path: Path) -> None:
    folder = tokenizers.llama3_like(tmp_path)
    model = written_by(folder)[0]["model"]
    assert fast_encoder(*written_by(folder, vocab=model["vocab"] | {"zqzq": 700})) is None


def test_special_tokens_that_take_space_with_them_are_declined(tmp_path: Path) -> None:
    from tokenizers import AddedToken

    written, backend = written_by(tokenizers.gpt2_like(tmp_path))
    backend.add_special_tokens([AddedToken("<sep>", lstrip=True)])
    encoder = fast_encoder(written, backend)
    assert encoder is not None
    assert encoder.ids("a  <sep>") is None
    assert_equal(encoder, backend, "a  <sep")


class Wrong:
    """An encoder that is wrong about one text."""

    probes: Sequence[str] = ()

    def __init__(self, wrong: str, *, only_places: bool) -> None:
        self.wrong = wrong
        self.only_places = only_places
        self.asked = 0

    def encode(self, text: str) -> Tokens:
        self.asked += 1
        right = right_answer(text)
        return replace(right, starts=right.starts + 1) if self.only_places and text == self.wrong else right

    def ids(self, text: str) -> Any:
        self.asked += 1
        return right_answer(text).ids + (text == self.wrong and not self.only_places)


def right_answer(text: str) -> Tokens:
    raw = np.frombuffer(text.encode("utf-8", "replace"), np.uint8).astype(np.int32)
    places = np.arange(len(raw), dtype=np.int32)
    return Tokens(raw, places, places + 1)


def slowly(texts: Sequence[str], *, offsets: bool) -> Iterator[Tokens]:  # noqa: ARG001
    return map(right_answer, texts)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "BUILD_AFTER", 1)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("wrong", ["given text", HARD_TEXTS[3]])
def test_one_wrong_id_ends_the_fast_way_for_good(wrong: str) -> None:
    fast = Wrong(wrong, only_places=False)
    both = Trust(slowly, lambda: fast)
    texts = ["one", "given text", "two"]
    for _ in range(2):
        assert [ids.tolist() for ids in both.ids(texts)] == [right_answer(text).ids.tolist() for text in texts]
    assert not both.is_fast


@pytest.mark.usefixtures("at_once")
def test_one_wrong_character_leaves_the_ids_fast() -> None:
    both = Trust(slowly, lambda: Wrong("given text", only_places=True))
    assert both.tokens(["given text"])[0].starts.tolist() == right_answer("given text").starts.tolist()
    assert both.is_fast


def test_little_text_is_not_worth_the_preparation() -> None:
    both = Trust(slowly, lambda: pytest.fail("prepared"))
    assert both.ids(["abc"])[0].tolist() == [97, 98, 99]


@pytest.mark.usefixtures("at_once")
def test_declined_texts_are_encoded_slowly_in_their_place(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(tokenizers.qwen2_like(tmp_path / "fast"))
    texts = ["the doctor", "e\u0301", "é", ""]
    expected: Callable[[str], list[int]] = lambda text: written_by(tmp_path / "fast")[1].encode(text).ids  # noqa: E731
    assert [ids.tolist() for ids in tokenizer.ids(texts)] == [expected(text) for text in texts]
    assert tokenizer._trust.is_fast


@pytest.mark.usefixtures("at_once")
def test_added_tokens_frame_fast_answers_too(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(tokenizers.llama3_like(tmp_path))
    tokens = tokenizer.encode(["the doctor"], specials=True)[0]
    assert tokens.ids[0] == tokenizer.specials.ids["<|begin_of_text|>"]
    assert (tokens.starts[0], tokens.ends[-1]) == (0, 10)
