"""Settings in JSON: `training_args.json`, W&B's `config.json` and other files with the keys of a training."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainclinic.readers.json_tree import MAX_JSON_BYTES, json_settings
from trainclinic.readers.reader import Reader
from trainclinic.readers.settings_fragment import settings_fragment, settings_score

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile
    from trainclinic.readers.fragment import Fragment

_KEY = re.compile(r'"([^"\n]{1,80})"\s*:\s*(?!\{)')
_LISTS = re.compile(r'"\s*:\s*\[\s*-?\d+\.\d')


def sniff(file: LogFile) -> float:
    """By keys that only trainings have, or by the file's name and some of them."""
    if file.path.suffix.lower() != ".json" or file.is_binary or file.size > MAX_JSON_BYTES:
        return 0.0
    text = file.head_text.lstrip("\ufeff \r\n\t")
    if not text.startswith("{") or '"log_history"' in text or _LISTS.search(text):
        return 0.0
    score = settings_score(_KEY.findall(text))
    return score if score else 0.3 if "training_args" in file.path.name else 0.0


def read(file: LogFile) -> list[Fragment]:
    """Read all settings.

    Raises:
        ReadError: If the file holds no JSON object.
    """
    return [settings_fragment(file, "json_config", json_settings(file))]


READER = Reader(
    name="json_config",
    title="training_args.json and other settings in JSON",
    recognised_by="keys that only trainings have",
    delivers="every setting with its line: known ones as facts, others under their own names",
    limits="lists of objects give their `path` or `name` only",
    sniff=sniff,
    read=read,
)
