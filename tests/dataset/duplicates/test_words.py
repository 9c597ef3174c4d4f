from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainclinic.dataset.duplicates.words import blocks_of, split_words


def hashes(text: str) -> list[int]:
    return split_words([text]).hashes.tolist()


@given(st.lists(st.text("abcXYZ019_ .,-\n\0", max_size=40), max_size=20))
def test_ascii_words_are_those_of_a_regular_expression(texts):
    wanted = [re.findall(r"[a-z0-9_]+", text.lower()) for text in texts]
    found = split_words(texts)
    assert found.counts.tolist() == [len(words) for words in wanted]
    names = [word for words in wanted for word in words]
    by_word = dict(zip(names, found.hashes.tolist(), strict=True))
    assert [by_word[name] for name in names] == found.hashes.tolist()
    assert len(set(by_word.values())) == len(by_word)


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("“quoted” — dash…", "quoted dash"),
        ("a\u00a0b\u3000c", "a b c"),
        ("ÄPFEL naïve", "äpfel naïve"),
        ("你好 world世界abc", "你 好 world 世 界 abc"),
        ("日本、語", "日 本 語"),
        ("世", "世 "),
    ],
)
def test_words_beyond_ascii_are_told_apart(text, like):
    assert hashes(text) == hashes(like)
    assert len(hashes(text)) == len(like.split())


def test_words_of_every_length_differ_in_any_letter():
    found = [hashes("a" * length)[0] for length in range(1, 40)]
    found += [hashes("a" * at + "b" + "a" * (30 - at))[0] for at in range(30)]
    assert len(set(found)) == len(found)


@given(st.lists(st.text("ab世é ", max_size=30), max_size=12), st.integers(1, 6))
def test_no_run_of_words_crosses_from_one_text_into_the_next(texts, length):
    whole = split_words(texts).ngrams(length)
    alone = [split_words([text]).ngrams(length).hashes.tolist() for text in texts]
    assert whole.counts.tolist() == [len(runs) for runs in alone]
    assert whole.hashes.tolist() == [run for runs in alone for run in runs]


def test_a_run_of_words_knows_their_order():
    assert split_words(["a b c"]).ngrams(3).hashes.tolist() != split_words(["c b a"]).ngrams(3).hashes.tolist()


@given(st.lists(st.text("ab", max_size=9)), st.integers(1, 20))
def test_blocks_hold_every_text_in_order(texts, characters):
    assert [text for block in blocks_of(texts, characters) for text in block] == texts
