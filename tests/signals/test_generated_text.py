"""Outputs measured one by one and in pairs."""

from __future__ import annotations

import inspect
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainclinic.record.parts import Generation
from trainclinic.record.run import RunRecord
from trainclinic.record.source import Source
from trainclinic.signals.generated_text import (
    MAX_OUTPUTS,
    GeneratedTexts,
    batch_of,
    excerpt,
    generated_texts_of,
    padding_of,
    stage_of,
)
from trainclinic.signals.measured import Measured
from trainclinic.signals.text_decoding import misdecoding_of, restored
from trainclinic.signals.text_garbling import garbling_of
from trainclinic.signals.text_markers import other_turns, reserved_tokens, without_end
from trainclinic.signals.text_repetition import find_loop, repeated_grams, stuttered_words

HERE = Source("generations.jsonl", 1)


def measured(*outputs: Generation) -> GeneratedTexts:
    found = generated_texts_of(Measured(RunRecord("run", generations=outputs)))
    assert found is not None
    return found


def naive_period(text: str) -> int:
    return next(p for p in range(1, len(text) + 1) if all(text[i] == text[i + p] for i in range(len(text) - p)))


@given(st.text("ab", min_size=2, max_size=5), st.integers(3, 6), st.text("abc ", max_size=6))
def test_a_loop_is_found_with_its_smallest_period(unit: str, repeats: int, before: str) -> None:
    text = before + unit * repeats
    found = find_loop(text)
    period = naive_period(unit * repeats)
    if len(unit * repeats) >= max(8, 2 * period + 6):
        assert found is not None
        assert len(found.unit) <= period
        assert text.endswith((found.unit * 20)[: int(found.repeats * len(found.unit))][-len(found.unit) :] or "")


@pytest.mark.parametrize("text", ["About 1000000000", "Title\n----------", "Chapter one ..........", "Yes, yes, yes."])
def test_round_numbers_lines_and_short_repetitions_are_no_loops(text: str) -> None:
    assert find_loop(text) is None


def test_the_sources_of_this_project_are_no_loops_and_no_junk() -> None:
    """Real code and prose, cut as outputs are cut."""
    source = "".join(
        inspect.getsource(inspect.getmodule(item)) for item in (find_loop, garbling_of, other_turns, Measured)
    )  # type: ignore[arg-type]
    for piece in textwrap.wrap(source, 600, replace_whitespace=False):
        assert find_loop(piece) is None
        assert repeated_grams(piece)[0] < 0.4
        assert garbling_of(piece) is None


def test_doubled_words_are_counted_without_numbers() -> None:
    assert stuttered_words("of of of the the 1 1") == (3, 7)


@pytest.mark.parametrize(
    "text",
    [
        "Příliš žluťoučký kůň úpěl ďábelské ódy.",
        "東京タワーの高さは三百三十三メートルです。",
        "서울 타워 is 236 m 높이입니다.",
        "hello, здравствуйте, 你好, مرحبا",
        "SELECT brdg FROM ntwrk WHERE hght = 3; -- {x} (y) [z]",
        "A résumé of the naïve façade: Ångström, Übermut, señor.",
        "",
    ],
)
def test_other_languages_and_code_are_not_garbled(text: str) -> None:
    assert garbling_of(text) is None


WHOLE = [
    "Die größte Brücke führt über den Fluß, \u201eFuß\u201c und \u201eGruß\u201c.",
    "Un \u00ab café\u00a0\u00bb, dit-il, \u00ab très allongé\u2026\u00bb, c\u2019était l\u2019été\u00a0\u00bb",
    "São Paulo não é à toa: ação, AMANHÃ\u2026 \u201cMAÇÃ\u201d",
    "Tiếng Việt có dấu, cà phê sữa đá",
    "Привет, \u00abмир\u00bb, и \u201eпока\u201c",
    "東京タワーの高さは\u2026",
    "25 °C, £5 and ½, don\u2019t",
    "Ä\u201c Ö\u201c Ü\u201c ß\u201c",
    "letra \u201cÑ\u201d y \u00abAÑO\u00bb",
]


@pytest.mark.parametrize("text", WHOLE)
def test_wrongly_decoded_text_is_recognised_by_decoding_it_back(text: str) -> None:
    wrong = text.encode().decode("latin-1")
    found = misdecoding_of(wrong)
    assert found is not None
    assert found.meant in text
    assert restored(wrong) == text
    assert misdecoding_of(text) is None
    assert garbling_of(wrong) is None


def test_a_text_about_the_damage_is_not_damaged_and_lost_bytes_do_not_hide_it() -> None:
    assert misdecoding_of("The letter \u00fc becomes \u00c3\u00bc when \u00fc is read as Latin-1.") is None
    without_break = "à la fête, ça été".encode().decode("latin-1").replace("\u00a0", " ")
    assert misdecoding_of(without_break) is not None


