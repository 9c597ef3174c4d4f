"""Search by words and by runs of four characters, each over questions and texts apart, with BM25 of `bm25s`.

Scores are shares: BM25 of a passage, divided by the most that the words of the question could give. It knows letters of
any script; it does not know languages, so nothing is stemmed: runs of characters find other forms, names and typos.
"""

from __future__ import annotations

import json
import re
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainclinic.retrieval.optional import needed

Scores = npt.NDArray[np.float32]
RUN = 4
LONGEST_TEXT = 20_000
"""Characters of a text that are indexed; what is longer repeats itself as far as words go."""
_WORD = re.compile(r"(?:[^\W_]|[\u0300-\u036f\u0591-\u05c7\u064b-\u0652\u0900-\u109f])+")
_ACCENTS = re.compile("[\u0300-\u036f]")
_PARAMETERS = {"k1": 1.2, "b": 0.75, "method": "lucene", "backend": "numpy"}
"""Lucene's BM25 (Kamphuis et al. 2020); `k1` and `b` as Lucene sets them."""
Tokenise = Callable[[str], list[str]]


def words(text: str) -> list[str]:
    """Words of a text, in small letters and without accents.

    Args:
        text: Any text; what is beyond `LONGEST_TEXT` is ignored.
    """
    plain = unicodedata.normalize("NFKC", text[:LONGEST_TEXT]).casefold()
    if not plain.isascii():
        plain = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", plain)))
    return _WORD.findall(plain)


def runs(text: str) -> list[str]:
    """Runs of four characters of each word with the blanks around it; words of one or two letters are one run.

    Args:
        text: Any text.
    """
    found = words(text)
    made = [f" {word} "[at : at + RUN] for word in found for at in range(len(word) - RUN + 3)]
    return made + [f" {word} " for word in found if len(word) == 1]


TOKENS: dict[str, Tokenise] = {"words": words, "characters": runs}
"""What each lexical channel counts."""
FIELDS = ("question", "text")


