"""An index that was built: open it, search it.

It knows passages, channels and what a score means. It does not know how answers are written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from trainclinic.record.errors import TrainclinicError
from trainclinic.retrieval import storage
from trainclinic.retrieval.dense import Encoder, SentenceEncoder, Vectors, embedding_folder
from trainclinic.retrieval.lexical import Lexical
from trainclinic.retrieval.mixing import Curve, mix_of
from trainclinic.retrieval.passage import Hit, Passage
from trainclinic.retrieval.reranking import READ, CrossReranker, Reranker, reordered
from trainclinic.retrieval.searching import Searcher, best

PASSAGES, OFFSETS, VECTORS = "passages.jsonl", "offsets.npy", "vectors.npy"


class Stored:
    """Passages in a file, read one by one; a file that is open stays readable when its version is removed.

    Args:
        folder: Folder of a version.

    Raises:
        ValueError: If the files do not fit together.
    """

    def __init__(self, folder: Path) -> None:
        self._text = np.memmap(folder / PASSAGES, np.uint8, "r")
        self._offsets = np.load(folder / OFFSETS, allow_pickle=False)
        ends = self._offsets
        if ends.ndim != 1 or ends.dtype != np.int64 or len(ends) < 2 or int(ends[-1]) != len(self._text):
            message = f"`{OFFSETS}` does not fit `{PASSAGES}`"
            raise ValueError(message)

    def __len__(self) -> int:
        """Number of passages."""
        return len(self._offsets) - 1

    def read(self, rows: list[int]) -> list[Passage]:
        """Passages by row.

        Args:
            rows: Rows, in any order.

        Raises:
            ValueError: If a row cannot be read.
        """
        ends = self._offsets
        return [_passage(self._text[ends[row] : ends[row + 1]].tobytes()) for row in rows]

    def ids(self) -> list[str]:
        """Ids of all passages, by row."""
        return [passage.id for passage in self.read(list(range(len(self))))]


def _passage(line: bytes) -> Passage:
    try:
        told = json.loads(line)
        return Passage(str(told["id"]), str(told["question"]), str(told["text"]), str(told["source"]))
    except (KeyError, TypeError, RecursionError) as error:
        message = f"`{PASSAGES}` holds a row that is no passage"
        raise ValueError(message) from error


class Index:
    """A searchable index.

    Args:
        folder: Its folder.
        version: Folder of the version that counts.
        manifest: What it says about itself.
        encoder: What encodes questions, instead of the model that the manifest names.
        reranker: What orders the best hits, instead of the model that the manifest names.

    Attributes:
        folder: Its folder.
        title: What the data are called.
        floor: Score below which the data do not say.
        settings: How it was built: counts, weights, and how good the search was on the user's own questions.
    """

    def __init__(
        self,
        folder: Path,
        version: Path,
        manifest: Mapping[str, Any],
        encoder: Encoder | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        tuned = manifest["tuned"]
        self.folder = folder
        self.title = str(manifest["title"])
        self.settings: Mapping[str, Any] = {
            key: value for key, value in manifest.items() if key not in {"format", "version", "files", "seal"}
        }
        self.floor = float(tuned["floor"])
        self._mix = mix_of(tuned["weights"])
        self._curve = Curve(float(tuned["curve"]["slope"]), float(tuned["curve"]["offset"]))
        self._stored = Stored(version)
        self._reranker = _reranker(manifest, reranker)
        self._searcher = Searcher(
            Lexical.load(version, len(self._stored)), *_meaning(version, manifest, len(self._stored), encoder)
        )

    @classmethod
    def open(cls, folder: Path, encoder: Encoder | None = None, reranker: Reranker | None = None) -> Index:
        """Open an index; its models are loaded with the first question.

        Args:
            folder: Its folder.
            encoder: What encodes questions, instead of the model that the index was built with.
            reranker: What orders the best hits, instead of the model that the index was built with.

        Raises:
            TrainclinicError: If there is no index, it is damaged or of another version, or a library or the embedding
                model that it needs is missing.
        """
        version, manifest = storage.current(folder)
        try:
            return cls(folder, version, manifest, encoder, reranker)
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise storage.damaged(folder, _reason(error)) from error

    @property
    def passages(self) -> int:
        """Number of passages."""
        return len(self._stored)

    def search(self, question: str, count: int = 5) -> list[Hit]:
        """The passages that answer a question best.

        Args:
            question: What is asked.
            count: Hits at most; fewer where nothing else has anything in common with the question.

        Returns:
            Hits, best first; with a reranker the order is its own, and scores are those of the search.

        Raises:
            TrainclinicError: If a model cannot be loaded, or the index was damaged after it was opened.
        """
        channels = self._mix.channels(self._searcher.columns(question))
        mixed = self._mix.mixed(channels)
        rows = best(mixed, count if self._reranker is None else max(count, READ))
        try:
            passages = self._stored.read(rows)
        except (OSError, ValueError) as error:
            raise storage.damaged(self.folder, _reason(error)) from error
        if self._reranker is not None and rows:
            by_row = dict(zip(rows, passages, strict=True))
            rows = reordered(rows, question, passages, self._reranker)[:count]
            passages = [by_row[row] for row in rows]
        return [
            Hit(passage, self._curve.at(float(mixed[row])), {name: float(part[row]) for name, part in channels.items()})
            for row, passage in zip(rows, passages, strict=True)
        ]


def _meaning(
    version: Path, manifest: Mapping[str, Any], passages: int, encoder: Encoder | None
) -> tuple[Vectors | None, Encoder | None]:
    """Vectors with what encodes questions.

    Raises:
        ValueError: If the vectors are damaged.
        TrainclinicError: If the model is gone, or another than the one that made them.
    """
    embedding = manifest["embedding"]
    if embedding is None:
        return None, None
    vectors = np.load(version / VECTORS, mmap_mode="r", allow_pickle=False)
    if vectors.ndim != 2 or len(vectors) != passages or vectors.dtype != np.float32:
        message = f"`{VECTORS}` does not fit the passages"
        raise ValueError(message)
    encoder = encoder or SentenceEncoder(embedding_folder(str(embedding["folder"])))
    if encoder.identity != embedding["identity"]:
        message = f"the embedding model `{embedding['folder']}` is not the one that this index was built with"
        raise TrainclinicError(message, hint="build the index again, or bring the model back")
    return vectors, encoder


def _reranker(manifest: Mapping[str, Any], given: Reranker | None) -> Reranker | None:
    """What orders the best hits, where it was measured to help.

    Raises:
        TrainclinicError: If the model is gone, or another than the one that was measured.
    """
    named = manifest.get("reranker")
    if named is None or not manifest["tuned"].get("reranks"):
        return None
    reranker = given or CrossReranker(Path(named["folder"]))
    if reranker.identity != named["identity"]:
        message = f"the reranker `{named['folder']}` is not the one that this index was built with"
        raise TrainclinicError(message, hint="build the index again, or bring the model back")
    return reranker


def _reason(error: Exception) -> str:
    return str(error).replace("\n", " ") or type(error).__name__
