"""From the user's data to an index: read, index, choose weights, write; what did not change is not encoded again.

It knows the order of the work. It does not know how a channel scores.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainclinic.retrieval import storage
from trainclinic.retrieval.dense import Encoder, Vectors
from trainclinic.retrieval.documents import Reading, read_passages
from trainclinic.retrieval.index import OFFSETS, PASSAGES, VECTORS, Stored
from trainclinic.retrieval.lexical import Lexical
from trainclinic.retrieval.passage import Passage
from trainclinic.retrieval.questions import Questions, make_questions
from trainclinic.retrieval.reranking import Reranker
from trainclinic.retrieval.searching import Searcher
from trainclinic.retrieval.tuning import Tuned, Tuner

ASKED = 80
"""Passages that questions are made from, in each half."""
ASKED_TO_EVALUATE = 400
Progress = Callable[[str, int, int], None]
"""What is being done, how much of it was done since the last call, and how much there is."""


@dataclass(frozen=True, slots=True)
class Built:
    """An index that was written.

    Attributes:
        folder: Its folder.
        passages: Number of passages.
        pairs: How many of them are a question with its answer.
        files: Files that they come from.
        encoded: Passages that were encoded now; the other vectors were kept.
        kept: Vectors that were kept from the index before.
        notes: What was left out, a line each.
        tuned: Weights, floor and measured quality.
        asked: Questions that the weights were not chosen with, each with the text that answers it.
    """

    folder: Path
    passages: int
    pairs: int
    files: int
    encoded: int
    kept: int
    notes: tuple[str, ...]
    tuned: Tuned
    asked: tuple[tuple[str, str], ...] = ()


def build_index(
    targets: Iterable[Path],
    folder: Path,
    *,
    encoder: Encoder | None = None,
    embedding: str = "",
    reranker: Reranker | None = None,
    reranking: str = "",
    rebuild: bool = False,
    evaluate: bool = False,
    progress: Progress = lambda *_: None,
) -> Built:
    """Build an index, or bring one up to date; an index that is there counts until the new one is complete.

    Args:
        targets: Data files, documents, folders and patterns.
        folder: Where to; a new or empty folder, or an index.
        encoder: What makes vectors; `None` for a search without a model.
        embedding: Where the encoder comes from, to find it again.
        reranker: What may order the best hits; it is used where that is measured to help.
        reranking: Where the reranker comes from, to find it again.
        rebuild: Whether to use nothing of the index that is there, which may then be damaged.
        evaluate: Whether to measure with more questions.
        progress: Told about the work.

    Raises:
        TrainclinicError: If the data hold no text, the folder holds something else or a damaged index, something
            cannot be written, or a library is missing.
    """
    storage.refuse_foreign(folder)
    before = _vectors_before(folder, encoder) if not rebuild else {}
    progress("reading", 0, 0)
    reading = read_passages(targets)
    passages = reading.passages
    with storage.new_version(folder) as aside:
        _write_passages(aside, passages)
        lexical = Lexical.build(
            [passage.question for passage in passages],
            [passage.text for passage in passages],
            lambda: progress("indexing words and characters", 1, 4),
        )
        lexical.save(aside)
        vectors, encoded = _vectors(passages, encoder, before, progress)
        if vectors is not None:
            np.save(aside / VECTORS, vectors)
        questions = make_questions(passages, frozenset(reading.pairs), ASKED_TO_EVALUATE if evaluate else ASKED)
        tuned = _tuned(Searcher(lexical, vectors, encoder), passages, questions, progress, reranker)
        built = Built(
            folder, len(passages), len(reading.pairs), reading.files, encoded,
            (len(passages) - encoded) if encoder else 0, tuple(reading.notes()), tuned,
            tuple((asked.text, passages[asked.relevant[0]].text) for asked in questions.measuring),
        )  # fmt: skip
        models = {"embedding": _model(embedding, encoder), "reranker": _model(reranking, reranker)}
        storage.publish(folder, aside, {**_told(reading, built), **models})
    return built


def _told(reading: Reading, built: Built) -> dict[str, object]:
    return {
        "title": reading.title,
        "passages": built.passages,
        "pairs": built.pairs,
        "tuned": built.tuned.as_json(),
    }


def _model(folder: str, model: Encoder | Reranker | None) -> dict[str, str] | None:
    """Where a model lies, and which one it is."""
    return {"folder": folder, "identity": model.identity} if model is not None else None


def _tuned(
    searcher: Searcher, passages: list[Passage], questions: Questions, progress: Progress, reranker: Reranker | None
) -> Tuned:
    asked = len(questions.choosing) + len(questions.measuring)
    asked += len(questions.foreign_choosing) + len(questions.foreign_measuring)
    tuner = Tuner(searcher, passages, lambda done: progress("asking your own questions", done, asked), reranker)
    return tuner.tune(questions)


def _write_passages(aside: Path, passages: list[Passage]) -> None:
    """One line of JSON a passage, and where each line begins."""
    offsets = np.zeros(len(passages) + 1, np.int64)
    with (aside / PASSAGES).open("wb") as handle:
        for row, passage in enumerate(passages):
            told = {"id": passage.id, "question": passage.question, "text": passage.text, "source": passage.source}
            handle.write(json.dumps(told, ensure_ascii=False).encode() + b"\n")
            offsets[row + 1] = handle.tell()
    np.save(aside / OFFSETS, offsets)


def _vectors_before(folder: Path, encoder: Encoder | None) -> dict[str, Vectors]:
    """Vectors of the index that is there, by passage, if the same model made them.

    Raises:
        TrainclinicError: If the index is damaged.
    """
    if not (folder / storage.POINTER).is_file():
        return {}
    version, manifest = storage.current(folder)
    embedding = manifest.get("embedding")
    if encoder is None or not isinstance(embedding, dict) or embedding.get("identity") != encoder.identity:
        return {}
    try:
        vectors = np.load(version / VECTORS, mmap_mode="r", allow_pickle=False)
        return dict(zip(Stored(version).ids(), vectors, strict=True))
    except (OSError, ValueError, TypeError) as error:
        raise storage.damaged(folder, str(error)) from error


def _vectors(
    passages: list[Passage], encoder: Encoder | None, before: dict[str, Vectors], progress: Progress
) -> tuple[Vectors | None, int]:
    """Vectors of all passages, and how many had to be made."""
    if encoder is None:
        return None, 0
    fresh = [row for row, passage in enumerate(passages) if passage.id not in before]
    texts = [f"{passages[row].question}\n{passages[row].text}".strip() for row in fresh]
    made = encoder.passages(texts, lambda done: progress("encoding", done, len(fresh)))
    width = made.shape[1] if fresh else len(next(iter(before.values())))
    vectors = np.empty((len(passages), width), np.float32)
    for row, passage in enumerate(passages):
        if passage.id in before:
            vectors[row] = before[passage.id]
    if fresh:
        vectors[fresh] = made
    return vectors, len(fresh)
