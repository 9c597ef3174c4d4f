"""Text that was read in the wrong character set: found in every set, mended where it can be, and never seen in good text."""

from __future__ import annotations

import pytest

from trainclinic.dataset.garbling import garbled_place

WORDS = {
    "cp1252": "don’t café ¿Qué? Österreich łódź привет καλημέρα 你好世界 こんにちは שלום مرحبا ✅ 😀 İstanbul Việt",
    "cp1254": "don’t café Österreich łódź καλημέρα 你好世界 ✅ 😀 İstanbul ğüş",
    "latin-1": "don’t café Österreich łódź привет καλημέρα 你好世界 ✅ 😀",
    "cp1250": "don’t łódź",
    "cp1251": "don’t привет –",
    "mac_roman": "don’t café",
}
CLEAN = (
    "Âge, Ângela, PÃO. «Voilà», «IRMû… ‘Ô, ‚Å‘, „Ä“, SÃO®, às 10 °C, ¿qué?, ½",
    "L’été à Paris: «déjà»… “ê”, «été…» Ærø, GÖÐ”, “Ð”, Þórður, smörgås, Å… Ä…",
    "Съешь ещё этих мягких французских булок. РЁ, Р«С», СЃ, Ђорђе, Бурџ",
    "你好，世界。こんにちは、안녕하세요, שלום × 3 × ½, مرحبا بالعالم",
    "Đã đến Việt Nam, “trâ” ‘đâ’…, está»… nhé",
    "⟨Â²⟩ − ⟨Â⟩² ≥ 0, Â†, √2, ┌──┐ │ └ ™ ® © ✅ ⚠️ 👩‍💻",
)


def read_as(text: str, codec: str, *, drops: bool = False) -> str:
    """UTF-8 as another set shows it; bytes without a character become control characters, or go."""
    shown = ((byte, bytes([byte]).decode(codec, "ignore")) for byte in text.encode())
    return "".join(seen or ("" if drops else chr(byte)) for byte, seen in shown)


@pytest.mark.parametrize(("codec", "word"), [(codec, word) for codec, words in WORDS.items() for word in words.split()])
def test_a_word_read_in_another_set_is_found_and_mended(codec: str, word: str) -> None:
    place = garbled_place(f"see {read_as(word, codec)} there")
    assert place is not None
    assert not place.is_lossy
    assert place.meant.strip("?") in word


@pytest.mark.parametrize("text", CLEAN)
def test_good_text_of_many_languages_is_whole(text: str) -> None:
    assert garbled_place(text) is None


@pytest.mark.parametrize(
    ("sign", "codec", "name"),
    [("❌", "cp1252", "Windows-1252"), ("⚠️", "cp1252", "Windows-1252"), ("📝", "cp1254", "Windows-1254")],
)
def test_dropped_bytes_are_lossy(sign: str, codec: str, name: str) -> None:
    place = garbled_place(read_as(sign, codec, drops=True))
    assert place is not None
    assert place.is_lossy
    assert place.read_as == name


def test_a_lossy_place_is_told_before_a_lossless_one() -> None:
    place = garbled_place("cafÃ© and then âŒ")
    assert place is not None
    assert place.is_lossy


def test_damage_on_damage_is_undone_twice() -> None:
    twice = read_as(read_as("don’t", "cp1252"), "cp1252")
    place = garbled_place(twice)
    assert place is not None
    assert place.meant == "don’t"


def test_a_saved_replacement_character_is_lossy() -> None:
    place = garbled_place("Straï¿½e")
    assert place is not None
    assert place.is_lossy
