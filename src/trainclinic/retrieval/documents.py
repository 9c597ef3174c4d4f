"""What the user points at as passages: data files by row, documents by section.

It knows which files are data and which are documents, and counts what could not be read. It does not know search.
"""

from __future__ import annotations

import glob
import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from trainclinic.catalogue.wording import count
from trainclinic.corpus.corpus import Shard
from trainclinic.corpus.open import open_corpus
from trainclinic.corpus.sample import Sample, Trouble
from trainclinic.record.errors import ReadError
from trainclinic.retrieval.chunking import Block, pieces
from trainclinic.retrieval.markup import html_blocks, markdown_blocks, pdf_blocks, plain_blocks, text_of_bytes
from trainclinic.retrieval.passage import Passage
from trainclinic.retrieval.storage import is_index

MARKDOWN = frozenset({".md", ".markdown", ".mdx"})
HTML = frozenset({".html", ".htm", ".xhtml"})
PLAIN = frozenset({".txt", ".text", ".rst"})
PDF = frozenset({".pdf"})
DOCUMENTS = MARKDOWN | HTML | PLAIN | PDF
LARGEST_DOCUMENT = 64 << 20
"""Bytes of a document; data files are streamed and may be of any size."""
MOST_FILES = 100_000


@dataclass(slots=True)
class Reading:
    """Passages of everything that was pointed at, each once.

    Attributes:
        passages: In the order of files and lines.
        pairs: Ids of those that are a question with its answer.
        title: Name for the whole.
        repeated: Passages that stood somewhere before, word for word.
        lost: Rows that could not be used, by kind of trouble.
        skipped: Files of folders that could not be read, each with the reason.
        files: Files that gave passages.
    """

    passages: list[Passage] = field(default_factory=list)
    pairs: set[str] = field(default_factory=set)
    title: str = "data"
    repeated: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)
    files: int = 0

    def notes(self) -> list[str]:
        """What was left out, a line each."""
        said = [f"{count(rows, 'row')} left out: {kind}" for kind, rows in self.lost.most_common()]
        if self.repeated:
            said.append(f"{count(self.repeated, 'repeated passage')} left out")
        return [*said, *self.skipped]


def read_passages(targets: Iterable[Path]) -> Reading:
    """Read data files and documents.

    Args:
        targets: Files, folders and patterns.

    Raises:
        ReadError: If a path does not exist, a file that was named cannot be read, or nothing holds text.
        TrainclinicError: If a file that was named needs a library that is not installed.
    """
    given = [Path(target).expanduser() for target in targets]
    reading = Reading()
    if len(given) == 1:
        reading.title = given[0].name or given[0].resolve().name
    ids: set[str] = set()
    for target in given:
        for found in _in_target(target, reading):
            _take(found, reading, ids)
    if not reading.passages:
        reasons = "; ".join(reading.notes()[:3])
        message = f"`{reading.title}` holds no text to search" + (f": {reasons}" if reasons else "")
        raise ReadError(message, hint="give data files (`trainclinic data` shows what they hold), or documents")
    return reading


