"""Signs that a text is no text: junk characters, mixed scripts, vowelless words, word salad.

Every sign is a share with its reason. None of them says that a language is wrong: a text in any one script passes,
and signs that only hold for Latin words are asked of Latin words only. Code is left to the signs that it does not have.
Text that was only decoded wrongly is put right first: it is a text (`text_decoding`).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

from trainclinic.signals.text_decoding import restored

LONGEST = 4000

JUNK_SHARE = 0.02
"""Replacement, control, private and unassigned characters per character; a cut byte sequence leaves one at the end."""

SCRIPTS, SWITCHES = 4, 0.25
"""Distinct scripts, and share of neighbouring words in different ones. A list of translations has many scripts and few
switches; a sentence with loan words has many switches and two scripts."""

VOWELLESS_WORDS, VOWELLESS_SHARE = 8, 0.4
"""Latin words of four letters and more without a vowel: names of things and Slavic words, a few in a hundred."""

FUNCTION_WORDS, FUNCTION_SHARE = 10, 0.8
"""English prose has 40-50 % function words; a model that only knows word frequencies writes almost nothing else."""

_WORDS = """a an the of to in on at by for with from and or but nor so as is was are were be been it its this that these
    those he she they we you i his her their our my your him them us me not no do does did has have had will would can
    could"""
_FUNCTION = frozenset(_WORDS.split())
_CODE = re.compile(r"[{};=<>()\[\]`\\]")


@dataclass(frozen=True, slots=True)
class Garbling:
    """One reason why a text is no text.

    Attributes:
        reason: Noun phrase with the numbers.
        example: A piece of the text that shows it.
    """

    reason: str
    example: str


def garbling_of(text: str) -> Garbling | None:
    """The first sign that holds, the most certain first; `None` for text that could be meant."""
    text = restored(text[:LONGEST])
    for look in (_junk, _scripts, _vowelless, _salad):
        found = look(text)
        if found is not None:
            return found
    return None


def _junk(text: str) -> Garbling | None:
    body = text.rstrip("\ufffd")
    junk = [one for one in body if one == "\ufffd" or unicodedata.category(one) in ("Cc", "Co", "Cn")]
    junk = [one for one in junk if one not in "\n\r\t\x0b\x0c"]
    if len(junk) < 2 or len(junk) < JUNK_SHARE * len(body):
        return None
    return Garbling(f"{len(junk)} replacement or control characters in {len(body)}", f"U+{ord(junk[0]):04X}")


def _scripts(text: str) -> Garbling | None:
    words = [script for script in map(_script, re.findall(r"[^\W\d_]+", text)) if script]
    if len(words) < 6:
        return None
    kinds = len(set(words))
    switches = sum(one != other for one, other in pairwise(words)) / (len(words) - 1)
    if kinds < SCRIPTS or switches < SWITCHES:
        return None
    return Garbling(f"{kinds} scripts in {len(words)} words", text.strip()[:40])


def _vowelless(text: str) -> Garbling | None:
    words = re.findall(r"\b[a-zA-Z]{4,}\b", text)
    words = [word for word in words if not word.isupper()]
    if len(words) < VOWELLESS_WORDS or _is_code(text):
        return None
    bare = [word for word in words if not re.search(r"[aeiouyAEIOUY]", word)]
    if len(bare) < VOWELLESS_SHARE * len(words):
        return None
    return Garbling(f"{len(bare)} of {len(words)} longer words have no vowel", bare[0])


def _salad(text: str) -> Garbling | None:
    words = re.findall(r"[A-Za-z']+", text.lower())
    if len(words) < FUNCTION_WORDS or _is_code(text):
        return None
    known = sum(word in _FUNCTION for word in words)
    if known < FUNCTION_SHARE * len(words):
        return None
    return Garbling(f"{known} of {len(words)} words are function words", text.strip()[:40])


def _is_code(text: str) -> bool:
    return len(_CODE.findall(text)) > 0.04 * max(1, len(text))


def _script(word: str) -> str:
    """Coarse script of a word by its first letter; the scripts that one language mixes count as one."""
    name = unicodedata.name(word[0], "").split(" ")[0]
    return "EAST ASIAN" if name in ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH") else name
