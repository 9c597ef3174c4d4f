"""A corpus with planted copies: Markov text of order 1 from the guides here and the docstrings of the standard library.

Real enough in word frequencies and lines to time with, and every copy in it is known. Natural text has more
near-duplicates that nobody planted, so precision on it is lower than here.
"""

from __future__ import annotations

import ast
import re
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
WORDS = (60, 500)
"""Fewest and most words of a document."""
DISTINCT = ("base", "template")
EDITS = {"edit 1 %": 0.01, "edit 3 %": 0.03, "edit 5 %": 0.05, "edit 10 %": 0.10, "edit 20 %": 0.20}
KINDS = ("exact", "space and case", *EDITS, "half", "prefix")
SHARE = 1 / 60
"""Copies of each kind, as a share of the documents; exact ones are twice as many."""
NOTICE = "This message and anything attached to it is meant for the person it was sent to and for nobody else:\n"


@dataclass(frozen=True)
class Planted:
    """Documents, and what each of them is.

    Attributes:
        texts: The documents.
        kinds: `base`, `template` or a kind of copy.
        families: A number that a document shares with all copies of it.
    """

    texts: list[str]
    kinds: list[str]
    families: NDArray[np.int64]

    @property
    def megabytes(self) -> float:
        """Size of the text in UTF-8."""
        return sum(len(text.encode()) for text in self.texts) / 1e6


class Markov:
    """Makes documents in which every word follows the one before as it does somewhere in the source."""

    def __init__(self, source: str) -> None:
        tokens = [token.rstrip() + ("\n" if "\n" in token else " ") for token in re.findall(r"\S+\s*", source)]
        self.words, ids = np.unique(np.array(tokens, dtype=object), return_inverse=True)
        followers = np.argsort(ids, kind="stable")
        self._next = np.append(ids[1:], ids[0])[followers]
        self._count = np.bincount(ids)
        self._start = np.cumsum(self._count) - self._count
        self._ids = ids

    def documents(self, rng: np.random.Generator, count: int) -> list[str]:
        """Some documents of random lengths."""
        lengths = rng.integers(*WORDS, size=count)
        state = rng.choice(self._ids, size=count)
        drawn = np.empty((count, WORDS[1]), np.int64)
        for at in range(WORDS[1]):
            drawn[:, at] = state
            step = (rng.random(count) * self._count[state]).astype(np.int64)
            state = self._next[self._start[state] + step]
        words = self.words
        return ["".join(words[row[:length]].tolist()) for row, length in zip(drawn, lengths.tolist(), strict=True)]

    def any_words(self, rng: np.random.Generator, count: int) -> list[str]:
        """Words in proportion to how often they occur."""
        return [str(word) for word in self.words[rng.choice(self._ids, size=count)]]


@cache
def source_text() -> str:
    """The guides of this repository and the docstrings of the standard library."""
    parts = [file.read_text(encoding="utf-8") for file in sorted((ROOT / "docs").rglob("*.md"))]
    library = Path(sysconfig.get_path("stdlib"))
    for file in sorted(library.glob("*.py")):
        parts += docstrings(file.read_text(encoding="utf-8", errors="replace"))
    return "\n".join(parts)


def docstrings(code: str) -> Iterator[str]:
    """Every docstring of a module."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield text


def documents(megabytes: float, seed: int) -> Iterator[list[str]]:
    """Documents without planted copies, some thousand at a time."""
    markov, rng = Markov(source_text()), np.random.default_rng(seed)
    made = 0.0
    while made < megabytes * 1e6:
        batch = markov.documents(rng, 4_000)
        made += sum(map(len, batch))
        yield batch


def planted(megabytes: float, seed: int) -> Planted:
    """A shuffled corpus with copies of every kind.

    Args:
        megabytes: Size, roughly.
        seed: Seed of everything random.
    """
    copies = (len(KINDS) + 1) * SHARE
    bases = [text for batch in documents(megabytes * (1 - copies), seed) for text in batch]
    needed = sum(map(len, bases)) / len(bases)
    bases = bases[: max(int(megabytes * 1e6 * (1 - copies) / needed), 20)]
    markov, rng = Markov(source_text()), np.random.default_rng(seed + 1)
    count = max(int(len(bases) * SHARE / (1 - copies)), 2)
    texts, kinds, families = list(bases), ["base"] * len(bases), list(range(len(bases)))
    template = "".join(markov.any_words(rng, 60))
    for at in rng.choice(len(bases), size=min(2 * count, len(bases) // 4), replace=False).tolist():
        texts[at], kinds[at] = template + texts[at], "template"
    plain = np.flatnonzero([kind == "base" for kind in kinds])
    for kind in KINDS:
        for at in rng.choice(plain, size=min(count * (1 + (kind == "exact")), len(plain))).tolist():
            texts.append(copy_of(texts[at], kind, markov, rng))
            kinds.append(kind)
            families.append(at)
    order = rng.permutation(len(texts)).tolist()
    return Planted([texts[at] for at in order], [kinds[at] for at in order], np.array(families)[order])


def copy_of(text: str, kind: str, markov: Markov, rng: np.random.Generator) -> str:
    """A copy of one kind."""
    if kind in EDITS:
        words = re.findall(r"\S+\s*", text)
        for at in np.flatnonzero(rng.random(len(words)) < EDITS[kind]).tolist():
            words[at] = markov.any_words(rng, 1)[0]
        return "".join(words)
    return CHANGES[kind](text)


CHANGES: dict[str, Callable[[str], str]] = {
    "exact": lambda text: text,
    "space and case": lambda text: "  " + text.upper().replace(" ", "  "),
    "half": lambda text: text[: len(text) // 2],
    "prefix": lambda text: NOTICE + text,
}