def test_replaced_letters_are_damage_and_runs_of_them_are_junk() -> None:
    found = misdecoding_of("un caf\ufffd au lait, d\ufffdj\ufffd vu")
    assert found is not None
    assert found.sequences >= 2
    assert misdecoding_of("It \ufffd\ufffd is \ufffd high") is None
    assert garbling_of("It \ufffd\ufffd is \ufffd high") is not None


def test_an_end_with_padding_is_no_part_of_the_output() -> None:
    assert without_end("82 m.</s><pad><pad>") == "82 m."
    assert without_end("82 m.<|im_end|>\n") == "82 m."
    assert without_end("82 m.</s> More") == "82 m.</s> More"


@pytest.mark.parametrize(
    ("output", "marker"),
    [
        ("Yes.\n### Human: and?", "### Human:"),
        ("Yes.<|im_start|>user\nand?", "<|im_start|>user"),
        ("Yes. [INST] and? [/INST]", "[INST]"),
        ("Yes.\nhuman: and?", "human:"),
        ("### Response: yes", None),
        ("## System requirements\nA computer.", None),
        ("The users: three of them.", None),
    ],
)
def test_markers_of_other_turns(output: str, marker: str | None) -> None:
    found = other_turns(output)
    assert (found[0] if found else None) == marker


@pytest.mark.parametrize(
    ("output", "token"),
    [
        ("a<unk>b", "<unk>"),
        ("a<|reserved_special_token_5|>", "<|reserved_special_token_5|>"),
        ("a <x><x><x><x>", "<x>"),
        ("<p>a</p><p>b</p>", None),
        ("a<extra_id_0>", "<extra_id_0>"),
        ("if a < b and c > d", None),
    ],
)
def test_tokens_that_are_no_text(output: str, token: str | None) -> None:
    found = reserved_tokens(output)
    assert (found[0] if found else None) == token


def test_a_limit_is_inferred_only_from_outputs_that_share_their_length() -> None:
    one, other = Generation("a", HERE, new_tokens=64), Generation("b", HERE, new_tokens=64)
    shorter = Generation("c", HERE, new_tokens=30)
    assert measured(one, other, shorter).limit == 64
    assert measured(one, shorter).limit is None
    assert [shape.at_limit for shape in measured(one, other, shorter).shapes] == [True, True, False]


def test_outputs_are_paired_by_prompt_and_stage() -> None:
    texts = measured(
        Generation("Yes, within 14 days.", HERE, prompt="Return?", label="adapter"),
        Generation("Yes, within 14 days.", HERE, prompt="Return?", label="merged"),
        Generation("No.", HERE, prompt="Return?", label="llama.cpp Q4"),
        Generation("Blue.", HERE, prompt="Colour?", label="merged"),
    )
    assert [(pair.left, pair.right, pair.similarity == 1.0) for pair in texts.pairs] == [(0, 1, True), (0, 2, False)]


def test_outputs_are_paired_by_batch_size() -> None:
    texts = measured(
        Generation("Blue.", HERE, prompt="Colour?", label="batch 8"),
        Generation("Blue.", HERE, prompt="Colour?", label="batch 1"),
    )
    assert [(pair.kind, pair.left, pair.right) for pair in texts.pairs] == [("batch", 1, 0)]


@pytest.mark.parametrize(
    ("label", "stage"),
    [
        ("adapter", 0),
        ("transformers (merged)", 1),
        ("after reload", 2),
        ("llama.cpp f16", 3),
        ("base", None),
        ("", None),
    ],
)
def test_stages_of_labels(label: str, stage: int | None) -> None:
    assert stage_of(label) == stage


def test_numbers_in_labels() -> None:
    assert (batch_of("batch_size=8"), batch_of("bs 1"), batch_of("model 3")) == (8, 1, None)
    assert (padding_of("row 0, left_pads 12"), padding_of("pad 0"), padding_of("batch 8")) == (12, 0, None)


def test_long_files_are_thinned_evenly() -> None:
    many = tuple(Generation(f"answer {number}", HERE) for number in range(3 * MAX_OUTPUTS))
    texts = measured(*many)
    assert (len(texts.shapes), texts.total, texts.shapes[-1].row) == (MAX_OUTPUTS, 3 * MAX_OUTPUTS, 3 * MAX_OUTPUTS - 3)


@given(st.text(max_size=300), st.text(max_size=40))
def test_no_text_makes_measuring_fail(output: str, prompt: str) -> None:
    (shape,) = measured(Generation(output, HERE, prompt=prompt, label=prompt[:5])).shapes
    assert shape.blank is (not output.strip())


def test_an_excerpt_is_one_short_line() -> None:
    assert excerpt("a\n\tb" * 50, 20) == "a ba ba ba ba ba ba…"
