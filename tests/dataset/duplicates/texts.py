"""Texts for the tests of duplicates, the same in every run."""

from __future__ import annotations

import random
import re

VOCABULARY = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in ("a", "e", "io", "u") for c in ("n", "r", "st", "lla", "")]


def text_of(seed: int, words: int = 200) -> str:
    """Random words in lines of ten."""
    draw = random.Random(seed)
    chosen = draw.choices(VOCABULARY, k=words)
    return "\n".join(" ".join(chosen[at : at + 10]) for at in range(0, words, 10))


def edited(text: str, share: float, seed: int) -> str:
    """The text with some words replaced."""
    draw = random.Random(seed)
    return re.sub(r"\w+", lambda word: draw.choice(VOCABULARY) if draw.random() < share else word[0], text)
