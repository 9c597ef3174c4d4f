"""The files of a tokenizer: what a model folder holds besides the vocabulary.

It knows file names and their keys, and reads JSON. It does not know tokenizer libraries.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainclinic.record.errors import ReadError

_NAMED = ("bos_token", "eos_token", "pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
_MEANINGLESS_LENGTH = 10_000_000


@dataclass(frozen=True, slots=True)
class TokenizerFiles:
    """A tokenizer as it lies on disk.

    Attributes:
        folder: Where its files are.
        vocabulary: The file that holds the vocabulary: `tokenizer.json`, `vocab.json` or `tokenizer.model`.
        settings: `tokenizer_config.json`, empty when there is none.
        named: Special tokens by their part (`eos_token`), from the settings and `special_tokens_map.json`.
        extra: Further special tokens.
        template: Chat template as Jinja source, empty when there is none.
        ends: Ids of `eos_token_id` in `generation_config.json`.
    """

    folder: Path
    vocabulary: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    template: str = ""
    ends: tuple[int, ...] = ()

    @property
    def kind(self) -> str:
        """Class of the tokenizer without `Fast`, empty when it is not stated."""
        stated = self.settings.get("tokenizer_class")
        return stated.removesuffix("Fast") if isinstance(stated, str) else ""

    @property
    def longest(self) -> int | None:
        """`model_max_length`, `None` when it is not stated or a number without meaning."""
        stated = self.settings.get("model_max_length")
        is_number = isinstance(stated, (int, float)) and not isinstance(stated, bool)
        return int(stated) if is_number and 0 < stated < _MEANINGLESS_LENGTH else None  # type: ignore[operator,arg-type]


def files_of(folder: Path, vocabulary: Path) -> TokenizerFiles:
    """The settings that stand beside a vocabulary.

    Args:
        folder: Folder of the model.
        vocabulary: File with the vocabulary.

    Raises:
        ReadError: If one of the files is no valid JSON, or no object.
    """
    settings = _settings(folder / "tokenizer_config.json")
    listed = _settings(folder / "special_tokens_map.json")
    named = {part: text for part in _NAMED if (text := _token(settings.get(part)) or _token(listed.get(part)))}
    further = [*_list(settings.get("additional_special_tokens")), *_list(listed.get("additional_special_tokens"))]
    return TokenizerFiles(
        folder=folder,
        vocabulary=vocabulary,
        settings=settings,
        named=named,
        extra=tuple(dict.fromkeys(text for token in further if (text := _token(token)))),
        template=_template(folder, settings),
        ends=_end_ids(_settings(folder / "generation_config.json").get("eos_token_id")),
    )


def read_json(path: Path) -> Any:
    """The value of a JSON file.

    Raises:
        ReadError: If the file cannot be read, or is no valid JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        message = f"cannot read `{path}`: {error.strerror or error}"
        raise ReadError(message) from error
    except (ValueError, RecursionError) as error:
        message = f"`{path}` is no valid JSON: {error}"
        raise ReadError(message, hint="download or save the tokenizer again: the file is damaged") from error


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        ReadError: If the file cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        message = f"cannot read `{path}`: {error.strerror or error}"
        raise ReadError(message) from error
    except UnicodeDecodeError as error:
        message = f"`{path}` is not UTF-8 text: byte {error.start} cannot be decoded"
        raise ReadError(message) from error


def _settings(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    found = read_json(path)
    if not isinstance(found, dict):
        message = f"`{path}` holds a JSON {type(found).__name__}, expected an object with settings"
        raise ReadError(message)
    return found


def _token(written: object) -> str:
    """Text of a special token, which is written as a string or as an object with its `content`."""
    if isinstance(written, dict):
        written = written.get("content")
    return written if isinstance(written, str) else ""


def _list(written: object) -> list[object]:
    if isinstance(written, dict):
        return list(written.values())
    return list(written) if isinstance(written, list) else []


def _end_ids(written: object) -> tuple[int, ...]:
    values = written if isinstance(written, list) else [written]
    return tuple(value for value in values if isinstance(value, int) and not isinstance(value, bool))


def _template(folder: Path, settings: Mapping[str, Any]) -> str:
    """The chat template: a file of its own goes before the settings, as in transformers."""
    if (path := folder / "chat_template.jinja").is_file():
        return read_text(path)
    beside = _settings(folder / "chat_template.json").get("chat_template")
    return _source_of(beside) or _source_of(settings.get("chat_template"))


def _source_of(written: object) -> str:
    """Source of a template, which is written as a string, or as a list or object of named ones."""
    if isinstance(written, list):
        written = {part.get("name"): part.get("template") for part in written if isinstance(part, dict)}
    if isinstance(written, dict):
        written = written.get("default") or next(iter(written.values()), "")
    return written if isinstance(written, str) else ""