def identity(question: str, text: str) -> str:
    """Digest of a passage, 32 hex digits.

    Args:
        question: Its question or heading path.
        text: Its text.
    """
    return hashlib.blake2b(f"{question}\0{text}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _take(found: _Found, reading: Reading, ids: set[str]) -> None:
    rows_before = len(reading.passages) + reading.repeated
    for passage, is_pair in found.passages():
        if passage.id in ids:
            reading.repeated += 1
            continue
        ids.add(passage.id)
        reading.passages.append(passage)
        if is_pair:
            reading.pairs.add(passage.id)
    reading.files += len(reading.passages) + reading.repeated > rows_before


@dataclass(frozen=True, slots=True)
class _Found:
    """A file with what reads it."""

    reading: Reading
    shard: Shard | None = None
    path: Path | None = None
    name: str = ""
    is_named: bool = False

    def passages(self) -> Iterator[tuple[Passage, bool]]:
        """Passages, and whether each is a pair."""
        if self.shard is not None:
            yield from _of_shard(self.shard, self.reading)
            return
        try:
            yield from ((_passage(*found), False) for found in self._of_document())
        except ReadError as error:
            if self.is_named:
                raise
            self.reading.skipped.append(error.message)

    def _of_document(self) -> list[tuple[str, str, str]]:
        path = self.path or Path(self.name)
        blocks = _blocks(_bytes(path, self.name), path.suffix.lower(), self.name)
        return [(piece.path, piece.text, f"{self.name}:{piece.place}") for piece in pieces(blocks)]


def _passage(question: str, text: str, source: str) -> Passage:
    question, text = _clean(question), _clean(text)
    return Passage(identity(question, text), question, text, source)


def _clean(text: str) -> str:
    """A text that can be written as UTF-8: halves of characters, which JSON allows, become marks."""
    return text.strip().encode("utf-8", "replace").decode("utf-8")


def _bytes(path: Path, name: str) -> bytes:
    try:
        if path.stat().st_size > LARGEST_DOCUMENT:
            message = f"`{name}` is larger than {LARGEST_DOCUMENT >> 20} MB"
            raise ReadError(message, hint="split it, or turn it into JSON lines, which are streamed")
        return path.read_bytes()
    except OSError as error:
        message = f"`{name}` cannot be read: {error.strerror or error}"
        raise ReadError(message, hint="check that you may read it") from error


def _blocks(data: bytes, suffix: str, name: str) -> Iterator[Block]:
    if suffix in PDF:
        return pdf_blocks(data, name)
    text = text_of_bytes(data)
    if suffix in MARKDOWN:
        return markdown_blocks(text)
    return html_blocks(text) if suffix in HTML else plain_blocks(text)


def _of_shard(shard: Shard, reading: Reading) -> Iterator[tuple[Passage, bool]]:
    for row in shard.rows():
        if isinstance(row, Trouble):
            if row.loses_row:
                reading.lost[row.kind] += 1
            continue
        if row.ids and not row.messages and not row.text:
            reading.lost["token ids without text"] += 1
            continue
        yield from _of_sample(row)


def _of_sample(sample: Sample) -> Iterator[tuple[Passage, bool]]:
    """One passage for each answer of a conversation, with the turn it answers; texts in pieces."""
    source = str(sample.source).replace("`", "")
    if sample.text:
        for piece in pieces(markdown_blocks(sample.text)):
            yield _passage(piece.path, piece.text, source), False
    asked = ""
    for message in sample.messages:
        if message.role == "user":
            asked = message.content
        elif message.is_answer and message.content.strip() and sample.is_liked is not False:
            yield _passage(asked, message.content, source), bool(asked.strip())


def _in_target(target: Path, reading: Reading) -> Iterator[_Found]:
    if target.is_dir():
        yield from _in_folder(target, reading)
    elif not target.exists() and glob.has_magic(str(target)):
        matches = sorted(Path(match) for match in glob.glob(str(target), recursive=True))  # noqa: PTH207
        if not matches:
            message = f"`{target}` matches no file"
            raise ReadError(message, hint="put the pattern in quotes, and check it with `ls`")
        for match in matches:
            if match.is_file():
                yield from _named(match, reading)
    else:
        yield from _named(target, reading)


def _named(path: Path, reading: Reading) -> Iterator[_Found]:
    suffix = path.suffix.lower()
    if path.is_file() and suffix in DOCUMENTS and not _holds_pairs(path):
        yield _Found(reading, path=path, name=path.name, is_named=True)
        return
    yield from (_Found(reading, shard=shard) for shard in open_corpus([path]).shards)


def _in_folder(folder: Path, reading: Reading) -> Iterator[_Found]:
    """Data files of a folder, then its documents."""
    try:
        corpus = open_corpus([folder])
    except ReadError:
        shards: tuple[Shard, ...] = ()
    else:
        shards = tuple(shard for shard in corpus.shards if shard.path.suffix.lower() not in DOCUMENTS)
        reading.skipped += [f"`{one.source.path}`: {one.says}" for one in corpus.troubles]
    yield from (_Found(reading, shard=shard) for shard in shards if not _is_in_index(shard.path, folder))
    for path in _documents_below(folder):
        if path.suffix.lower() in MARKDOWN | PLAIN and _holds_pairs(path):
            yield from (_Found(reading, shard=shard) for shard in open_corpus([path]).shards)
        else:
            yield _Found(reading, path=path, name=path.relative_to(folder).as_posix())


def _is_in_index(path: Path, folder: Path) -> bool:
    """Whether a file below a folder belongs to an index that lies there too."""
    return any(is_index(parent) for parent in path.parents if folder in parent.parents)


def _documents_below(folder: Path) -> list[Path]:
    found: list[Path] = []
    for root, folders, names in os.walk(folder):
        kept = (name for name in folders if not name.startswith((".", "__")))
        folders[:] = sorted(name for name in kept if not is_index(Path(root, name)))
        found += [
            Path(root, name)
            for name in sorted(names)
            if not name.startswith(".") and Path(name).suffix.lower() in DOCUMENTS
        ]
        if len(found) > MOST_FILES:
            message = f"`{folder}` holds more than {MOST_FILES:,} documents"
            raise ReadError(message, hint="name the folders that hold what is to be searched")
    return [path for path in found if path.is_file()]


def _holds_pairs(path: Path) -> bool:
    """Whether a text is written as questions with their answers."""
    if path.suffix.lower() not in MARKDOWN | PLAIN:
        return False
    try:
        return any(shard.schema == "question-answer" for shard in open_corpus([path]).shards)
    except ReadError:
        return False
