"""The best hits in a better order: a cross-encoder reads each of them together with the question.

It is used only where it is measured to help on the user's own questions. It knows no index.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from trainclinic.record.errors import TrainclinicError
from trainclinic.retrieval.dense import CHARACTERS, identity_of
from trainclinic.retrieval.lexical import Scores
from trainclinic.retrieval.optional import needed
from trainclinic.retrieval.passage import Passage

READ = 20
"""Hits that are read; each costs about as much as encoding a passage."""


class Reranker(Protocol):
    """What reads a question with a passage."""

    @property
    def identity(self) -> str:
        """Equal for equal models."""

    def scores(self, question: str, texts: Sequence[str]) -> Scores:
        """How well each text answers the question, `[texts]`; only their order counts."""


class CrossReranker:
    """A CrossEncoder of `sentence-transformers`, loaded with the first question.

    Args:
        folder: Its folder.

    Raises:
        TrainclinicError: If it is no folder of a model.
    """

    def __init__(self, folder: Path) -> None:
        if not (folder / "config.json").is_file():
            message = f"`{folder}` is no folder of a reranker: it holds no `config.json`"
            raise TrainclinicError(message, hint="save one with `CrossEncoder(...).save_pretrained(folder)`")
        self.folder = folder.resolve()
        self._model: Any = None

    @property
    def identity(self) -> str:
        """Digest of configuration and weights."""
        return identity_of(self.folder)

    def scores(self, question: str, texts: Sequence[str]) -> Scores:
        """Read each text with the question.

        Args:
            question: What is asked.
            texts: Passages.

        Returns:
            `[texts]`; only their order counts.

        Raises:
            TrainclinicError: If the model cannot be loaded or gives no single number.
        """
        pairs = [(question[:CHARACTERS], text[:CHARACTERS]) for text in texts]
        found = np.asarray(self._loaded().predict(pairs, show_progress_bar=False), np.float32)
        if found.shape != (len(texts),):
            message = f"`{self.folder}` gives {found.shape[-1]} numbers for a passage, expected one"
            raise TrainclinicError(message, hint="a reranker has one label (`num_labels` 1)")
        return np.nan_to_num(found)

    def _loaded(self) -> Any:
        if self._model is None:
            library = needed("sentence_transformers", "sentence-transformers", "reranking")
            logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
            try:
                self._model = library.CrossEncoder(
                    str(self.folder), device="cpu", trust_remote_code=False, local_files_only=True
                )
            except Exception as error:  # a folder can be broken in any way
                message = f"`{self.folder}` cannot be loaded as a reranker: {str(error) or type(error).__name__}"
                raise TrainclinicError(message, hint="load it once with `CrossEncoder(folder)`") from error
        return self._model


def reordered(rows: Sequence[int], question: str, passages: Sequence[Passage], reranker: Reranker) -> list[int]:
    """Rows in the order of a reranker; equal ones stay as they are.

    Args:
        rows: Rows, best first.
        question: What is asked.
        passages: The passage of each row.
        reranker: What reads them.
    """
    scores = reranker.scores(question, [as_read(passage) for passage in passages])
    return [rows[at] for at in np.argsort(-scores, kind="stable")]


def as_read(passage: Passage) -> str:
    """A passage as a reranker reads it.

    Args:
        passage: The passage.
    """
    return f"{passage.question}\n{passage.text}" if passage.question else passage.text
