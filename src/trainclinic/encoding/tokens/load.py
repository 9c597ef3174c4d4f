"""Which tokenizer a user means: a folder, a file, the name of a model in the local cache, or none.

It knows where tokenizers lie. It never downloads, and never runs code of a model.
"""

from __future__ import annotations

import os
from pathlib import Path

from trainclinic.encoding.tokens.build import CONVERSION, backend_of
from trainclinic.encoding.tokens.files import files_of
from trainclinic.encoding.tokens.hub_cache import cache_folders, first_with, is_model_name
from trainclinic.encoding.tokens.stand_in import BytesTokenizer
from trainclinic.encoding.tokens.tokenizer import Tokenizer
from trainclinic.record.errors import ReadError

_FOREIGN = ("tokenizer.model", "tekken.json", "vocab.txt", "spiece.model", "sentencepiece.bpe.model")


def load_tokenizer(given: str | os.PathLike[str] | None) -> Tokenizer:
    """The tokenizer that the user named.

    Args:
        given: A model folder, a `tokenizer.json`, or the name of a model (`org/name`) that was downloaded before;
            `None` for bytes in place of tokens.

    Raises:
        ReadError: If nothing is found there, the files are damaged, or `tokenizers` is not installed.
    """
    if given is None:
        return BytesTokenizer()
    path, name = Path(given).expanduser(), os.fspath(given)
    if path.is_dir():
        return _from_folder(path, name)
    if path.is_file():
        return _from_file(path, name)
    if isinstance(given, str) and is_model_name(given):
        return _from_cache(given)
    message = f"there is no tokenizer at `{name}`: expected a model folder, a `tokenizer.json` or the name of a model"
    raise ReadError(message)


def vocabulary_in(folder: Path) -> Path | None:
    """The file that holds the vocabulary of a model folder, `None` when there is none that can be read."""
    if (path := folder / "tokenizer.json").is_file():
        return path
    path = folder / "vocab.json"
    return path if path.is_file() and (folder / "merges.txt").is_file() else None


def _from_folder(folder: Path, name: str) -> Tokenizer:
    vocabulary = vocabulary_in(folder)
    if vocabulary is not None:
        return _built(folder, vocabulary, name)
    foreign = next((file for file in _FOREIGN if (folder / file).is_file()), None)
    if foreign is not None:
        message = f"`{folder / foreign}` is a vocabulary of another library, expected a `tokenizer.json` beside it"
        raise ReadError(message, hint=CONVERSION.format(folder=folder))
    message = f"the folder `{name}` holds no tokenizer: expected `tokenizer.json`, or `vocab.json` with `merges.txt`"
    raise ReadError(message, hint="give the folder that the model was saved to, or leave the tokenizer out")


def _from_file(path: Path, name: str) -> Tokenizer:
    if path.suffix != ".json":
        message = f"`{name}` is no tokenizer that can be read: expected a `tokenizer.json` or a model folder"
        raise ReadError(message, hint=CONVERSION.format(folder=path.parent) if path.name in _FOREIGN else "")
    is_pair = path.name == "vocab.json" and path.with_name("merges.txt").is_file()
    return _built(path.parent, path, name) if is_pair or path.name != "vocab.json" else _from_folder(path.parent, name)


def _from_cache(name: str) -> Tokenizer:
    folder = first_with(name, lambda snapshot: vocabulary_in(snapshot) is not None)
    if folder is None:
        looked = ", ".join(f"`{cache}`" for cache in cache_folders())
        message = f"there is no folder `{name}`, and no downloaded model of this name with a tokenizer in {looked}"
        raise ReadError(message, hint=f"download it with `hf download {name}`, or give a folder with `tokenizer.json`")
    vocabulary = vocabulary_in(folder)
    return _built(folder, vocabulary or folder, name)


def _built(folder: Path, vocabulary: Path, name: str) -> Tokenizer:
    from trainclinic.encoding.tokens.hf import HfTokenizer

    files = files_of(folder, vocabulary)
    return HfTokenizer(backend_of(files), files, name, (load_tokenizer, name))