class Field:
    """BM25 over one field of all passages.

    Args:
        engine: Object of `bm25s`; `None` when no passage has the field.
        tokenise: What it counts.
        passages: Number of passages.
    """

    def __init__(self, engine: Any, tokenise: Tokenise, passages: int) -> None:
        self._engine = engine
        self._tokenise = tokenise
        self._passages = passages
        if engine is not None:
            frequency = np.diff(np.asarray(engine.scores["indptr"], np.float64))
            self._worth = np.log1p((passages - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)
        self._unknown = float(np.log1p((passages + 0.5) / 0.5))

    @classmethod
    def build(cls, texts: Iterable[str], tokenise: Tokenise) -> Field:
        """Index texts.

        Args:
            texts: The field of every passage, in order.
            tokenise: What to count.

        Raises:
            TrainclinicError: If `bm25s` is not installed.
        """
        bm25s = needed("bm25s", "bm25s", "searching by words")
        vocabulary: dict[str, int] = {}
        ids = [
            np.frombuffer(array("i", [vocabulary.setdefault(one, len(vocabulary)) for one in tokenise(text)]), np.int32)
            for text in texts
        ]
        if not vocabulary:
            return cls(None, tokenise, len(ids))
        engine = bm25s.BM25(**_PARAMETERS)
        engine.index((ids, vocabulary), show_progress=False)
        engine.vocab_dict.pop("", None)  # the library's mark for an empty question has no column
        return cls(engine, tokenise, len(ids))

    def save(self, folder: Path) -> None:
        """Write the field; nothing when no passage has it.

        Args:
            folder: Where to; it is made.
        """
        if self._engine is not None:
            folder.mkdir(parents=True)
            self._engine.save(folder, show_progress=False)

    @classmethod
    def load(cls, folder: Path, tokenise: Tokenise, passages: int) -> Field:
        """A field that was written; arrays stay on disk until they are used.

        Args:
            folder: Where it is.
            tokenise: What was counted.
            passages: Number of passages.

        Raises:
            ValueError: If the files are no index of that many passages.
            TrainclinicError: If `bm25s` is not installed.
        """
        if not folder.is_dir():
            return cls(None, tokenise, passages)
        bm25s = needed("bm25s", "bm25s", "searching by words")
        engine = bm25s.BM25.load(folder, mmap=True, allow_pickle=False, show_progress=False)
        _check(engine, passages)
        return cls(engine, tokenise, passages)

    def scores(self, question: str) -> Scores:
        """Share of the question that each passage covers.

        Args:
            question: What is asked.

        Returns:
            Shares 0-1, `[passages]`.
        """
        if self._engine is None:
            return np.zeros(self._passages, np.float32)
        asked = list(dict.fromkeys(self._tokenise(question)))
        known = self._engine.get_tokens_ids(asked)
        most = float(self._worth[known].sum()) + self._unknown * (len(asked) - len(known))
        if not known or most <= 0:
            return np.zeros(self._passages, np.float32)
        found: Scores = self._engine.get_scores_from_ids(known)
        return found / np.float32(most)


def _check(engine: Any, passages: int) -> None:
    """Places outside of the arrays would be read as numbers of other passages.

    Raises:
        ValueError: If the arrays do not fit together.
    """
    ends, places = np.asarray(engine.scores["indptr"]), engine.scores["indices"]
    fits = (
        engine.scores["num_docs"] == passages
        and max(engine.vocab_dict.values(), default=0) < len(ends) - 1
        and int(ends[-1]) == len(places) == len(engine.scores["data"])
    )
    if not fits:
        message = "its arrays do not fit together"
        raise ValueError(message)


class Lexical:
    """The four fields of search without a model: words and runs of characters, of questions and of texts.

    Args:
        fields: Fields by channel (`words`, `characters`) and part (`question`, `text`).
    """

    def __init__(self, fields: dict[tuple[str, str], Field]) -> None:
        self._fields = fields

    @classmethod
    def build(
        cls, questions: Sequence[str], texts: Sequence[str], progress: Callable[[], None] = lambda: None
    ) -> Lexical:
        """Index passages.

        Args:
            questions: Question of each passage; may be empty texts.
            texts: Text of each passage.
            progress: Called after each of the four fields.

        Raises:
            TrainclinicError: If `bm25s` is not installed.
        """
        fields = {}
        for channel, tokenise in TOKENS.items():
            for part, said in zip(FIELDS, (questions, texts), strict=True):
                fields[channel, part] = Field.build(said, tokenise)
                progress()
        return cls(fields)

    def save(self, folder: Path) -> None:
        """Write all fields.

        Args:
            folder: Folder of the version.
        """
        for (channel, part), one in self._fields.items():
            one.save(folder / f"{channel}-{part}")

    @classmethod
    def load(cls, folder: Path, passages: int) -> Lexical:
        """Fields that were written.

        Args:
            folder: Folder of the version.
            passages: Number of passages.

        Raises:
            ValueError: If a file is damaged.
            TrainclinicError: If `bm25s` is not installed.
        """
        try:
            return cls(
                {
                    (channel, part): Field.load(folder / f"{channel}-{part}", tokenise, passages)
                    for channel, tokenise in TOKENS.items()
                    for part in FIELDS
                }
            )
        except (OSError, KeyError, TypeError, IndexError, EOFError, json.JSONDecodeError) as error:
            message = f"{type(error).__name__}: {error}"
            raise ValueError(message) from error

    def scores(self, question: str) -> dict[tuple[str, str], Scores]:
        """Share of the question that each passage covers, by channel and part.

        Args:
            question: What is asked.
        """
        return {key: one.scores(question) for key, one in self._fields.items()}


def vocabulary_share(questions: Iterable[str], texts: Iterable[str]) -> float:
    """Share of the words of some questions that occur in some texts, 0-1.

    Args:
        questions: Questions.
        texts: Texts.
    """
    known = set(chain.from_iterable(map(words, texts)))
    asked = list(chain.from_iterable(map(words, questions)))
    return sum(word in known for word in asked) / len(asked) if asked else 0.0
