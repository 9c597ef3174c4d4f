"""A fast encoder beside a slow one: used only after it has given the same answers, and never again after one miss.

It compares answers on hard texts and on the first texts that are really given. It does not know how either encodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np

from trainclinic.encoding.tokens.hard_texts import HARD_TEXTS
from trainclinic.encoding.tokens.tokenizer import Ids, Tokens

_T = TypeVar("_T")
BUILD_AFTER = 2_000_000
"""Characters that are encoded slowly before a fast encoder pays for its preparation, which takes about two seconds."""
COMPARED = 1000
"""Texts really given that both encoders encode before the fast one is believed."""


class Encode(Protocol):
    """The slow way."""

    def __call__(self, texts: Sequence[str], *, offsets: bool) -> Iterator[Tokens]:
        """Texts as tokens, their characters with or without meaning."""


class FastEncoder(Protocol):
    """An encoder of single texts that may decline."""

    @property
    def probes(self) -> Sequence[str]:
        """Texts that this very vocabulary makes hard, to be compared before anything else."""

    def encode(self, text: str) -> Tokens | None:
        """A text as tokens with their characters, `None` when it is not for this encoder."""

    def ids(self, text: str) -> Ids | None:
        """Ids alone, `None` when the text is not for this encoder."""


class Trust:
    """Answers of a slow encoder, from a fast one where that has been proven equal.

    Args:
        slowly: Encodes texts, with characters or without.
        build: Prepares the fast encoder, `None` when there cannot be one.
    """

    def __init__(self, slowly: Encode, build: Callable[[], FastEncoder | None]) -> None:
        self._slowly = slowly
        self._build = build
        self._fast: FastEncoder | None = None
        self._has_equal_places = True
        self._until_build: int | None = BUILD_AFTER
        self._to_compare = COMPARED

    @property
    def is_fast(self) -> bool:
        """Whether the fast encoder has been prepared and has not failed."""
        return self._fast is not None

    def ids(self, texts: Sequence[str]) -> list[Ids]:
        """Ids alone."""
        fast = self._ready(texts)
        if fast is None:
            return [tokens.ids for tokens in self._slowly(texts, offsets=False)]
        return _with_gaps(texts, fast.ids, lambda rest: [tokens.ids for tokens in self._slowly(rest, offsets=False)])

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Tokens with their characters."""
        fast = self._ready(texts)
        if fast is None or not self._has_equal_places:
            return list(self._slowly(texts, offsets=True))
        return _with_gaps(texts, fast.encode, lambda rest: list(self._slowly(rest, offsets=True)))

    def _ready(self, texts: Sequence[str]) -> FastEncoder | None:
        """The fast encoder when it may answer for these texts, after any comparison that is still due."""
        if self._until_build is not None:
            self._until_build -= sum(map(len, texts))
            if self._until_build > 0:
                return None
            self._until_build = None
            self._fast = self._build()
            if self._fast is not None:
                self._compare([*HARD_TEXTS, *self._fast.probes])
        if self._fast is not None and self._to_compare > 0:
            due = texts[: self._to_compare]
            self._to_compare -= len(due)
            self._compare(due)
        return self._fast

    def _compare(self, texts: Sequence[str]) -> None:
        """Drop the fast encoder when one id differs, and its characters when one of those does."""
        fast = self._fast
        if fast is None:
            return
        for text, slow in zip(texts, self._slowly(texts, offsets=True), strict=True):
            ids, tokens = fast.ids(text), fast.encode(text)
            if ids is None or tokens is None:
                continue
            if not (np.array_equal(ids, slow.ids) and np.array_equal(tokens.ids, slow.ids)):
                self._fast = None
                return
            places_agree = np.array_equal(tokens.starts, slow.starts) and np.array_equal(tokens.ends, slow.ends)
            self._has_equal_places = self._has_equal_places and places_agree


def _with_gaps(
    texts: Sequence[str], fast: Callable[[str], _T | None], slowly: Callable[[Sequence[str]], list[_T]]
) -> list[_T]:
    """Fast answers, and slow ones for the texts that the fast encoder declined."""
    found = [fast(text) for text in texts]
    declined = [at for at, answer in enumerate(found) if answer is None]
    for at, answer in zip(declined, slowly([texts[at] for at in declined]), strict=True):
        found[at] = answer
    return [answer for answer in found if answer is not None]
